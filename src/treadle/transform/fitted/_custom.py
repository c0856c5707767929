"""Analyzers that a user writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from treadle.errors import TransformError
from treadle.graph import nodes as n


class CustomAccumulator(Protocol):
    """What a user's analyzer creates; ``merge`` must not depend on the order."""

    def add(self, *columns: Any) -> None:
        """Take in a batch."""

    def merge(self, other: Any) -> None:
        """Take in what another has seen."""

    def result(self) -> Mapping[str, float]:
        """Numbers by name."""


class CustomAnalyzer(Protocol):
    """What to compute; equal analyzers share one pass."""

    def create(self) -> CustomAccumulator:
        """An accumulator that has seen nothing."""


@dataclass(frozen=True, slots=True)
class NumbersOf:
    """A user's analyzer as one of ours: its numbers become constants."""

    custom: CustomAnalyzer
    columns: int

    def create(self) -> _CustomState:
        return _CustomState(self)


class _CustomState:
    def __init__(self, of: NumbersOf) -> None:
        self._name = type(of.custom).__name__
        self._columns = of.columns
        self._inner: Any = of.custom.create()
        if hasattr(self._inner, "state") and hasattr(self._inner, "restore"):
            self.state = self._inner.state
            self.restore = self._inner.restore

    def add(self, values: Any, counts: Any = None) -> None:
        raise NotImplementedError("a user's accumulator takes columns")

    def add_columns(self, columns: Sequence[Any]) -> None:
        # An analyzer over one column has it twice, so that it comes with all of its rows.
        self._inner.add(*columns[: self._columns])

    def merge(self, other: _CustomState) -> None:
        self._inner.merge(other._inner)

    def result(self) -> Mapping[str, n.Node]:
        found = self._inner.result()
        try:
            return {name: n.Number(float(value)) for name, value in found.items()}
        except (AttributeError, TypeError, ValueError) as error:
            raise TransformError(
                f"{self._name} must give numbers by name, and gave {found!r}.",
                hint='As in return {"mean": 1.5}.',
            ) from error
