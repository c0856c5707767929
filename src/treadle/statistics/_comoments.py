"""Means and products of pairs of columns that merge: covariance and correlation where both have values."""

from __future__ import annotations

import numpy as np

from treadle.statistics._keys import Floats


class Comoments:
    """For every pair of K columns: rows, means, squares and products about the means (Chan, Golub and LeVeque 1979).

    Entry (i, j) is over the rows in which both columns have a finite value; ``mean[i, j]`` is the mean of column i
    there.
    """

    __slots__ = ("count", "mean", "product", "square")

    def __init__(self, columns: int) -> None:
        shape = (columns, columns)
        self.count: Floats = np.zeros(shape)
        self.mean: Floats = np.zeros(shape)
        self.square: Floats = np.zeros(shape)
        self.product: Floats = np.zeros(shape)

    def add(self, values: Floats, weights: Floats | None = None) -> None:
        """Take in rows: N x K, NaN or infinite where there is no value; each counts once, or by its weight (N)."""
        part = Comoments(values.shape[1])
        there = np.isfinite(values)
        mask = there.astype(np.float64)
        weighted = mask if weights is None else mask * weights[:, None]
        rows = weighted.sum(axis=0)
        filled = np.where(there, values, 0.0)
        with np.errstate(over="ignore", invalid="ignore"):
            shift = (filled * weighted).sum(axis=0) / np.where(rows > 0, rows, 1)
            rest = (filled - shift) * mask  # about the column's own mean: no digits are lost in the sums
            part.count = weighted.T @ mask
            n = np.where(part.count > 0, part.count, 1)
            sums = (rest * weighted).T @ mask  # of column i over the rows of j
            part.mean = sums / n + shift[:, None]
            part.square = (rest * rest * weighted).T @ mask - sums * sums / n
            part.product = (rest * weighted).T @ rest - sums * sums.T / n
        self.merge(part)

    def merge(self, other: Comoments) -> None:
        """Take in the rows behind other moments of the same columns."""
        count = self.count + other.count
        n = np.where(count > 0, count, 1)
        with np.errstate(over="ignore", invalid="ignore"):
            gap = other.mean - self.mean
            both = self.count * other.count / n
            self.square = self.square + other.square + gap * gap * both
            self.product = self.product + other.product + gap * gap.T * both
            self.mean = self.mean + gap * (other.count / n)
        self.count = count

    def covariance(self, i: int, j: int) -> float | None:
        """The covariance (of the population); ``None`` without rows."""
        found = self.product[i, j] / self.count[i, j] if self.count[i, j] else np.nan
        return float(found) if np.isfinite(found) else None

    def correlation(self, i: int, j: int) -> float | None:
        """Pearson's correlation; ``None`` where a column does not vary."""
        spread = np.sqrt(self.square[i, j]) * np.sqrt(self.square[j, i])
        if not spread > 0 or not np.isfinite(spread) or self._constant(i, j) or self._constant(j, i):
            return None
        return float(np.clip(self.product[i, j] / spread, -1.0, 1.0))

    def _constant(self, i: int, j: int) -> bool:
        """Whether what varies is within the rounding of the sums."""
        return bool(self.square[i, j] <= 1e-24 * self.count[i, j] * self.mean[i, j] ** 2)
