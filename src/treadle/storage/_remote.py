"""Artifacts under a URL, S3 or what speaks it: written files first, listing last; verified on the way in.

Objects below the URL, of an artifact with the digest ``sha256:<hex>``:

* ``data/<hex>/<n>``: the n-th file of its listing;
* ``listings/<hex>``: the listing that the digest is the digest of;
* ``damaged/<hex>``: there while the artifact is known to be damaged;
* ``aside/<name>``: no artifact: what somebody at work would not lose with his machine.

**An artifact is there when its listing is.** One object appears as a whole or not at all, and the listing is put after
all files are there in full, so what was half uploaded is never seen. Whoever uploads the same digest puts the same
bytes under the same names, so any number may do it at once. A listing says the digest of every file, and its own digest
is the artifact's: a changed byte anywhere is found. See docs/adr/0052.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from treadle.artifact import digest_bytes, digest_file, read_listing, tree_listing
from treadle.errors import (
    CorruptArtifactError,
    MissingArtifactError,
    MissingDependencyError,
    RemoteStoreError,
    StoreOwnerError,
    TreadleError,
)


class Remote:
    """Artifacts under a URL. A connection is made by the process and at the moment that first needs it.

    Args:
        url: ``s3://bucket/prefix``, or any URL that fsspec knows. Keys and endpoint come from the environment, as
            the library of the place reads them (``AWS_ACCESS_KEY_ID``, ``AWS_ENDPOINT_URL``, profiles).
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._opened: tuple[int, Any, str] | None = None

    def find(self, digest: str) -> None:
        """See that an artifact is there, without bringing its bytes.

        Raises:
            MissingArtifactError: When it is not.
        """
        with self._told(digest):
            fs, root = self._place()
            if not fs.exists(f"{root}/listings/{digest[7:]}"):
                raise FileNotFoundError(digest)

    def is_damaged(self, digest: str) -> bool:
        """Whether somebody who read an artifact found that its bytes are not what they were."""
        with self._told(digest):
            fs, root = self._place()
            damaged: bool = fs.exists(f"{root}/damaged/{digest[7:]}")
            return damaged

    def upload(self, tree: Path) -> None:
        """Put an artifact there; nothing is sent when it is there already and its files have their sizes."""
        listing = tree_listing(tree)
        name = digest_bytes(listing)[7:]
        sizes = {str(number): size for number, (_, size, _) in enumerate(read_listing(listing)) if size is not None}
        with self._told():
            fs, root = self._place()
            damaged = fs.exists(f"{root}/damaged/{name}")
            if not damaged and fs.exists(f"{root}/listings/{name}") and self._sizes(name) == sizes:
                return
            for number, (path, size, _) in enumerate(read_listing(listing)):
                if size is not None:
                    fs.put_file(str(tree / path), f"{root}/data/{name}/{number}")
            if self._sizes(name) != sizes:
                raise RemoteStoreError("What was uploaded did not arrive", where={"url": self.url, "artifact": name})
            fs.pipe_file(f"{root}/listings/{name}", listing)
            if damaged:
                fs.rm_file(f"{root}/damaged/{name}")

    def note_damage(self, digest: str) -> None:
        """See to it that the next upload replaces what is there."""
        with self._told():
            fs, root = self._place()
            fs.pipe_file(f"{root}/damaged/{digest[7:]}", b"")

    def lay_aside(self, name: str, data: bytes) -> None:
        """Put bytes beside the artifacts, in place of what was there by that name."""
        with self._told():
            fs, root = self._place()
            fs.pipe_file(f"{root}/aside/{name}", data)

    def laid_aside(self, name: str) -> bytes | None:
        """What was put beside the artifacts by a name; None when that is nothing."""
        with self._told():
            fs, root = self._place()
            try:
                data: bytes = fs.cat_file(f"{root}/aside/{name}")
            except FileNotFoundError:
                return None
            return data

    def drop_aside(self, name: str) -> None:
        """Take away what was put beside the artifacts by a name, if it is there."""
        with self._told():
            fs, root = self._place()
            if fs.exists(f"{root}/aside/{name}"):
                fs.rm_file(f"{root}/aside/{name}")

    def download(self, digest: str, place: Path) -> None:
        """Bring an artifact into an empty folder, every file verified.

        Raises:
            MissingArtifactError: When it is not there.
            CorruptArtifactError: When what is there does not have its digest.
        """
        for number, (path, size, expected) in enumerate(self._listing(digest)):
            target = place / path
            if size is None:
                target.mkdir(parents=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            self._fetch(digest, number, target)
            if target.stat().st_size != size or digest_file(target) != expected:
                raise _changed(self.url, digest, path)

    def read(self, digest: str, path: str) -> bytes | None:
        """One file of an artifact, verified; None when it has no such file."""
        for number, (name, size, expected) in enumerate(self._listing(digest)):
            if name == path and size is not None:
                with self._told(digest):
                    fs, root = self._place()
                    data: bytes = fs.cat_file(f"{root}/data/{digest[7:]}/{number}")
                if digest_bytes(data) != expected:
                    raise _changed(self.url, digest, path)
                return data
        return None

    def stored(self) -> Iterator[tuple[str, int, float]]:
        """Digest, bytes and time of upload (seconds since 1970, by the place's clock) of every artifact."""
        with self._told():
            fs, root = self._place()
            sizes: dict[str, int] = {}
            for key, found in fs.find(f"{root}/data", detail=True).items():
                name = key.rsplit("/", 2)[1]
                sizes[name] = sizes.get(name, 0) + int(found["size"])
            listings = fs.find(f"{root}/listings", detail=True)
        for key, found in sorted(listings.items()):
            name = key.rsplit("/", 1)[1]
            if len(name) == 64 and not set(name) - set("0123456789abcdef"):
                yield f"sha256:{name}", sizes.get(name, 0), _time(found)

    def remove(self, digest: str) -> bool:
        """Take an artifact away: out of sight first, then its bytes. False when it was not there."""
        with self._told():
            fs, root = self._place()
            listing = f"{root}/listings/{digest[7:]}"
            was_there: bool = fs.exists(listing)
            if was_there:
                fs.rm_file(listing)
            self._remove_data(digest[7:])
        return was_there

    def clear_litter(self, *, before: float) -> int:
        """Remove files without a listing, and what was laid aside, that are older than this; how many artifacts the
        files were meant for.
        """
        with self._told():
            fs, root = self._place()
            listed = {key.rsplit("/", 1)[1] for key in fs.find(f"{root}/listings")}
            newest: dict[str, float] = {}
            for key, found in fs.find(f"{root}/data", detail=True).items():
                name = key.rsplit("/", 2)[1]
                newest[name] = max(newest.get(name, 0.0), _time(found))
            litter = [name for name, time in newest.items() if name not in listed and time < before]
            for name in litter:
                self._remove_data(name)
            for key, found in fs.find(f"{root}/aside", detail=True).items():
                if _time(found) < before:
                    fs.rm_file(key)
        return len(litter)

    def claim(self, identity: str) -> None:
        """Make this place a lineage's own, so that no other lineage collects what it keeps here.

        Raises:
            StoreOwnerError: When it is another's.
        """
        with self._told():
            fs, root = self._place()
            owner = f"{root}/owner"
            if not fs.exists(owner):
                fs.pipe_file(owner, identity.encode())
            found = fs.cat_file(owner).decode("ascii", "replace")
        if found != identity:
            raise StoreOwnerError(
                "The artifacts there belong to another lineage",
                where={"url": self.url},
                hint="give every lineage a prefix of its own; stores of several hosts share theirs in PostgreSQL",
            )

    def _listing(self, digest: str) -> list[tuple[str, int | None, str]]:
        with self._told(digest):
            fs, root = self._place()
            listing: bytes = fs.cat_file(f"{root}/listings/{digest[7:]}")
        if digest_bytes(listing) != digest:
            raise _changed(self.url, digest, "its listing")
        try:
            return read_listing(listing)
        except (ValueError, TypeError, KeyError) as error:  # it has the digest, but is no listing
            raise CorruptArtifactError(f"Not an artifact: {error}", where={"digest": digest}) from error

    def _fetch(self, digest: str, number: int, target: Path) -> None:
        try:
            with self._told():
                fs, root = self._place()
                fs.get_file(f"{root}/data/{digest[7:]}/{number}", str(target))
        except MissingArtifactError as error:  # the listing is there and a file is not
            raise _changed(self.url, digest, str(number)) from error

    def _sizes(self, name: str) -> dict[str, int]:
        fs, root = self._place()
        found = fs.find(f"{root}/data/{name}", detail=True)
        return {key.rsplit("/", 1)[1]: int(one["size"]) for key, one in found.items()}

    def _remove_data(self, name: str) -> None:
        fs, root = self._place()
        for key in fs.find(f"{root}/data/{name}"):
            fs.rm_file(key)

    def _place(self) -> tuple[Any, str]:
        if self._opened is None or self._opened[0] != os.getpid():  # a connection does not cross a fork
            import fsspec

            try:
                fs, root = fsspec.core.url_to_fs(self.url, use_listings_cache=False, skip_instance_cache=True)
            except ImportError as error:
                raise MissingDependencyError(
                    f"Artifacts under {self.url.partition('://')[0]}:// need a library that is not installed",
                    hint="pip install 'treadle[s3]'",
                ) from error
            self._opened = (os.getpid(), fs, root.rstrip("/"))
        return self._opened[1:]

    @contextmanager
    def _told(self, digest: str | None = None) -> Iterator[None]:
        try:
            yield
        except TreadleError:
            raise
        except FileNotFoundError as error:
            raise MissingArtifactError(
                "An artifact is not in the store",
                where={"url": self.url, "digest": digest},
                hint="run the pipeline again: the node that makes it will run",
            ) from error
        except Exception as error:  # each kind of place has errors of its own
            raise RemoteStoreError(
                f"The place of the artifacts says: {type(error).__name__}: {error}",
                where={"url": self.url},
                hint="check the address, the keys and the network; what had been published is whole",
            ) from error


def _changed(url: str, digest: str, what: str) -> CorruptArtifactError:
    return CorruptArtifactError(
        "An artifact's bytes changed after it was published",
        where={"url": url, "digest": digest, "file": what},
        hint="run the pipeline again: the damaged copy is replaced",
    )


def _time(found: Any) -> float:
    for name in ("LastModified", "mtime", "created"):
        value = found.get(name)
        if value is not None:
            return float(value.timestamp() if hasattr(value, "timestamp") else value)
    return 0.0
