"""Count, mean and spread that merge (Chan, Golub and LeVeque 1979)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from treadle.statistics._keys import Floats, Ints

_MOST_ROUNDED = 16384


@dataclass(slots=True)
class Moments:
    """Number of values, their mean, and the sum of squared differences from it.

    Adding the same values in other batches may change the last bits, as floating-point sums do. Where a sum is
    beyond the largest float, mean and spread are infinite or NaN: not measured.
    """

    count: int = 0
    mean: float = 0.0
    spread: float = 0.0

    @classmethod
    def of(cls, values: Floats | Ints) -> Moments:
        """The moments of one batch."""
        if not len(values):
            return cls()
        with np.errstate(over="ignore", invalid="ignore"):
            mean = float(values.mean())
            rest = values - mean
            rest *= rest  # and no dot product: its last bits depend on the threads of the linear algebra library
            return cls(len(values), mean, float(rest.sum()))

    @classmethod
    def of_counts(cls, values: Floats, counts: Ints) -> Moments:
        """The moments of values that occur several times, in the order of the values.

        Up to ``_MOST_ROUNDED`` values the sums are correctly rounded, beyond that pairwise, which is much faster.
        """
        count = int(counts.sum())
        if not count:
            return cls()
        add = _sum if len(values) <= _MOST_ROUNDED else _pairwise
        with np.errstate(over="ignore", invalid="ignore"):
            mean = add(values * counts) / count
            return cls(count, mean, add(counts * (values - mean) ** 2))

    def merge(self, other: Moments) -> None:
        """Take in the values behind other moments."""
        count = self.count + other.count
        if not other.count:
            return
        gap = other.mean - self.mean
        self.spread += other.spread + gap * gap * (self.count * other.count / count)
        self.mean += gap * (other.count / count)
        self.count = count

    def known(self, name: str) -> float | None:
        """``mean`` or ``std_dev``; ``None`` without values, or where it is beyond the largest float."""
        value: float = getattr(self, name)
        return value if self.count and math.isfinite(value) else None

    @property
    def std_dev(self) -> float:
        """The standard deviation of the population; NaN without values."""
        return math.sqrt(self.spread / self.count) if self.count else math.nan


def _pairwise(terms: Floats) -> float:
    return float(terms.sum())


def _sum(terms: Floats) -> float:
    try:
        return math.fsum(terms.tolist())
    except (OverflowError, ValueError):  # beyond the largest float, or infinities of both signs
        return float(terms.sum())
