"""Quantiles of numbers: bucket boundaries, single quantiles, and histograms, all from one kind of count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from treadle.graph import nodes as n
from treadle.statistics import Distribution
from treadle.transform.analysis._analyzers import Pooling, Values

Floats = npt.NDArray[np.float64]


class CountedNumbers(Pooling):
    """An accumulator that counts finite numbers: exactly while few are distinct, then in narrow intervals."""

    def __init__(self) -> None:
        self.values = Distribution(floats=True)

    def add(self, values: Values, counts: Any = None) -> None:
        assert counts is None, "numbers come one by one"
        self.values.add(values[np.isfinite(values)])

    def merge(self, other: CountedNumbers) -> None:
        self.values.merge(other.values)

    def state(self) -> dict[str, Any]:
        """The counts as JSON."""
        return state_of(self.values)

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take on the counts of :meth:`state`."""
        self.values = distribution_of(state)


def state_of(values: Distribution) -> dict[str, Any]:
    """The counts of a distribution as JSON; its moments and the number of distinct values are not in it."""
    return {
        "cut": values.cut,
        "keys": values.keys.tolist(),
        "counts": values.counts.tolist(),
        "bounds": [values.low, values.high],
    }


def distribution_of(state: Mapping[str, Any]) -> Distribution:
    """The distribution behind :func:`state_of`."""
    values = Distribution(floats=True)
    keys, counts = (np.array(state[name], np.int64) for name in ("keys", "counts"))
    values.restore(keys, counts, cut=state["cut"], bounds=tuple(state["bounds"]))
    return values


@dataclass(frozen=True, slots=True)
class QuantilesOf:
    """``boundaries``: the inner ``num_buckets``-quantiles of the finite values, each once; over no values none.

    A boundary is the least value with at least its share of the values below it, so equal values stay together and
    a frequent one gets a bucket of its own. It is a value of the data while ``statistics`` counts values one by one,
    and the lower end of its interval beyond.
    """

    num_buckets: int

    def create(self) -> _QuantilesState:
        return _QuantilesState(self.num_buckets)


class _QuantilesState(CountedNumbers):
    def __init__(self, num_buckets: int) -> None:
        super().__init__()
        self._num_buckets = num_buckets

    def result(self) -> Mapping[str, n.Node]:
        return {"boundaries": n.Boundaries(boundaries_of(self.values, self._num_buckets))}


@dataclass(frozen=True, slots=True)
class QuantileOf:
    """``value``: the least value with at least ``share`` of the values not above it; over no values 0."""

    share: float

    def create(self) -> _QuantileState:
        return _QuantileState(self.share)


class _QuantileState(CountedNumbers):
    def __init__(self, share: float) -> None:
        super().__init__()
        self._share = share

    def result(self) -> Mapping[str, n.Node]:
        low, _ = self.values.intervals()
        if not len(low):
            return {"value": n.Number(0.0)}
        reached = np.cumsum(self.values.counts)
        at = np.searchsorted(reached, self._share * float(reached[-1]))
        return {"value": n.Number(float(low[min(int(at), len(low) - 1)]))}


@dataclass(frozen=True, slots=True)
class HistogramOf:
    """``boundaries``, ``ids`` of the buckets, ``table`` with the columns count, share and density, ``count_0``, ...

    With ``edges`` these are the boundaries, otherwise ``num_buckets`` even ones from the least to the largest value.
    The share is of all values, the density that over a bucket's width; both are 0 outside the boundaries. Where equal
    boundaries leave fewer buckets, the last counts are 0.
    """

    num_buckets: int
    edges: tuple[float, ...] | None = None

    def create(self) -> _HistogramState:
        return _HistogramState(self)


class _HistogramState(CountedNumbers):
    def __init__(self, of: HistogramOf) -> None:
        super().__init__()
        self._of = of

    def result(self) -> Mapping[str, n.Node]:
        low, _ = self.values.intervals()
        edges = np.array(self._of.edges) if self._of.edges is not None else _even(low, self._of.num_buckets)
        counts = np.bincount(np.searchsorted(edges, low, side="right"), self.values.counts, len(edges) + 1)
        within = np.zeros((len(counts), 3))
        if len(edges) > 1 and len(low):
            within[1:-1, 0] = counts[1:-1]
            within[1:-1, 1] = counts[1:-1] / counts.sum()
            with np.errstate(over="ignore"):  # an infinite width has no density
                within[1:-1, 2] = within[1:-1, 1] / np.diff(edges)
        inner = [*within[1:-1, 0].tolist(), *[0.0] * self._of.num_buckets]
        return {
            "boundaries": n.Boundaries(tuple(edges.tolist())),
            "ids": n.Tokens(tuple(range(len(counts)))),
            "table": n.Table((*map(tuple, within.tolist()), (0.0, 0.0, 0.0))),
            **{f"count_{bucket}": n.Number(inner[bucket]) for bucket in range(self._of.num_buckets)},
        }


def _even(values: Floats, num_buckets: int) -> Floats:
    """Even boundaries that hold all values; the last is just above the largest."""
    if not len(values):
        return np.empty(0)
    low, high = float(values.min()), float(values.max())
    shares = np.linspace(0.0, 1.0, num_buckets + 1)
    edges = low * (1 - shares) + high * shares  # high - low may be beyond the largest float
    with np.errstate(over="ignore"):
        edges[-1] = np.nextafter(high, np.inf)
    return np.unique(edges)


def boundaries_of(values: Distribution, num_buckets: int) -> tuple[float, ...]:
    """The inner quantiles, ascending and each once: the least values with at least their share below them."""
    low, _ = values.intervals()
    if not len(low):
        return ()
    counts = values.counts
    below = np.cumsum(counts) - counts
    shares = np.arange(1, num_buckets) * int(counts.sum()) / num_buckets
    at = np.searchsorted(below, shares)
    return tuple(dict.fromkeys(low[at[at < len(low)]].tolist()))
