"""Analyzers: full passes over the data as mergeable accumulators, and the nodes their results stand for.

An analyzer is a frozen specification with ``create``; an accumulator has ``add``, ``merge`` and ``result``. The
result is a mapping from field name to a constant node. Every analyzer says what it gives over no values at all, as
for a column that is null in all of the training data.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from treadle.graph import inputs_of, replace_nodes, walk
from treadle.graph import nodes as n
from treadle.statistics import Moments

Values = npt.NDArray[Any]
Counts = npt.NDArray[np.int64]


class Accumulator(Protocol):
    """The state of one pass. ``merge`` is associative and commutative; adding all equals merging parts.

    An analysis over several columns has ``add_columns(columns)`` instead of ``add``: every column with all of its
    rows, numbers with NaN for missing and categories as :class:`Coded`.

    An accumulator with ``state`` (JSON) and ``restore`` can be kept per data span.
    """

    def add(self, values: Values, counts: Counts | None = None) -> None:
        """Take in the values of a batch, or distinct values and how often each occurs. None is missing."""

    def merge(self, other: Any) -> None:
        """Take in what another accumulator of the same analyzer has seen."""

    def result(self) -> Mapping[str, n.Node]:
        """The constants the pass was made for."""


class Pooling:
    """An accumulator of numbers that takes the values of several columns as those of one."""

    def add_columns(self, columns: Sequence[Values]) -> None:
        """Take in the values of all columns."""
        self.add(np.concatenate(columns))  # type: ignore[attr-defined]


class Coded(NamedTuple):
    """A column of categories: a code a row, -1 where it is missing, and the distinct values."""

    codes: npt.NDArray[np.int64]
    values: list[str] | list[int]


class Analyzer(Protocol):
    """What to compute over all values of a column; equal specifications share one pass."""

    def create(self) -> Accumulator:
        """An accumulator that has seen nothing."""


@dataclass(frozen=True)
class Analysis(n.Node):
    """The result of a full pass, before the pass: a constant to be."""

    analyzer: Analyzer
    field: str
    holds: n.Kind
    x: n.Node
    also: tuple[n.Node, ...] = ()
    """Further columns, for an analysis over several."""

    __eq__ = object.__eq__  # nodes compare by identity
    __hash__ = object.__hash__

    @property
    def kind(self) -> n.Kind:
        return self.holds


def varies(node: n.Node) -> bool:
    """Whether a node depends on the row, and is not made of analyses alone."""
    results = {id(found): n.Number(0.0) for found in walk([node]) if isinstance(found, Analysis)}
    return bool(inputs_of(replace_nodes([node], results)))


@dataclass(frozen=True, slots=True)
class MomentsOf:
    """``count``, ``mean``, ``variance``, ``std_dev`` (of the population), ``scale`` (1 where that is 0), ``total``.

    Infinite values are left out. Over no values the mean and the deviation are 0, so a z-score is the value itself;
    the same where the squares are beyond the largest float and nothing could be measured.
    """

    def create(self) -> _MomentsState:
        return _MomentsState()


class _MomentsState(Pooling):
    def __init__(self) -> None:
        self._moments = Moments()

    def add(self, values: Values, counts: Counts | None = None) -> None:
        assert counts is None, "numbers come one by one"
        self._moments.merge(Moments.of(values[np.isfinite(values)]))

    def merge(self, other: _MomentsState) -> None:
        self._moments.merge(other._moments)

    def result(self) -> Mapping[str, n.Node]:
        mean, deviation = self._moments.mean, self._moments.std_dev
        if not (math.isfinite(mean) and math.isfinite(deviation)):
            mean, deviation = 0.0, 0.0
        count = float(self._moments.count)
        numbers = {"count": count, "mean": mean, "variance": deviation**2, "total": mean * count}
        numbers |= {"std_dev": deviation, "scale": deviation or 1.0}
        return {name: n.Number(value) for name, value in numbers.items()}

    def state(self) -> list[float]:
        return [self._moments.count, self._moments.mean, self._moments.spread]

    def restore(self, state: Sequence[float]) -> None:
        self._moments = Moments(int(state[0]), state[1], state[2])


@dataclass(frozen=True, slots=True)
class ExtremesOf:
    """``minimum`` and ``maximum`` of the finite values; over no values both are 0."""

    def create(self) -> _ExtremesState:
        return _ExtremesState()


class _ExtremesState(Pooling):
    def __init__(self) -> None:
        self._low, self._high = math.inf, -math.inf

    def add(self, values: Values, counts: Counts | None = None) -> None:
        assert counts is None, "numbers come one by one"
        finite = values[np.isfinite(values)]
        if len(finite):
            self._low, self._high = min(self._low, float(finite.min())), max(self._high, float(finite.max()))

    def merge(self, other: _ExtremesState) -> None:
        self._low, self._high = min(self._low, other._low), max(self._high, other._high)

    def result(self) -> Mapping[str, n.Node]:
        if self._low > self._high:
            return {"minimum": n.Number(0.0), "maximum": n.Number(0.0)}
        return {"minimum": n.Number(self._low), "maximum": n.Number(self._high)}

    def state(self) -> list[float]:
        return [self._low, self._high]

    def restore(self, state: Sequence[float]) -> None:
        self._low, self._high = state


@dataclass(frozen=True, slots=True)
class TokensOf:
    """``tokens``: the distinct values, the most frequent first, ties by value; over no values none."""

    top_k: int | None
    min_count: int

    def create(self) -> _TokensState:
        return _TokensState(self)


class _TokensState:
    def __init__(self, of: TokensOf) -> None:
        self._of = of
        self._counts: dict[str | int, int] = {}

    def add(self, values: Values, counts: Counts | None = None) -> None:
        if counts is None:
            values, counts = np.unique(values, return_counts=True)
        for value, count in zip(values.tolist(), counts.tolist(), strict=True):
            if value is not None and count:
                self._counts[value] = self._counts.get(value, 0) + count

    def merge(self, other: _TokensState) -> None:
        for value, count in other._counts.items():
            self._counts[value] = self._counts.get(value, 0) + count

    def state(self) -> list[list[Any]]:
        return sorted([value, count] for value, count in self._counts.items())

    def restore(self, state: Sequence[Sequence[Any]]) -> None:
        self._counts = {value: count for value, count in state}  # noqa: C416 - the names say which is which

    def result(self) -> Mapping[str, n.Node]:
        kept = [(-count, value) for value, count in self._counts.items() if count >= self._of.min_count]
        return {"tokens": n.Tokens(tuple(value for _, value in sorted(kept)[: self._of.top_k]))}  # type: ignore[arg-type]
