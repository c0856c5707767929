"""The artifact store: staged, synced, renamed, verified; in a directory, or under a URL with a directory for copies.

**A published artifact is whole or absent.** Its files are synced before one rename makes it visible, and
its name is the digest of its content, so publishing twice, or by several processes at once, ends in the same place.
**What is read has been verified**: `open` computes the digest again. See docs/adr/0003.

Layout under the root: ``artifacts/sha256/<2 hex>/<62 hex>/`` and ``staging/``, on one file system. A store may keep its
artifacts under a URL besides; then that is where they are or are not, and the directory holds copies for reading.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
import weakref
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

from treadle.artifact import Artifact, digest_tree
from treadle.errors import ArtifactContentError, CorruptArtifactError, MissingArtifactError, UsageError
from treadle.files import sync
from treadle.storage._copies import Copies
from treadle.storage._remote import Remote
from treadle.storage._use import alone, in_use

A = TypeVar("A", bound=Artifact)


class ArtifactStore:
    """Artifacts in a local directory. Safe for any number of processes and threads.

    Args:
        root: The store's home; made, readable by its owner only, when something is first staged.
        url: Where the artifacts are kept, ``s3://bucket/prefix``; in the directory when not given.
        most_copied_bytes: How much the directory's copies of what is kept under the URL may take; those that were
            opened longest ago leave first, those in use stay.
    """

    def __init__(
        self, root: str | os.PathLike[str], url: str | None = None, *, most_copied_bytes: int = 50 * 10**9
    ) -> None:
        self.root = Path(root).absolute()
        self.remote = Remote(url) if url else None
        self._copies = Copies(self, self.remote, most_copied_bytes) if self.remote else None

    def stage(self) -> Path:
        """A new, empty directory on the store's file system, to be filled and published or discarded."""
        staging = self.root / "staging"
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        staging.mkdir(mode=0o700, exist_ok=True)
        return Path(tempfile.mkdtemp(dir=staging))

    def publish(self, staged: Path, type_: type[A], properties: Mapping[str, Any] | None = None) -> A:
        """Make a staged directory a published artifact; ``staged`` is gone afterwards.

        Idempotent: when the same bytes are there already, they stay and the staged copy is dropped. A copy that
        is there but damaged is moved aside and replaced.

        Raises:
            ArtifactContentError: When the directory holds anything but files and directories.
        """
        digest = digest_tree(staged)
        if self.remote is not None:
            self.remote.upload(staged)
        final = self.path(digest)
        while not self.put(staged, digest):
            if self.digest_here(digest) == digest:
                shutil.rmtree(staged)
                break
            self.set_aside(digest)
        sync(final.parent)
        sync(final.parent.parent)
        if self._copies is not None:
            self._copies.trim()  # also this one may leave: nobody has asked for its path yet
        return self.promise(digest, type_, properties)

    def put(self, staged: Path, digest: str) -> bool:
        """Move a tree that has this digest to its place; False when something is there already."""
        _seal(staged)
        final = self.path(digest)
        final.parent.mkdir(parents=True, exist_ok=True)
        return _rename_without_replacing(staged, final)

    def digest_here(self, digest: str) -> str | None:
        """The digest of what lies at the place of a digest, or None when nothing does. Links inside count as damage."""
        path = self.path(digest)
        try:
            return digest_tree(path)
        except (FileNotFoundError, NotADirectoryError):
            return None if not path.exists() else ""
        except ArtifactContentError:
            return ""

    def open(self, digest: str, type_: type[A], properties: Mapping[str, Any] | None = None) -> A:
        """The artifact of a digest, after its bytes have been verified.

        Raises:
            MissingArtifactError: When the store does not hold it.
            CorruptArtifactError: When its bytes no longer give its digest.
        """
        artifact = type_(self._verified(digest), digest, dict(properties or {}))
        if self._copies is not None:
            weakref.finalize(artifact, _drop, self).atexit = False  # as long as it is there, its copy is held
        return artifact

    def find(self, digest: str, type_: type[A], properties: Mapping[str, Any] | None = None) -> A:
        """The artifact of a digest, known to be there; what is kept under a URL is brought when its path is asked for.

        In a directory its bytes are verified now, under a URL when they are brought: until then nobody has found them
        to be damaged.

        Raises:
            MissingArtifactError: When the store does not hold it.
            CorruptArtifactError: When its bytes no longer give its digest, as far as is known.
        """
        if self.remote is None:
            return self.open(digest, type_, properties)
        self.remote.find(digest)
        if self.remote.is_damaged(digest):
            raise _damaged(digest, self.path(digest))
        return self.promise(digest, type_, properties)

    def promise(self, digest: str, type_: type[A], properties: Mapping[str, Any] | None = None) -> A:
        """The artifact of a digest that was just found or published, for whoever may ask for its path."""
        if self._copies is None:
            return type_(self.path(digest), digest, dict(properties or {}))
        return type_.brought_by(lambda: self._verified(digest), digest, dict(properties or {}))

    def let_go(self, digest: str) -> None:
        """Hold the copy of an artifact no more that was opened: nobody here reads it further."""
        if self._copies is not None:
            self._copies.let_go(digest)

    def _verified(self, digest: str) -> Path:
        path = self.path(digest)
        if self._copies is not None:
            self._copies.bring(digest)
            return path
        found = self.digest_here(digest)
        if found is None:
            raise MissingArtifactError(
                "An artifact is not in the store",
                where={"digest": digest, "file": path},
                hint="run the pipeline again: the node that makes it will run",
            )
        if found != digest:
            raise _damaged(digest, path)
        return path

    def read(self, digest: str, file: str) -> bytes | None:
        """One small file of an artifact, not verified; None when there is no such artifact or file."""
        try:
            return (self.path(digest) / file).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            if self.remote is None:
                return None
        try:
            return self.remote.read(digest, file)  # a copy may leave at any moment
        except (MissingArtifactError, CorruptArtifactError):
            return None

    def claim(self, identity: str) -> None:
        """Make the place of the artifacts a lineage's own; a directory is its store's in any case.

        Raises:
            StoreOwnerError: When it is another lineage's.
        """
        if self.remote is not None:
            self.remote.claim(identity)

    def path(self, digest: str) -> Path:
        """Where an artifact of this digest lives or would live; says nothing about whether it is there."""
        algorithm, _, hexadecimal = digest.partition(":")
        if algorithm != "sha256" or len(hexadecimal) != 64 or set(hexadecimal) - set("0123456789abcdef"):
            raise UsageError("Not a digest", where={"digest": repr(digest)}, hint="it looks like sha256:<hex>")
        return self.root / "artifacts" / "sha256" / hexadecimal[:2] / hexadecimal[2:]

    def in_use(self) -> AbstractContextManager[None]:
        """A block in which nothing of the store is collected. A run holds it from its first look to its last commit."""
        return in_use(self.root)

    def alone(self, *, wait_seconds: float = 0.0) -> AbstractContextManager[None]:
        """A block in which nobody else uses the store, for who collects.

        Raises:
            StoreInUseError: When somebody still uses it after ``wait_seconds``.
        """
        return alone(self.root, wait_seconds=wait_seconds)

    def set_aside(self, digest: str) -> None:
        """Move a damaged artifact out of the way, into ``staging/``, where a person can look at it."""
        aside = self.stage() / "damaged"
        try:
            os.rename(self.path(digest), aside)
        except FileNotFoundError:  # somebody else was quicker
            aside.parent.rmdir()


def _drop(store: ArtifactStore) -> None:
    """Nobody has the artifact any more for which the store was kept."""


def _damaged(digest: str, path: Path) -> CorruptArtifactError:
    return CorruptArtifactError(
        "An artifact's bytes changed after it was published",
        where={"digest": digest, "file": path},
        hint="run the pipeline again: the damaged copy is set aside and made anew; check the disk",
    )


def _rename_without_replacing(source: Path, target: Path) -> bool:
    try:
        os.rename(source, target)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    return True


def _seal(directory: Path) -> None:
    """Make every file read-only and every byte durable, leaves first."""
    for folder, _, names in os.walk(directory, topdown=False, onerror=_raise):
        for name in names:
            descriptor = os.open(os.path.join(folder, name), os.O_RDONLY | os.O_NOFOLLOW)
            try:
                os.fchmod(descriptor, stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        sync(folder)


def _raise(error: OSError) -> None:
    raise error  # by default a folder that cannot be read is passed over in silence
