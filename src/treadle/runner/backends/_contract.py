"""What a backend is: where the processes of a run's nodes live.

The driver decides, records and publishes, whatever the backend; a backend starts a node's process from a task (see
`treadle.runner._task`), says when it began and how it ended, and ends it when asked. So fingerprints, conditions,
loops, retries, timeouts and lineage are the driver's, and the same everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Task:
    """One attempt at a node, as a launcher gets it."""

    id: int
    folder: Path
    """Holds ``request.json``; the process leaves ``result.json`` there before it ends."""
    log: Path
    """Where what the node prints goes, as it prints it."""
    needs: Mapping[str, float] = field(default_factory=dict)
    """What it takes: ``cpu`` (cores), ``memory`` (bytes), ``gpu``, and names of the user's own."""
    node: str = ""
    """The node's name."""


@dataclass(frozen=True, slots=True)
class Began:
    """A task's process is at work; its time runs from here."""

    task: int


@dataclass(frozen=True, slots=True)
class Ended:
    """A task's process has ended, or has left its result and ends now: before another task begins it has gone."""

    task: int
    status: int
    """The exit status; negative: the signal that killed it. Without a result the node's process counts as lost."""
    detail: str = ""
    """What the backend knows about a loss."""


class Launcher(Protocol):
    """Starts and ends processes of nodes. Not for use by several threads at once.

    Every task that was started ends exactly once: killed, lost and refused ones too.
    """

    def warm_up(self) -> None:
        """Get ready: a task will come. Returns at once."""

    def start(self, task: Task) -> None:
        """Start a process for a task; returns at once."""

    def kill(self, task: int) -> None:
        """End a task's process and everything it started."""

    def wait(self, seconds: float) -> list[Began | Ended]:
        """What happened, after waiting for something for at most this long.

        Raises:
            NodeLostError: When no further process can be started.
        """

    def close(self) -> None:
        """End every process that is left. Idempotent."""


@runtime_checkable
class Preparer(Launcher, Protocol):
    """A launcher that can start a node's process before its task is known."""

    def prepare(
        self, node: str, imports: Sequence[tuple[str, str]], place: Mapping[str, Any], sources: Sequence[str] = ()
    ) -> None:
        """A task of this node is likely to come: its process may be started and import, where that saves time.

        Args:
            node: The node's name.
            imports: Modules that it is going to import, and names taken from them.
            place: ``home`` (the store), ``sys_path`` and ``roots`` (folders of the user's files), as in its request.
            sources: The user's own files that it is going to import. They are not imported before the task is there:
                what they do then may depend on what nodes before have done.
        """

    def drop(self, node: str) -> None:
        """The node for which something may have been prepared does not run."""


class Backend(Protocol):
    """Where nodes run."""

    name: str

    def launcher(self) -> AbstractContextManager[Launcher]:
        """A launcher for one run, closed at the end of the block."""

    def limits(self, workers: int) -> Mapping[str, float]:
        """What running nodes may take together, as far as the driver is to see to it.

        Args:
            workers: How many nodes of one core may run at once on this machine.
        """
