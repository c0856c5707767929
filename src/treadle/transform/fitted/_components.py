"""Covariance and principal components of a vector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from treadle.errors import TransformError
from treadle.graph import nodes as n
from treadle.transform._column import Column
from treadle.transform._location import user_line
from treadle.transform.fitted._results import analysis
from treadle.transform.functions._vectors import Vector, parts_of, weighted_sum

Floats = npt.NDArray[np.float64]


def covariance(x: Vector) -> list[list[Column]]:
    """The covariance matrix (of the population) of a vector's columns, each entry the same for every row.

    Rows with a missing or infinite value are left out; over no rows all are 0.
    """
    parts = parts_of(x)
    return [[_entry(parts, "covariance", min(i, j), max(i, j)) for j in range(len(parts))] for i in range(len(parts))]


def pca(x: Vector, output_dim: int, *, center: bool = False) -> Vector:
    """The vector times the eigenvectors of its covariance with the largest eigenvalues, the largest first.

    As in TensorFlow Transform nothing is centered, unless asked for. An eigenvector's largest entry is positive, which
    settles its sign. A row with a missing value is missing throughout. Over no rows the first columns are kept.

    Args:
        x: The vector.
        output_dim: How many components, at most as many as there are columns.
        center: Subtract the means first.
    """
    parts = parts_of(x)
    if type(output_dim) is not int or not 1 <= output_dim <= len(parts):
        raise TransformError(
            f"output_dim must be a whole number from 1 to {len(parts)}, not {output_dim!r}.", where=user_line()
        )
    given = [part - _entry(parts, "mean", i, 0) for i, part in enumerate(parts)] if center else parts
    weights = [[_entry(parts, "component", i, j) for i in range(len(parts))] for j in range(output_dim)]
    return Vector([weighted_sum(given, column) for column in weights])


@dataclass(frozen=True, slots=True)
class CovarianceOf:
    """``mean i 0``, ``covariance i j`` for i up to j, and ``component i j``: entry i of eigenvector j."""

    size: int

    def create(self) -> _CovarianceState:
        return _CovarianceState(self.size)


class _CovarianceState:
    def __init__(self, size: int) -> None:
        self._count = 0
        self._mean: Floats = np.zeros(size)
        self._spread: Floats = np.zeros((size, size))

    def add(self, values: Any, counts: Any = None) -> None:
        assert counts is None, "numbers come one by one"
        self.add_columns([values])

    def add_columns(self, columns: Sequence[Floats]) -> None:
        rows = np.stack(columns, axis=1)
        rows = rows[np.isfinite(rows).all(axis=1)]
        if not len(rows):
            return
        with np.errstate(over="ignore", invalid="ignore"):
            mean = rows.mean(axis=0)
            rest = rows - mean
            spread = rest.T @ rest
        self._take(len(rows), mean, spread)

    def merge(self, other: _CovarianceState) -> None:
        if other._count:
            self._take(other._count, other._mean, other._spread)

    def state(self) -> dict[str, Any]:
        return {"count": self._count, "mean": self._mean.tolist(), "spread": self._spread.tolist()}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._count = int(state["count"])
        self._mean, self._spread = np.array(state["mean"], float), np.array(state["spread"], float)

    def result(self) -> Mapping[str, n.Node]:
        matrix = self._spread / max(self._count, 1)
        mean = self._mean
        if not (np.isfinite(matrix).all() and np.isfinite(mean).all()):  # sums or squares beyond the largest float
            matrix, mean = np.zeros_like(matrix), np.zeros_like(mean)
        vectors = _eigenvectors(matrix)
        found = {f"mean {i} 0": value for i, value in enumerate(mean.tolist())}
        for i, j in np.ndindex(matrix.shape):
            found |= {f"covariance {i} {j}": float(matrix[i, j]), f"component {i} {j}": float(vectors[i, j])}
        return {name: n.Number(value) for name, value in found.items()}

    def _take(self, count: int, mean: Floats, spread: Floats) -> None:
        """Chan, Golub and LeVeque, for a matrix."""
        both = self._count + count
        with np.errstate(over="ignore", invalid="ignore"):
            gap = mean - self._mean
            self._spread = self._spread + spread + np.outer(gap, gap) * (self._count * count / both)
            self._mean = self._mean + gap * (count / both)
        self._count = both


def _eigenvectors(matrix: Floats) -> Floats:
    if not matrix.any():
        return np.eye(len(matrix))
    _, vectors = np.linalg.eigh(matrix)
    vectors = vectors[:, ::-1]
    largest = np.abs(vectors).argmax(axis=0)
    signs = np.sign(vectors[largest, np.arange(len(matrix))])
    return np.asarray(vectors * signs)


def _entry(parts: list[Column], field: str, i: int, j: int) -> Column:
    return analysis(CovarianceOf(len(parts)), f"{field} {i} {j}", parts)
