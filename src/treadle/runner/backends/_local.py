"""This machine: processes forked from one template."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager

from treadle.runner._resources import machine
from treadle.runner._workers import Workers
from treadle.runner.backends._contract import Launcher


class LocalBackend:
    """Runs nodes on this machine, a process each."""

    name = "local"

    def launcher(self) -> AbstractContextManager[Launcher]:
        """Processes forked from a template that is started when the first is needed."""
        return Workers()

    def limits(self, workers: int) -> Mapping[str, float]:
        """The machine's cores, memory and GPUs."""
        return machine(workers)
