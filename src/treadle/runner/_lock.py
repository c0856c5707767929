"""A run's place in staging, locked while the run lives, so that what a dead run left behind is known and cleared.

The lock is the operating system's and ends with the process that holds it, however that ends; ids of processes, which
are used again, and clocks, which jump, play no part. It reaches processes of one host. A process that lives but is held
up, and one of another host, are known by their lease (`_lease`).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from treadle.errors import NodeLostError
from treadle.metadata import MetadataStore
from treadle.runner._earlier import ELSEWHERE

_STOP = "stop"


@contextmanager
def staging_of(run: str, staging: Path) -> Iterator[Path]:
    """A folder for one run's tasks; it is gone when the run ends."""
    staging.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    hidden = staging / f".{run}"  # not a run's place yet: nobody may take it for a dead one's
    hidden.mkdir(mode=0o700, parents=True)
    lock = os.open(hidden / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        place = hidden.rename(staging / run)
        try:
            yield place
        finally:
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
    """Record runs that are over without having said so as failed, and clear what dead ones were writing.

    That are runs whose process died, and runs whose lease ended. In a lineage that several hosts share, a run that has
    no place here is another host's: of it only the lease tells.
    """
    overdue = set(metadata.overdue())
    for run in metadata.running():
        place = staging / run
        is_here = place.is_dir()
        if run in overdue:
            what = "was held up for too long, or is gone"
        elif _is_elsewhere(run, metadata):
            continue
        elif (is_here and _is_dead(place)) or not (is_here or metadata.is_shared):
            what = "ended before the run did"
        else:
            continue
        error = NodeLostError(
            f"The process that ran the pipeline {what}", hint="run again: what has succeeded is reused"
        )
        metadata.abandon_run(run, error.to_dict())
    for place in staging.iterdir() if staging.is_dir() else ():
        if (place / "lock").is_file() and not place.name.startswith(".") and _is_dead(place):
            shutil.rmtree(place, ignore_errors=True)


def _is_elsewhere(run: str, metadata: MetadataStore) -> bool:
    """Whether an orchestrator runs it: it has no process of its own, and says itself when it ends."""
    record = metadata.run(run)
    return record is not None and record.ir.get("backend") == ELSEWHERE


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
