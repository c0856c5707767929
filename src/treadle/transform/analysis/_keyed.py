"""Analyses per key: moments, extremes and quantiles of a number for every value of a category."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from treadle.graph import nodes as n
from treadle.statistics import Distribution, Moments
from treadle.transform.analysis._analyzers import Coded, Values
from treadle.transform.analysis._quantiles import boundaries_of, distribution_of, state_of

Key = str | int


@dataclass(frozen=True, slots=True)
class KeyedNumbersOf:
    """``keys`` and ``table`` with the columns count, mean, deviation, scale (1 where that is 0), least, largest.

    Missing and infinite numbers are left out, and rows whose key is missing count for the last row alone, which is
    over all rows: what a key has that training did not see. Over no values all are 0, and the scale 1.
    """

    def create(self) -> _KeyedState:
        return _KeyedState()


COUNT, MEAN, STD_DEV, SCALE, LOWEST, HIGHEST = range(6)
_Numbers = tuple[Moments, float, float]


class _KeyedState:
    """Moments and extremes by key; ``None`` is the key of all rows."""

    def __init__(self) -> None:
        self._of: dict[Key | None, _Numbers] = {}

    def add(self, values: Values, counts: Any = None) -> None:
        raise NotImplementedError("keys are a column beside the values")

    def add_columns(self, columns: Sequence[Any]) -> None:
        values, coded = columns
        finite = np.isfinite(values)
        values, codes = values[finite], coded.codes[finite]
        if len(values):
            self._merge_one(None, (Moments.of(values), float(values.min()), float(values.max())))
        for key, found in _by_key(values, codes, coded):
            self._merge_one(key, (Moments.of(found), float(found.min()), float(found.max())))

    def merge(self, other: _KeyedState) -> None:
        for key, numbers in other._of.items():
            self._merge_one(key, numbers)

    def state(self) -> list[Any]:
        return [[key, m.count, m.mean, m.spread, low, high] for key, (m, low, high) in self._sorted()]

    def restore(self, state: Sequence[Any]) -> None:
        self._of = {key: (Moments(count, mean, spread), low, high) for key, count, mean, spread, low, high in state}

    def result(self) -> Mapping[str, n.Node]:
        found = self._sorted()
        rows = [_row(numbers) for key, numbers in found if key is not None]
        keys = tuple(key for key, _ in found if key is not None)
        every = _row(self._of.get(None, (Moments(), 0.0, 0.0)))
        return {"keys": n.Tokens(keys), "table": n.Table((*rows, every))}  # type: ignore[arg-type]

    def _merge_one(self, key: Key | None, numbers: _Numbers) -> None:
        moments, low, high = self._of.setdefault(key, (Moments(), math.inf, -math.inf))
        moments.merge(numbers[0])
        self._of[key] = (moments, min(low, numbers[1]), max(high, numbers[2]))

    def _sorted(self) -> list[tuple[Key | None, _Numbers]]:
        known = sorted(key for key in self._of if key is not None)
        return [(key, self._of[key]) for key in (*([None] if None in self._of else []), *known)]


def _row(numbers: _Numbers) -> tuple[float, ...]:
    moments, low, high = numbers
    deviation = moments.std_dev
    if not (math.isfinite(moments.mean) and math.isfinite(deviation)):  # no values, or squares beyond a float
        return (float(moments.count), 0.0, 0.0, 1.0, low, high)
    return (float(moments.count), moments.mean, deviation, deviation or 1.0, low, high)


@dataclass(frozen=True, slots=True)
class KeyedQuantilesOf:
    """``keys`` and ``table``: for every key the inner quantiles of its values, filled up with NaN.

    The last row, for unknown keys, is not used.
    """

    num_buckets: int

    def create(self) -> _KeyedQuantilesState:
        return _KeyedQuantilesState(self.num_buckets)


class _KeyedQuantilesState:
    def __init__(self, num_buckets: int) -> None:
        self._num_buckets = num_buckets
        self._of: dict[Key, Distribution] = {}

    def add(self, values: Values, counts: Any = None) -> None:
        raise NotImplementedError("keys are a column beside the values")

    def add_columns(self, columns: Sequence[Any]) -> None:
        values, coded = columns
        finite = np.isfinite(values)
        for key, found in _by_key(values[finite], coded.codes[finite], coded):
            self._of.setdefault(key, Distribution(floats=True)).add(found)

    def merge(self, other: _KeyedQuantilesState) -> None:
        for key, distribution in other._of.items():
            self._of.setdefault(key, Distribution(floats=True)).merge(distribution)

    def state(self) -> list[list[Any]]:
        return [[key, state_of(self._of[key])] for key in sorted(self._of)]

    def restore(self, state: Sequence[Sequence[Any]]) -> None:
        self._of = {key: distribution_of(counts) for key, counts in state}

    def result(self) -> Mapping[str, n.Node]:
        keys = tuple(sorted(self._of))
        rows = [boundaries_of(self._of[key], self._num_buckets) for key in keys]
        longest = max(map(len, rows), default=0)
        filled = [(*row, *[math.nan] * (longest - len(row))) for row in rows]
        return {"keys": n.Tokens(keys), "table": n.Table((*filled, (math.nan,) * longest))}  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class KeyCountsOf:
    """``keys`` and ``table`` with how many rows have each key, and which share of the rows; 0 for an unknown one."""

    def create(self) -> _KeyCountsState:
        return _KeyCountsState()


class _KeyCountsState:
    def __init__(self) -> None:
        self._counts: dict[Key, int] = {}

    def add(self, values: Values, counts: Any = None) -> None:
        if counts is None:
            values, counts = np.unique(values, return_counts=True)
        for value, count in zip(values.tolist(), counts.tolist(), strict=True):
            if count:
                self._counts[value] = self._counts.get(value, 0) + count

    def merge(self, other: _KeyCountsState) -> None:
        for value, count in other._counts.items():
            self._counts[value] = self._counts.get(value, 0) + count

    def state(self) -> list[list[Any]]:
        return sorted(map(list, self._counts.items()))

    def restore(self, state: Sequence[Sequence[Any]]) -> None:
        self._counts = {key: count for key, count in state}  # noqa: C416 - names say which is which

    def result(self) -> Mapping[str, n.Node]:
        found = sorted(self._counts.items())
        whole = sum(self._counts.values())
        rows = ((float(count), count / whole) for _, count in found)
        return {"keys": n.Tokens(tuple(key for key, _ in found)), "table": n.Table((*rows, (0.0, 0.0)))}  # type: ignore[arg-type]


def _by_key(values: Values, codes: Values, coded: Coded) -> list[tuple[Key, Values]]:
    """The values of each key that has any, in the order of their rows."""
    if not len(values):
        return []
    order = np.argsort(codes, kind="stable")
    values, codes = values[order], codes[order]
    present, starts = np.unique(codes, return_index=True)
    parts = np.split(values, starts[1:])
    found = zip(present.tolist(), parts, strict=True)
    return [(coded.values[code], part) for code, part in found if code >= 0]
