"""Measures beyond those every column has: ours (text, time, image) and anybody's, by the same door.

A measure is a class found by its name in the entry point group ``treadle.statistics``; one object counts one column.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Protocol

import pyarrow as pa

from treadle.errors import UsageError

GROUP = "treadle.statistics"


class Measure(Protocol):
    """What a class of the group ``treadle.statistics`` does; it is made without arguments.

    The result must be a function of the values, whatever the batches and merges: then statistics are equal where data
    are. It is used by one thread at a time.
    """

    def add(self, column: pa.Array) -> None:
        """Count a batch: values without nulls, in the plain type of the column."""
        ...

    def merge(self, other: Any) -> None:
        """Take in the values behind another measure of the same class."""
        ...

    def to_json(self) -> dict[str, Any]:
        """What people and programs read: plain JSON values."""
        ...

    def state(self) -> dict[str, Any]:
        """All that was counted, as plain JSON values, the same for the same values."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Take on a state that was saved.

        Raises:
            ValueError: It is damaged. ``KeyError`` and ``TypeError`` are taken for the same.
        """
        ...


def new_measure(name: str) -> Measure:
    """A measure of nothing yet.

    Raises:
        UsageError: No installed package offers it.
    """
    return _found(name)()


@cache  # looking through what is installed takes longer than counting a batch
def _found(name: str) -> Callable[[], Measure]:
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in found:
        raise UsageError(
            f"There is no measure {name!r}; there are {', '.join(sorted(found)) or 'none'}.",
            hint=f"A package offers one through the entry point group {GROUP!r}.",
        )
    measure: Callable[[], Measure] = found[name].load()
    return measure
