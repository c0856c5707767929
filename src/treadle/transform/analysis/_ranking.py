"""Vocabularies by more than frequency: weights, mutual information with a label, coverage of keys."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from treadle.graph import nodes as n
from treadle.transform.analysis._analyzers import Coded, Counts, Values

Value = str | int
_Cell = tuple[Value | None, Any, Value | None]


@dataclass(frozen=True, slots=True)
class RankedTokensOf:
    """``tokens``: reserved ones, then values by rank, ties by value; beside the column weights, label and key."""

    top_k: int | None
    min_count: float
    reserved: tuple[Value, ...]
    weighted: bool
    labelled: bool
    min_diff: float
    top_k_per_key: int | None
    adjusted: bool = False
    min_count_per_key: float | None = None

    @property
    def keyed(self) -> bool:
        """Whether there is a key beside the column."""
        return self.top_k_per_key is not None or self.min_count_per_key is not None

    def create(self) -> _RankedState:
        return _RankedState(self)


class _RankedState:
    """How much weight each value has with each label and key; ``None`` is missing."""

    def __init__(self, of: RankedTokensOf) -> None:
        self._of = of
        self._cells: dict[_Cell, float] = defaultdict(float)

    def add(self, values: Values, counts: Counts | None = None) -> None:
        if counts is None:
            values, counts = np.unique(values, return_counts=True)
        for value, count in zip(values.tolist(), counts.tolist(), strict=True):
            if count:
                self._cells[(value, None, None)] += count

    def add_columns(self, columns: Sequence[Coded | Values]) -> None:
        """Take in the column and, where they were asked for, weights, labels and keys beside it."""
        beside = iter(columns[1:])
        x = columns[0]
        assert isinstance(x, Coded)
        rows = len(x.codes)
        weights = np.ones(rows)
        if self._of.weighted:
            given = np.asarray(next(beside), dtype=np.float64)
            weights = np.where(np.isfinite(given) & (given > 0), given, 0.0)
        label = _coded(next(beside)) if self._of.labelled else Coded(np.zeros(rows, np.int64), [0])
        key = _coded(next(beside)) if self._of.keyed else Coded(np.full(rows, -1), [])
        shape = (len(x.values) + 1, len(label.values) + 1, len(key.values) + 1)
        cells = np.ravel_multi_index((x.codes + 1, label.codes + 1, key.codes + 1), shape)
        sums = np.bincount(cells, weights=weights)
        for cell in np.flatnonzero(sums):
            at, of_label, of_key = np.unravel_index(cell, shape)
            found = [
                None if not i else values[i - 1]
                for i, values in zip((at, of_label, of_key), (x.values, label.values, key.values), strict=True)
            ]
            self._cells[(found[0], found[1], found[2])] += float(sums[cell])

    def merge(self, other: _RankedState) -> None:
        for cell, weight in other._cells.items():
            self._cells[cell] += weight

    def state(self) -> list[Any]:
        return sorted(([*cell, weight] for cell, weight in self._cells.items()), key=repr)

    def restore(self, state: Sequence[Sequence[Any]]) -> None:
        """What :meth:`state` gave, in the place of what was seen."""
        self._cells = defaultdict(float, {(value, label, key): weight for value, label, key, weight in state})

    def result(self) -> Mapping[str, n.Node]:
        weight: dict[Value, float] = defaultdict(float)
        by_key: dict[Value, dict[Value, float]] = defaultdict(lambda: defaultdict(float))
        for (value, label, key), part in self._cells.items():
            if value is not None and (label is not None or not self._of.labelled):
                weight[value] += part
                if key is not None:
                    by_key[key][value] += part
        reserved = set(self._of.reserved)
        kept = [value for value in weight if weight[value] >= self._of.min_count and value not in reserved]
        rank = self._information() if self._of.labelled else weight
        order = sorted(kept, key=lambda value: (-rank.get(value, 0.0), value))
        wanted = set(order[: self._of.top_k])
        least = self._of.min_count_per_key or 0
        for found in by_key.values():
            frequent = (v for v in found if v in rank and v not in reserved and found[v] >= least)
            wanted |= set(sorted(frequent, key=lambda v: (-found[v], v))[: self._of.top_k_per_key])
        everything = sorted(wanted, key=lambda value: (-rank.get(value, 0.0), value))
        return {"tokens": n.Tokens((*self._of.reserved, *everything))}  # type: ignore[arg-type]

    def _information(self) -> dict[Value, float]:
        """Mutual information of having a value with the label, in bits times rows; adjusted, less that of chance."""
        of_both: dict[Value, dict[Any, float]] = defaultdict(lambda: defaultdict(float))
        of_label: dict[Any, float] = defaultdict(float)
        for (value, label, _), part in self._cells.items():
            if label is not None:
                of_label[label] += part
                if value is not None:
                    of_both[value][label] += part
        rows = math.fsum(of_label.values())
        return {
            value: math.fsum(
                _cell_information(found.get(label, 0.0), sum(found.values()), each, rows, self._of)
                for label, each in sorted(of_label.items(), key=repr)
            )
            for value, found in of_both.items()
        }


def _cell_information(both: float, of_value: float, of_label: float, rows: float, of: RankedTokensOf) -> float:
    """What a label's rows, with the value and without it, add."""
    if abs(of_value * of_label / rows - both) < of.min_diff:
        return 0.0
    found = _partial(both, of_value, of_label, rows) + _partial(of_label - both, rows - of_value, of_label, rows)
    if not of.adjusted:
        return found
    return (
        found - expected_information(of_value, of_label, rows) - expected_information(rows - of_value, of_label, rows)
    )


def expected_information(left: float, right: float, rows: float) -> float:
    """What a cell adds by chance: the mean over the hypergeometric distribution of its count.

    Of ``rows``, ``left`` have the one and ``right`` the other; a count ``k`` has the probability of drawing it without
    replacement. Counts beyond 40 standard deviations are left out. Weights need not be whole.
    """
    if left <= 0 or right <= 0 or rows <= 1:
        return _partial(min(left, right), left, right, rows)
    mean = left * right / rows
    width = 40 * math.sqrt(mean * max(1 - left / rows, 0) * max(1 - right / rows, 0) * rows / (rows - 1)) + 10
    low = round(max(0.0, left + right - rows, mean - width))
    high = round(min(left, right, mean + width))
    counts = np.arange(low, high + 1, dtype=np.float64)
    # the probability of each count over that of the count before
    before = counts[:-1]
    above = np.maximum(left - before, 1e-300) * np.maximum(right - before, 1e-300)
    below = (before + 1) * np.maximum(rows - left - right + before + 1, 1e-300)
    logs = np.concatenate([[0.0], np.cumsum(np.log(above) - np.log(below))])
    shares = np.exp(logs - logs.max())
    there = counts > 0
    bits = np.log2(counts[there]) + math.log2(rows) - math.log2(left) - math.log2(right)
    return float((counts[there] * bits * shares[there]).sum() / shares.sum())


def _partial(both: float, left: float, right: float, rows: float) -> float:
    if both <= 0 or left <= 0 or right <= 0:
        return 0.0
    return both * (math.log2(both) + math.log2(rows) - math.log2(left) - math.log2(right))


def _coded(column: Coded | Values) -> Coded:
    """A column of numbers as categories too."""
    if isinstance(column, Coded):
        return column
    values, codes = np.unique(column, return_inverse=True)
    numbers = [value for value in values.tolist() if value == value]  # noqa: PLR0124 - NaN, which sorts last
    return Coded(np.where(codes < len(numbers), codes, -1), numbers)
