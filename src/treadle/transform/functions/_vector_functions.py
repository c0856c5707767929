"""Numbers of whole vectors: sums, lengths, how alike two are."""

from __future__ import annotations

from functools import reduce

from treadle.errors import TransformError
from treadle.transform._column import Column, arithmetic
from treadle.transform._location import user_line
from treadle.transform.functions._numbers import sqrt
from treadle.transform.functions._vectors import Vector, parts_of, weighted_sum


def vector_sum(x: Vector) -> Column:
    """The sum of a vector's numbers, in their order; missing when any is."""
    return weighted_sum(parts_of(x), [1.0] * len(parts_of(x)))


def vector_mean(x: Vector) -> Column:
    """The mean of a vector's numbers; missing when any is."""
    return vector_sum(x) / len(parts_of(x))


def vector_min(x: Vector) -> Column:
    """The least of a vector's numbers; missing when any is."""
    return reduce(lambda left, right: arithmetic("minimum", left, right), parts_of(x))


def vector_max(x: Vector) -> Column:
    """The largest of a vector's numbers; missing when any is."""
    return reduce(lambda left, right: arithmetic("maximum", left, right), parts_of(x))


def dot(left: Vector, right: Vector) -> Column:
    """The sum of the products of two vectors' numbers; missing when any is."""
    first, second = parts_of(left), parts_of(right)
    if len(first) != len(second):
        raise TransformError(f"The vectors have {len(first)} and {len(second)} numbers.", where=user_line())
    return weighted_sum(first, second)


def norm(x: Vector) -> Column:
    """The Euclidean length of a vector; missing when any of its numbers is."""
    return sqrt(dot(x, x))


def cosine_similarity(left: Vector, right: Vector) -> Column:
    """The cosine of the angle between two vectors, -1 to 1; missing when any number is, or a vector is all 0."""
    return dot(left, right) / (norm(left) * norm(right))
