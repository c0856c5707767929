"""Quantiles of numbers that have weights.

Values are counted one by one while there are few distinct ones; beyond ``LIMIT`` the low bits of all values are cut
off until they fit, one bit at a time, so that a boundary is at most ``2**(cut - 52)`` of itself too near to 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from treadle.graph import nodes as n
from treadle.transform.analysis._analyzers import Values

LIMIT = 16384
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class WeightedQuantilesOf:
    """``boundaries``: the inner quantiles of ``x`` where every row counts by a weight; over no weight none.

    A boundary is the least value below which there is at least its share of the weight. A weight that is missing,
    infinite or not above 0 leaves its row out.
    """

    num_buckets: int

    def create(self) -> _WeightedState:
        return _WeightedState(self.num_buckets)


class _WeightedState:
    def __init__(self, num_buckets: int) -> None:
        self._num_buckets = num_buckets
        self._cut = 0
        self._values: Floats = np.empty(0)
        self._weights: Floats = np.empty(0)

    def add(self, values: Values, counts: Any = None) -> None:
        raise NotImplementedError("weights are a column beside the values")

    def add_columns(self, columns: Sequence[Values]) -> None:
        values, weights = columns
        kept = np.isfinite(values) & np.isfinite(weights) & (weights > 0)
        self._take(values[kept], weights[kept])

    def merge(self, other: _WeightedState) -> None:
        self._cut = max(self._cut, other._cut)
        self._values = _cut_off(self._values, self._cut)
        self._take(other._values, other._weights)

    def state(self) -> dict[str, Any]:
        return {"cut": self._cut, "values": self._values.tolist(), "weights": self._weights.tolist()}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._cut = int(state["cut"])
        self._values, self._weights = np.array(state["values"], float), np.array(state["weights"], float)

    def result(self) -> Mapping[str, n.Node]:
        if not len(self._values):
            return {"boundaries": n.Boundaries(())}
        below = np.cumsum(self._weights) - self._weights
        shares = np.arange(1, self._num_buckets) * float(self._weights.sum()) / self._num_buckets
        at = np.searchsorted(below, shares)
        return {"boundaries": n.Boundaries(tuple(np.unique(self._values[at[at < len(self._values)]]).tolist()))}

    def _take(self, values: Floats, weights: Floats) -> None:
        self._group(np.concatenate([self._values, _cut_off(values, self._cut)]), np.append(self._weights, weights))
        while len(self._values) > LIMIT:
            self._cut += 1
            self._group(_cut_off(self._values, self._cut), self._weights)

    def _group(self, values: Floats, weights: Floats) -> None:
        self._values, at = np.unique(values, return_inverse=True)
        self._weights = np.bincount(at, weights, minlength=len(self._values)).astype(np.float64)


def _cut_off(values: Floats, bits: int) -> Floats:
    """Values without their lowest bits, towards 0; ``-0.0`` is 0."""
    values = values + 0.0
    return (values.view(np.int64) >> bits << bits).view(np.float64) if bits else values
