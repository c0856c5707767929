"""What the machine has, and what of it the running nodes have taken."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


class Pool:
    """Amounts by name. What is asked for and has no limit is not limited.

    Somebody who needs more of a thing than there is gets it when nobody else has any of it: a declared need is an
    order to take turns, not a claim that the machine is large enough.
    """

    def __init__(self, limits: Mapping[str, float]) -> None:
        self._limits = dict(limits)
        self._taken: dict[str, float] = {}

    def limit(self, name: str) -> float:
        """How much of a thing there is."""
        return self._limits.get(name, float("inf"))

    def fits(self, needs: Mapping[str, float]) -> bool:
        """Whether this much can be taken now."""
        return all(
            self._taken.get(name, 0.0) == 0.0 or self._taken[name] + amount <= self.limit(name)
            for name, amount in needs.items()
            if amount > 0
        )

    def take(self, needs: Mapping[str, float]) -> None:
        """Take it."""
        for name, amount in needs.items():
            self._taken[name] = self._taken.get(name, 0.0) + amount

    def give_back(self, needs: Mapping[str, float]) -> None:
        """Give back what was taken."""
        for name, amount in needs.items():
            left = self._taken[name] - amount
            self._taken[name] = left if left > 1e-9 else 0.0


def needs_of(resources: Mapping[str, float]) -> dict[str, float]:
    """What a node takes: one core unless it says otherwise."""
    return {"cpu": 1.0, **resources}


def machine(workers: int) -> dict[str, float]:
    """The limits of this machine; ``cpu`` is how many nodes of one core may run at once."""
    return {"cpu": float(workers), "memory": _memory(), "gpu": float(_gpus())}


def _memory() -> float:
    total = float("inf")
    with contextlib.suppress(OSError, ValueError):
        total = float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    with contextlib.suppress(OSError, ValueError):
        total = min(total, float(_CGROUP_LIMIT.read_text()))
    return total


def _gpus() -> int:
    with contextlib.suppress(OSError):
        return sum(bool(re.fullmatch(r"nvidia\d+", name)) for name in os.listdir("/dev"))
    return 0
