"""What a store holds, whether it is whole, and how something leaves it.

Something leaves in two steps: one rename takes it out of sight, so that it is there whole or not at all; then its
bytes are removed from where nobody looks. What a death between the two leaves behind is litter for the next sweep.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from treadle.artifact import digest_tree
from treadle.errors import ArtifactContentError, CorruptArtifactError, MissingArtifactError
from treadle.storage._copies import take_away

if TYPE_CHECKING:
    from treadle.storage._remote import Remote
    from treadle.storage._store import ArtifactStore

_COLLECTED = "collected-"


@dataclass(frozen=True, slots=True)
class Stored:
    """An artifact that lies in a store; nothing is said about whether it is whole."""

    digest: str
    path: Path
    size: int
    """Bytes of its files."""
    changed_at: float
    """When it was published, or last touched: seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Check:
    """What verifying an artifact found."""

    digest: str
    state: Literal["whole", "damaged", "missing"]
    size: int = 0


def stored(store: ArtifactStore) -> Iterator[Stored]:
    """Every artifact of a store, in the order of their digests."""
    if store.remote is None:
        yield from in_folder(store)
        return
    for digest, size, changed_at in store.remote.stored():
        yield Stored(digest, store.path(digest), size, changed_at)


def in_folder(store: ArtifactStore) -> Iterator[Stored]:
    """What lies in the folder: artifacts, or copies of what is kept under a URL."""
    root = store.root / "artifacts" / "sha256"
    for prefix in _listed(root):
        for rest in _listed(root / prefix):
            if len(prefix) == 2 and len(rest) == 62 and not set(prefix + rest) - set("0123456789abcdef"):
                path = root / prefix / rest
                with contextlib.suppress(FileNotFoundError):  # it left meanwhile
                    yield Stored(f"sha256:{prefix}{rest}", path, _size(path), path.lstat().st_ctime)


def check(store: ArtifactStore, digest: str) -> Check:
    """Whether an artifact's bytes still give its digest. Reads all of them."""
    path = store.path(digest)
    if store.remote is not None:
        return _check_remote(store, store.remote, digest)
    if not os.path.lexists(path):
        return Check(digest, "missing")
    try:
        whole = digest_tree(path) == digest
    except (ArtifactContentError, OSError):
        whole = False
    return Check(digest, "whole" if whole else "damaged", _size(path))


def _check_remote(store: ArtifactStore, remote: Remote, digest: str) -> Check:
    place = store.stage()
    try:
        remote.download(digest, place)
        return Check(digest, "whole", _size(place))
    except MissingArtifactError:
        return Check(digest, "missing")
    except CorruptArtifactError:
        remote.note_damage(digest)
        return Check(digest, "damaged", _size(place))
    finally:
        _remove(place)


def take_out(store: ArtifactStore, digest: str) -> bool:
    """Take an artifact out of sight; False when it was not there. `empty_bin` removes the bytes in the folder.

    Of what is kept under a URL, a copy that somebody holds stays for him until a later sweep.
    """
    if store.remote is None:
        return out_of_sight(store, digest)
    was_there = store.remote.remove(digest)
    take_away(store, digest)
    return was_there


def out_of_sight(store: ArtifactStore, digest: str) -> bool:
    """Take out of the folder what `empty_bin` then removes; False when it was not there."""
    while True:
        place = store.stage()
        target = place.rename(place.with_name(_COLLECTED + place.name))
        try:
            os.rename(store.path(digest), target / "artifact")
            return True
        except FileNotFoundError:
            with contextlib.suppress(FileNotFoundError):  # somebody else emptied the bin between the two renames
                target.rmdir()
            if not os.path.lexists(store.path(digest)):
                return False


def empty_bin(store: ArtifactStore) -> int:
    """Remove the bytes of what was taken out of sight, now or before a death; the number of artifacts."""
    places = [store.root / "staging" / name for name in _listed(store.root / "staging") if name.startswith(_COLLECTED)]
    for place in places:
        _remove(place)
    return len(places)


def clear_litter(store: ArtifactStore, *, older_than_seconds: float) -> int:
    """Remove what dead processes left in staging. Only for who is `alone` with the store; the number of places.

    Artifacts that were set aside as damaged stay for a person to look at until they are older than this.
    """
    staging = store.root / "staging"
    gone = _clear_remote(store, store.remote, older_than_seconds) if store.remote is not None else 0
    for name in _listed(staging):
        place = staging / name
        if name.startswith(_COLLECTED):
            continue
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            kept = (place / "damaged").exists() and time.time() - place.stat().st_mtime < older_than_seconds
            # a place with a lock is a run's, which the next run judges; with a dot it never came so far
            if not kept and (name.startswith(".") or not (place / "lock").exists()):
                _remove(place)
                gone += 1
    return gone


def _clear_remote(store: ArtifactStore, remote: Remote, older_than_seconds: float) -> int:
    """Half uploads, and copies in the folder of what others have collected, unless somebody holds them."""
    kept = {digest for digest, *_ in remote.stored()}
    for found in list(in_folder(store)):
        if found.digest not in kept:
            take_away(store, found.digest)
    return remote.clear_litter(before=time.time() - older_than_seconds)


def _listed(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _size(path: Path) -> int:
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(folder, name)).st_size
    return total


def _remove(place: Path) -> None:
    for folder, names, _ in os.walk(place):  # a user's function may have taken its own right to write
        for name in names:
            path = os.path.join(folder, name)
            with contextlib.suppress(FileNotFoundError):  # somebody else empties the same bin
                if not os.path.islink(path):
                    os.chmod(path, stat.S_IRWXU)
    shutil.rmtree(place, ignore_errors=True)
