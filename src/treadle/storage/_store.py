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
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

from treadle.artifact import Artifact, digest_tree
from treadle.errors import ArtifactContentError, CorruptArtifactError, MissingArtifactError, UsageError
from treadle.files import sync
from treadle.storage._remote import Remote
from treadle.storage._use import alone, in_use

A = TypeVar("A", bound=Artifact)


class ArtifactStore:
    """Artifacts in a local directory. Safe for any number of processes and threads.

    Args:
        root: The store's home; made, readable by its owner only, when something is first staged.
        url: Where the artifacts are kept, ``s3://bucket/prefix``; in the directory when not given.
    """

    def __init__(self, root: str | os.PathLike[str], url: str | None = None) -> None:
        self.root = Path(root).absolute()
        self.remote = Remote(url) if url else None

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
        _seal(staged)
        final = self.path(digest)
        final.parent.mkdir(parents=True, exist_ok=True)
        while not _rename_without_replacing(staged, final):
            if _digest_of(final) == digest:
                shutil.rmtree(staged)
                break
            self.set_aside(digest)
        sync(final.parent)
        sync(final.parent.parent)
        return type_(final, digest, dict(properties or {}))

    def open(self, digest: str, type_: type[A], properties: Mapping[str, Any] | None = None) -> A:
        """The artifact of a digest, after its bytes have been verified.

        Raises:
            MissingArtifactError: When the store does not hold it.
            CorruptArtifactError: When its bytes no longer give its digest.
        """
        path = self.path(digest)
        found = _digest_of(path) if self.remote is None else self._bring(digest)
        if found is None:
            raise MissingArtifactError(
                "An artifact is not in the store",
                where={"digest": digest, "file": path},
                hint="run the pipeline again: the node that makes it will run",
            )
        if found != digest:
            raise CorruptArtifactError(
                "An artifact's bytes changed after it was published",
                where={"digest": digest, "file": path},
                hint="run the pipeline again: the damaged copy is set aside and made anew; check the disk",
            )
        return type_(path, digest, dict(properties or {}))

    def read(self, digest: str, file: str) -> bytes | None:
        """One small file of an artifact, not verified; None when there is no such artifact or file."""
        path = self.path(digest)
        if self.remote is not None and not path.exists():
            try:
                return self.remote.read(digest, file)
            except (MissingArtifactError, CorruptArtifactError):
                return None
        try:
            return (path / file).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None

    def claim(self, identity: str) -> None:
        """Make the place of the artifacts a lineage's own; a directory is its store's in any case.

        Raises:
            StoreOwnerError: When it is another lineage's.
        """
        if self.remote is not None:
            self.remote.claim(identity)

    def _bring(self, digest: str) -> str | None:
        """See to a copy of what is kept under the URL; its digest, or None when it is not there."""
        assert self.remote is not None
        if not self.remote.has(digest):
            return None
        found = _digest_of(self.path(digest))
        if found == digest:
            return digest
        if found is not None:
            self.set_aside(digest)
        place = self.stage()
        try:
            self.remote.download(digest, place)
            _place(place, self.path(digest))
        except CorruptArtifactError:
            self.remote.note_damage(digest)
            raise
        finally:
            shutil.rmtree(place, ignore_errors=True)
        return _digest_of(self.path(digest))

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


def _place(copy: Path, final: Path) -> None:
    """Put a verified copy where it is read; somebody else may have done so meanwhile."""
    _seal(copy)
    final.parent.mkdir(parents=True, exist_ok=True)
    _rename_without_replacing(copy, final)


def _digest_of(path: Path) -> str | None:
    """The digest of a published tree, or None when nothing is there. Links inside count as damage."""
    try:
        return digest_tree(path)
    except (FileNotFoundError, NotADirectoryError):
        return None if not path.exists() else ""
    except ArtifactContentError:
        return ""


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
