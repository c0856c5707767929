"""The folder's copies of artifacts that are kept under a URL: brought, held while they are read, trimmed by size.

Whoever opens a copy holds a shared lock on its folder until his process ends. What leaves is what
was opened longest ago, and only a copy whose lock can be had alone: nobody's file goes from under him. The locks are
the operating system's and end with the process, however it ends. See docs/adr/0074.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
import time
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
        self._store, self._remote, self._most_bytes = store, remote, most_bytes
        self._held: dict[str, int] = {}
        self._process = os.getpid()
        self._lock = threading.RLock()

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
        """Keep a copy where it is for as long as this process lives; False when it is not there."""
        path = self._store.path(digest)
        with self._lock:
            if self._process != os.getpid():  # after a fork: what the parent holds is the parent's
                self._held, self._process = {}, os.getpid()
            if digest in self._held and _is_at(path, self._held[digest]):
                return True
            self.let_go(digest)
            if (lock := _lock(path, fcntl.LOCK_SH)) is None:
                return False
            self._held[digest] = lock
            now = time.time_ns()  # finer than what the system notes by itself
            os.utime(lock, ns=(now, now))
            return True

    def let_go(self, digest: str) -> None:
        """Hold a copy no more."""
        with self._lock:
            if (lock := self._held.pop(digest, None)) is not None:
                os.close(lock)

    def trim(self) -> None:
        """Remove the copies that were opened longest ago, until the rest is small enough or in use."""
        from treadle.storage._sweep import empty_bin, in_folder, out_of_sight

        copies = sorted(in_folder(self._store), key=lambda copy: _opened_at(copy.path))
        total = sum(copy.size for copy in copies)
        for copy in copies:
            if total <= self._most_bytes:
                break
            lock = _lock(copy.path, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if lock is None:
                continue
            try:
                out_of_sight(self._store, copy.digest)
            finally:
                os.close(lock)
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
