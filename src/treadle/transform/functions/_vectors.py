"""Several columns taken together: analysed as one, scaled each by itself, multiplied by a matrix."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from treadle.errors import TransformError
from treadle.graph import nodes as n
from treadle.transform._column import Column, arithmetic, describe, number
from treadle.transform._location import user_line

if TYPE_CHECKING:
    from treadle.transform.functions._lists import Items


class Vector(Column):
    """Columns of numbers side by side; an output of it has the columns ``name[0]``, ``name[1]``, ..."""

    __slots__ = ("_columns",)

    def __init__(self, columns: Sequence[Column]) -> None:
        super().__init__(n.Stack(tuple(number(column) for column in columns)))
        self._columns = [Column(number(column)) for column in columns]

    def __len__(self) -> int:  # type: ignore[override]
        return len(self._columns)

    def __iter__(self, *_: object) -> Iterator[Column]:  # type: ignore[override]
        return iter(self._columns)

    def __getitem__(self, position: int) -> Column:  # type: ignore[override]
        return self._columns[position]


def vector(*columns: Column) -> Vector:
    """Columns of numbers as one vector, for what works on several at once: ``pca``, ``elementwise=`` and pooling."""
    if not columns:
        raise TransformError("A vector needs a column at least.", where=user_line())
    return Vector(columns)


def random_projection(x: Vector, output_dim: int, *, seed: int = 0) -> Vector:
    """The vector times a fixed matrix of normal random numbers with variance ``1 / output_dim``.

    Distances are kept in expectation (Johnson and Lindenstrauss). The matrix depends on ``seed`` and the two
    dimensions alone. A row with a missing value is missing throughout.
    """
    parts = parts_of(x)
    if type(output_dim) is not int or output_dim < 1:
        raise TransformError(f"output_dim must be a whole number of at least 1, not {output_dim!r}.", where=user_line())
    weights = np.random.default_rng(seed).normal(0.0, output_dim**-0.5, (len(parts), output_dim))
    return Vector([weighted_sum(parts, weights[:, j].tolist()) for j in range(output_dim)])


def weighted_sum(columns: Sequence[Column], weights: Sequence[Column | float]) -> Column:
    """The sum of columns times weights, in their order; missing when any is."""
    total = columns[0] * weights[0]
    for column, weight in zip(columns[1:], weights[1:], strict=True):
        total = arithmetic("add", total, column * weight)
    return total


def parts_of(x: Column | Items) -> list[Column]:
    """The columns of a vector; a column is a vector of itself, and a list of numbers one of its items."""
    from treadle.transform.functions._lists import Items

    if isinstance(x, Vector):
        return list(x)
    if isinstance(x, Items):
        return list(x.vector())
    if not isinstance(x, Column):
        raise TransformError(f"Here a column is needed, and this is {describe(x)}.", where=user_line())
    return [x]


def each(x: Column, scale: Callable[[Column, list[Column]], Column], *, elementwise: bool) -> Column:
    """Apply a scaling to a column, or to every column of a vector.

    Args:
        x: A column or a vector.
        scale: From a column, and the columns whose values are analysed together, to the scaled column.
        elementwise: Whether every column of a vector is analysed by itself.
    """
    parts = parts_of(x)
    scaled = [scale(part, [part] if elementwise else parts) for part in parts]
    return scaled[0] if type(x) is Column else Vector(scaled)
