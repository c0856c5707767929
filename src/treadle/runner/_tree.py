"""Ending a process with everything it started, also what left its group; and a process that its parent outlives.

Linux tells who started whom in ``/proc`` and can hand orphans to a chosen ancestor; elsewhere the process group is all.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import sys
from collections.abc import Callable

_SET_DEATH_SIGNAL, _SET_CHILD_SUBREAPER = 1, 36


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends, so that they can still be found."""
    _prctl()(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with_parent(parent: int) -> None:
    """Be killed when the process that forked this one ends, however it ends."""
    _prctl()(_SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it was quicker
        os._exit(1)


def kill_tree(process: int) -> None:
    """Kill a process, its session, its group and its descendants."""
    for _ in range(20):  # what was started between looking and killing is found when looked again
        doomed = [found for found in _descendants(process) if found != process]
        _kill(process)
        if not doomed:
            return
        for found in doomed:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(found, signal.SIGKILL)


def kill_descendants() -> None:
    """Kill everything that this process started, directly or not."""
    for _ in range(20):
        doomed = [found for found in _descendants(os.getpid()) if found != os.getpid()]
        if not doomed:
            return
        for found in doomed:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(found, signal.SIGKILL)


def kill_group(process: int) -> None:
    """Kill what is left of the group that a process led."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process, signal.SIGKILL)


def _kill(process: int) -> None:
    kill_group(process)
    with contextlib.suppress(ProcessLookupError, PermissionError):  # not yet its own group, or gone already
        os.kill(process, signal.SIGKILL)


def _descendants(process: int) -> list[int]:
    """Living processes that a process started, directly or not, or that are in the session it leads."""
    children: dict[int, list[int]] = {}
    found = []
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else ():
        if not name.isdigit():
            continue
        with contextlib.suppress(OSError, ValueError):
            with open(f"/proc/{name}/stat", "rb") as stat:
                state, parent, _, session = stat.read().rpartition(b")")[2].split()[:4]
            if state not in (b"Z", b"X"):
                children.setdefault(int(parent), []).append(int(name))
                if int(session) == process:
                    found.append(int(name))
    waiting = [process]
    while waiting:
        for child in children.get(waiting.pop(), ()):
            found.append(child)
            waiting.append(child)
    return list(dict.fromkeys(found))


@functools.cache
def _prctl() -> Callable[..., int]:
    """The system's ``prctl``; where there is none, nothing. Found once: it costs more than a fork."""
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):
            return ctypes.CDLL(None).prctl
    return lambda *_: -1
