"""Buckets: the number of the interval a value lies in, and its place in it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from treadle.errors import TransformError
from treadle.graph import nodes as n
from treadle.transform._column import Column, describe, number
from treadle.transform._location import user_line
from treadle.transform.analysis._analyzers import Analysis
from treadle.transform.analysis._keyed import KeyedQuantilesOf
from treadle.transform.analysis._quantiles import QuantileOf, QuantilesOf
from treadle.transform.analysis._weighted import WeightedQuantilesOf
from treadle.transform.fitted._results import analysis
from treadle.transform.functions._numbers import _category
from treadle.transform.functions._vectors import each, parts_of


def quantile(x: Column, share: float) -> Column:
    """The least value of the training data that at least ``share`` of the values are not above; over no values 0."""
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise TransformError(f"share must be from 0 to 1, and this is {share!r}.", where=user_line())
    return analysis(QuantileOf(float(share)), "value", parts_of(x))


def quantiles(x: Column, num_buckets: int, *, weights: Column | None = None) -> Column:
    """The boundaries of ``num_buckets`` buckets with about equally many values, for :func:`apply_buckets`.

    Args:
        x: A column, or a vector: its columns have boundaries together.
        num_buckets: How many buckets; equal boundaries count once, so there may be fewer.
        weights: How much each row counts; missing and below 0 counts nothing.
    """
    return _boundaries(parts_of(x), num_buckets, weights)


def bucketize(
    x: Column,
    num_buckets: int | None = None,
    *,
    boundaries: Sequence[float] | None = None,
    weights: Column | None = None,
    elementwise: bool = False,
) -> Column:
    """The number of the bucket a value lies in, from 0: ``boundaries[i - 1] <= x < boundaries[i]`` is bucket ``i``.

    Missing stays missing. Equal boundaries count once, so there may be fewer buckets than asked for; over no values
    there is one.

    Args:
        x: A column of numbers, or a vector of them.
        num_buckets: Take the boundaries from the quantiles of the training data.
        boundaries: Or take these, ascending.
        weights: How much each row of the training data counts; missing and below 0 counts nothing.
        elementwise: Give every column of a vector boundaries of its own.
    """
    if (num_buckets is None) == (boundaries is None):
        raise TransformError("bucketize takes either num_buckets or boundaries.", where=user_line())
    if boundaries is not None:
        return apply_buckets(x, boundaries)

    def place(part: Column, over: list[Column]) -> Column:
        return Column(n.Bucket(number(part), _boundaries(over, num_buckets, weights).node))

    return each(x, place, elementwise=elementwise)


def apply_buckets(x: Column, boundaries: Column | Sequence[float]) -> Column:
    """:func:`bucketize` with boundaries that are given, ascending, or those of :func:`quantiles`."""
    found = _given(boundaries)
    return each(x, lambda part, _: Column(n.Bucket(number(part), found)), elementwise=True)


def apply_buckets_with_interpolation(x: Column, boundaries: Column | Sequence[float]) -> Column:
    """The place of a value among boundaries, 0 at the first, 1 at the last, and linear between neighbours.

    Below the first it is 0, from the last on 1, and 0.5 for a missing value. With one boundary it is 0 below it and
    1 from it on; without any (no training data) it is 0.5.
    """
    found = _given(boundaries)
    return each(x, lambda part, _: Column(n.Interpolation(number(part), found)), elementwise=True)


def bucketize_per_key(x: Column, key: Column, num_buckets: int) -> Column:
    """:func:`bucketize` with the quantiles of the training rows that have the row's key.

    An unseen or missing key gives -1; a missing number stays missing.
    """
    check_buckets(num_buckets)
    value, node = number(x), _category(key)
    keys, table = (
        Analysis(KeyedQuantilesOf(num_buckets), field, kind, value, (node,))
        for field, kind in (("keys", n.Kind.TOKENS), ("table", n.Kind.TABLE))
    )
    return Column(n.BucketByKey(value, n.Lookup(node, keys, has_oov=True), table))


def _boundaries(over: list[Column], num_buckets: int | None, weights: Column | None) -> Column:
    check_buckets(num_buckets)
    assert num_buckets is not None
    if weights is None:
        return analysis(QuantilesOf(num_buckets), "boundaries", over, n.Kind.BOUNDARIES)
    if len(over) > 1:
        raise TransformError("Weights go with one column, not with a vector.", where=user_line())
    return analysis(WeightedQuantilesOf(num_buckets), "boundaries", [over[0], weights], n.Kind.BOUNDARIES)


def _given(boundaries: Column | Sequence[float]) -> n.Node:
    if not isinstance(boundaries, Column):
        return checked_boundaries(boundaries)
    if boundaries.node.kind != n.Kind.BOUNDARIES:
        raise TransformError(
            f"Here boundaries are needed, and this is {describe(boundaries)}.",
            where=user_line(),
            hint="Give a list of numbers, or tt.quantiles(x, 10).",
        )
    return boundaries.node


def checked_boundaries(boundaries: Sequence[float]) -> n.Boundaries:
    """Boundaries that ascend, else an error with the user's line."""
    found = tuple(float(value) for value in boundaries)
    if not all(low < high for low, high in pairwise(found)) or any(v != v for v in found):  # noqa: PLR0124
        raise TransformError(f"boundaries must ascend, and these are {boundaries}.", where=user_line())
    return n.Boundaries(found)


def check_buckets(num_buckets: object, least: int = 2) -> None:
    """A number of buckets that can be, else an error with the user's line."""
    if type(num_buckets) is not int or num_buckets < least:
        raise TransformError(
            f"num_buckets must be a whole number of at least {least}, not {num_buckets!r}.", where=user_line()
        )
