"""Who uses a store: any number of runs at once, or one collector alone.

The locks are the operating system's and end with the process that holds them, however that ends; clocks and ids of
processes play no part. Processes on one host only.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from treadle.errors import FileWriteError, StoreInUseError

_NAME = "in-use.lock"


@contextmanager
def in_use(root: Path) -> Iterator[None]:
    """Inside the block nothing of the store is collected; begins when a collector at work has ended."""
    lock = _open(root)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield
    finally:
        os.close(lock)


@contextmanager
def alone(root: Path, *, wait_seconds: float = 0.0) -> Iterator[None]:
    """Inside the block nobody else uses the store: no run is at work and none begins.

    Raises:
        StoreInUseError: When somebody still uses it after ``wait_seconds``.
    """
    lock = _open(root)
    try:
        deadline = time.monotonic() + wait_seconds
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise StoreInUseError(
                        "The store is in use: a run is at work, or another collection",
                        where={"folder": root},
                        hint="wait for it to end, or let --wait SECONDS do so; `treadle status` lists runs",
                    ) from None
                time.sleep(0.05)
        yield
    finally:
        os.close(lock)


def _open(root: Path) -> int:
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(root / _NAME, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise FileWriteError(
            f"The store cannot be written: {error.strerror}",
            where={"folder": root},
            hint="TREADLE_HOME names another folder",
        ) from error
