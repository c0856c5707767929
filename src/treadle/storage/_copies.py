"""The folder's copies of artifacts that are kept under a URL: brought, held while they are read, trimmed by size.

Whoever opens a copy holds a shared lock on its folder as long as he has the artifact or the store. What leaves is what
was opened longest ago, and only a copy whose lock can be had alone: nobody's file goes from under him. The locks are
the operating system's and end with the process, however it ends. See docs/adr/0074.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from treadle.errors import CorruptArtifactError

if TYPE_CHECKING:
    from treadle.storage._remote import Remote
    from treadle.storage._store import ArtifactStore


class Copies:
    """Copies in a store's folder of what its URL holds.

    Args:
        store: The store.
        remote: What its URL holds.
        most_bytes: The copies are trimmed to this much; what is in use stays.
    """

    def __init__(self, store: ArtifactStore, remote: Remote, most_bytes: int) -> None:
        self._store: ArtifactStore = weakref.proxy(store)  # no ring: when the store goes, the locks go at once
        self._remote, self._most_bytes = remote, most_bytes
        self._lock = threading.RLock()
        self._hold_nothing()

    def _hold_nothing(self) -> None:
        self._held: dict[str, int] = {}
        self._process = os.getpid()
        weakref.finalize(self, _close_all, self._held, self._process).atexit = False

    def _mine(self) -> dict[str, int]:
        if self._process != os.getpid():  # after a fork: what the parent holds is the parent's
            self._hold_nothing()
        return self._held

    def bring(self, digest: str) -> None:
        """See to a verified copy and hold it; where the URL has the artifact no more, a copy is none.

        Raises:
            MissingArtifactError: When it is not under the URL.
            CorruptArtifactError: When what is there does not have its digest.
        """
        self._remote.find(digest)
        brought = False
        while not self._is_whole(digest):
            place = self._store.stage()
            try:
                self._remote.download(digest, place)
                self._store.put(place, digest)
            except CorruptArtifactError:
                self._remote.note_damage(digest)
                raise
            finally:
                shutil.rmtree(place, ignore_errors=True)
            brought = True
        if brought:
            self.trim()

    def hold(self, digest: str) -> bool:
        """Keep a copy where it is until it is let go or the store goes; False when it is not there."""
        path = self._store.path(digest)
        with self._lock:
            held = self._mine()
            if digest in held and _is_at(path, held[digest]):
                return True
            self.let_go(digest)
            if (lock := _lock(path, fcntl.LOCK_SH)) is None:
                return False
            held[digest] = lock
            now = time.time_ns()  # finer than what the system notes by itself
            os.utime(lock, ns=(now, now))
            return True

    def let_go(self, digest: str) -> None:
        """Hold a copy no more."""
        with self._lock:
            if (lock := self._mine().pop(digest, None)) is not None:
                os.close(lock)

    def trim(self) -> None:
        """Remove the copies that were opened longest ago, until the rest is small enough or in use."""
        from treadle.storage._sweep import empty_bin, in_folder

        copies = sorted(in_folder(self._store), key=lambda copy: _opened_at(copy.path))
        total = sum(copy.size for copy in copies)
        for copy in copies:
            if total <= self._most_bytes:
                break
            if take_away(self._store, copy.digest):
                total -= copy.size
        empty_bin(self._store)

    def _is_whole(self, digest: str) -> bool:
        """Whether there is a copy that is what it should be, which is held then; one that is not is moved aside."""
        if not self.hold(digest):
            return False
        if self._store.digest_here(digest) == digest:
            return True
        self.let_go(digest)
        self._store.set_aside(digest)
        return False


def take_away(store: ArtifactStore, digest: str) -> bool:
    """Take a copy out of sight; False when it is not there, or somebody holds it."""
    from treadle.storage._sweep import out_of_sight

    lock = _lock(store.path(digest), fcntl.LOCK_EX | fcntl.LOCK_NB)
    if lock is None:
        return False
    try:
        return out_of_sight(store, digest)
    finally:
        os.close(lock)


def _close_all(held: dict[str, int], process: int) -> None:
    if process == os.getpid():  # after a fork the numbers may be other files'
        for lock in held.values():
            os.close(lock)


def _lock(folder: Path, kind: int) -> int | None:
    """A lock on a folder that is still at its path; None when it is not there, or not to be had."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        fcntl.flock(descriptor, kind)
    except BlockingIOError:
        os.close(descriptor)
        return None
    if _is_at(folder, descriptor):
        return descriptor
    os.close(descriptor)  # it left while the lock was waited for
    return None


def _opened_at(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except FileNotFoundError:  # it left meanwhile
        return 0


def _is_at(folder: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(folder), os.fstat(descriptor))
    except FileNotFoundError:
        return False
