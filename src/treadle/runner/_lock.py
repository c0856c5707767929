"""A run's place in staging, locked while the run lives, so that what a dead run left behind is known and cleared.

The lock is the operating system's and ends with the process that holds it, however that ends; ids of processes, which
are used again, and clocks, which jump, play no part. A process that lives but is held up (stopped, swapped out) holds
its lock and does nothing: so a run also has a lease, which a heartbeat renews; the machine's monotonic clock measures
it. A run whose lease is over is recorded as failed, and may then record nothing more itself. Processes on one host only
(see docs/adr/0004).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from treadle.errors import NodeLostError
from treadle.metadata import MetadataStore

LEASE_SECONDS = 60.0
_STOP = "stop"
_HEARTBEAT = "heartbeat"


@contextmanager
def staging_of(run: str, staging: Path) -> Iterator[Path]:
    """A folder for one run's tasks; it is gone when the run ends."""
    staging.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    hidden = staging / f".{run}"  # not a run's place yet: nobody may take it for a dead one's
    hidden.mkdir(mode=0o700, parents=True)
    lock = os.open(hidden / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _beat(hidden)
        place = hidden.rename(staging / run)
        ended = threading.Event()
        heart = threading.Thread(target=_keep_beating, args=(place, ended), daemon=True)
        heart.start()
        try:
            yield place
        finally:
            ended.set()
            heart.join()
            shutil.rmtree(place, ignore_errors=True)
    finally:
        os.close(lock)


def ask_to_stop(run: str, staging: Path) -> bool:
    """Ask a living run to stop, which it does within a moment; False when it does not live."""
    place = staging / run
    if not (place / "lock").is_file() or _is_dead(place):
        return False
    try:
        (place / _STOP).touch()
    except FileNotFoundError:  # it ended meanwhile
        return False
    return True


def is_asked_to_stop(place: Path) -> bool:
    """Whether somebody asked the run of this place to stop."""
    return (place / _STOP).exists()


def recover(staging: Path, metadata: MetadataStore) -> None:
    """Record runs whose process died as failed, and clear what they were writing."""
    for run in metadata.running():
        place = staging / run
        held_up = False
        if place.is_dir() and not _is_dead(place):
            held_up = _is_held_up(place)
            if not held_up:
                continue
        what = "was held up for too long" if held_up else "ended before the run did"
        error = NodeLostError(
            f"The process that ran the pipeline {what}",
            hint="run again: what has succeeded is reused",
        )
        metadata.abandon_run(run, error.to_dict())
    for place in staging.iterdir() if staging.is_dir() else ():
        if (place / "lock").is_file() and not place.name.startswith(".") and _is_dead(place):
            shutil.rmtree(place, ignore_errors=True)


def _keep_beating(place: Path, ended: threading.Event) -> None:
    while not ended.wait(LEASE_SECONDS / 12):
        with contextlib.suppress(OSError):  # a full disk: the lease runs out, as for anything that cannot write
            _beat(place)


def _beat(place: Path) -> None:
    part = place / f"{_HEARTBEAT}.part"
    part.write_text(repr(time.monotonic()))
    part.replace(place / _HEARTBEAT)


def _is_held_up(place: Path) -> bool:
    try:
        return time.monotonic() - float((place / _HEARTBEAT).read_text()) > LEASE_SECONDS
    except (OSError, ValueError):  # an older Treadle's run, or one that just ended
        return False


def _is_dead(place: Path) -> bool:
    with contextlib.suppress(OSError):
        lock = os.open(place / "lock", os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        finally:
            os.close(lock)
    return True
