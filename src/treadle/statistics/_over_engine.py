"""Rows measured in parts, wherever an engine runs, and merged in its tree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from treadle.errors import UsageError

if TYPE_CHECKING:
    from treadle.statistics._generate import ColumnSource

P = TypeVar("P")
R = TypeVar("R")


class Mergeable(Protocol):
    """Counts that add up, and travel as bytes."""

    def merge(self, other: Self) -> None:
        """Take in the rows behind other counts."""
        ...

    def to_bytes(self) -> bytes:
        """The counts as bytes."""
        ...


M = TypeVar("M", bound=Mergeable)


class Reducing(Protocol):
    """What is asked of an engine (``treadle.engine.Engine``)."""

    def reduce(self, fn: Callable[[P], R], merge: Callable[[list[R]], R], parts: Sequence[P]) -> R | None:
        """The results for all parts, merged."""
        ...


def over_parts(
    engine: Reducing, source: object, measure: Callable[[ColumnSource], M], from_bytes: Callable[[bytes], M]
) -> M:
    """What is measured of each part of a source, merged.

    Args:
        engine: Where the work is done.
        source: Rows that know where they are, such as a ``treadle.ingest.Scan``.
        measure: Called with each part where the engine runs; can be sent there.
        from_bytes: The counts behind their bytes.

    Raises:
        UsageError: The rows are in this process, and nothing says where they came from.
    """
    parts: Sequence[ColumnSource] | None = source.parts() if hasattr(source, "parts") else None
    if not parts:
        raise UsageError(
            "An engine reads the rows itself, where it runs; these are in this process.",
            hint="Give it files: treadle.ingest.scan(paths).",
        )
    state = engine.reduce(partial(_measure, measure), partial(_merge, from_bytes), parts)
    assert state is not None, "there is a part"
    return from_bytes(state)


def _measure(measure: Callable[[ColumnSource], Any], part: ColumnSource) -> bytes:
    found: bytes = measure(part).to_bytes()
    return found


def _merge(from_bytes: Callable[[bytes], Any], states: list[bytes]) -> bytes:
    whole, *others = map(from_bytes, states)
    for other in others:
        whole.merge(other)
    merged: bytes = whole.to_bytes()
    return merged
