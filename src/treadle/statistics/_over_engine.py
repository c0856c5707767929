"""Statistics of parts, measured wherever an engine runs, and merged in its tree."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from treadle.errors import UsageError
from treadle.statistics._statistics import Statistics

if TYPE_CHECKING:
    from treadle.schema import Schema
    from treadle.statistics._generate import ColumnSource

P = TypeVar("P")
R = TypeVar("R")


class Reducing(Protocol):
    """What is asked of an engine (``treadle.engine.Engine``)."""

    def reduce(self, fn: Callable[[P], R], merge: Callable[[list[R]], R], parts: Sequence[P]) -> R | None:
        """The results for all parts, merged."""
        ...


def generate_over(engine: Reducing, source: object, schema: Schema | None, options: Mapping[str, Any]) -> Statistics:
    """The statistics of a source in parts; as ``generate``, whose further options are given.

    Raises:
        UsageError: The rows are in this process, and nothing says where they came from.
    """
    parts: Sequence[ColumnSource] | None = source.parts() if hasattr(source, "parts") else None
    if not parts:
        raise UsageError(
            "An engine reads the rows itself, where it runs; these are in this process.",
            hint="Give it files: generate(treadle.ingest.scan(paths), engine=...).",
        )
    state = engine.reduce(partial(_measure, schema=schema, options=dict(options)), _merge, parts)
    assert state is not None, "there is a part"
    return Statistics.from_bytes(state)


def _measure(part: ColumnSource, schema: Schema | None, options: Mapping[str, Any]) -> bytes:
    from treadle.statistics._generate import generate

    return generate(part, schema, threads=1, **options).to_bytes()


def _merge(states: list[bytes]) -> bytes:
    whole, *others = (Statistics.from_bytes(state) for state in states)
    for other in others:
        whole.merge(other)
    return whole.to_bytes()
