"""Timing whole commands: wall and CPU seconds of a child process and its children."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import time
from typing import NamedTuple

# As installed: Python keeps the compiled modules of our source tree too, as pip does for the peers'.
_INSTALLED = {"PYTHONDONTWRITEBYTECODE": ""}


class Cost(NamedTuple):
    """Medians over the rounds."""

    wall: float
    cpu: float


def measure(command: list[str], *, rounds: int = 5, environment: dict[str, str] | None = None) -> Cost:
    """Run ``command`` several times and return the medians; a failing command raises."""
    walls, cpus = [], []
    for _ in range(rounds):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.perf_counter()
        subprocess.run(
            command, check=True, capture_output=True, env={**os.environ, **_INSTALLED, **(environment or {})}
        )
        walls.append(time.perf_counter() - began)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpus.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return Cost(statistics.median(walls), statistics.median(cpus))


class Use(NamedTuple):
    """Medians over the rounds, and the largest resident size of any."""

    wall: float
    cpu: float
    megabytes: float


def measure_with_memory(command: list[str], *, rounds: int = 3, environment: dict[str, str] | None = None) -> Use:
    """As :func:`measure`, with the memory of each child by itself."""
    walls, cpus, sizes = [], [], []
    for _ in range(rounds):
        began = time.perf_counter()
        environment = {**os.environ, **_INSTALLED, **(environment or {})}
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)  # waited for here, not by subprocess
        if child.returncode:
            raise subprocess.CalledProcessError(child.returncode, command)
        walls.append(time.perf_counter() - began)
        cpus.append(used.ru_utime + used.ru_stime)
        sizes.append(used.ru_maxrss / 1024)  # kilobytes on Linux
    return Use(statistics.median(walls), statistics.median(cpus), max(sizes))
