"""Histograms: how many values of the training data lie in each bucket, or have each value."""

from __future__ import annotations

from collections.abc import Sequence

from treadle.errors import TransformError
from treadle.graph import nodes as n
from treadle.transform._column import Column, number
from treadle.transform._location import user_line
from treadle.transform.analysis._analyzers import Analysis, Analyzer
from treadle.transform.analysis._keyed import KeyCountsOf
from treadle.transform.analysis._quantiles import HistogramOf
from treadle.transform.fitted._buckets import check_buckets, checked_boundaries
from treadle.transform.functions._numbers import _category

_COUNT, _SHARE, _DENSITY = range(3)


class Histogram:
    """A histogram of the training data, made by :func:`histogram`: constants, and what they say about a value."""

    def __init__(self, over: n.Node, analyzer: HistogramOf | None) -> None:
        self._over = over
        self._of = analyzer

    def __repr__(self) -> str:
        return "a histogram"

    def __bool__(self) -> bool:
        raise TransformError("A histogram has no values while preprocess is traced.", where=user_line())

    @property
    def boundaries(self) -> Column:
        """The edges of its buckets, for ``apply_buckets``; categories have none."""
        return Column(self._result("boundaries", n.Kind.BOUNDARIES))

    @property
    def counts(self) -> list[Column]:
        """How many values lie in each bucket, from the lowest: numbers that are the same for every row."""
        buckets = range(0 if self._of is None else self._of.num_buckets)
        return [Column(self._result(f"count_{bucket}", n.Kind.NUMBER)) for bucket in buckets]

    def count_of(self, x: Column) -> Column:
        """How many values of the training data are in the bucket of a value; 0 outside and for a missing value."""
        return self._of_value(x, _COUNT)

    def share_of(self, x: Column) -> Column:
        """Which share of the values of the training data is there; as :meth:`count_of`."""
        return self._of_value(x, _SHARE)

    def density_of(self, x: Column) -> Column:
        """The share over the width of the bucket; of categories the share."""
        return self._of_value(x, _SHARE if self._of is None else _DENSITY)

    def _of_value(self, x: Column, column: int) -> Column:
        if self._of is None:
            id_ = n.Lookup(_category(x), self._result("keys", n.Kind.TOKENS), has_oov=True)
        else:
            bucket = n.Bucket(number(x), self.boundaries.node)
            id_ = n.Lookup(bucket, self._result("ids", n.Kind.TOKENS), has_oov=True)
        return Column(n.Pick(id_, self._result("table", n.Kind.TABLE), column))

    def _result(self, field: str, kind: n.Kind) -> Analysis:
        analyzer: Analyzer = self._of or KeyCountsOf()
        if self._of is None and kind == n.Kind.BOUNDARIES:
            raise TransformError("A histogram of categories has no boundaries.", where=user_line())
        return Analysis(analyzer, field, kind, self._over)


def histogram(x: Column, boundaries: int | Sequence[float] = 10, *, categorical: bool = False) -> Histogram:
    """How many values of the training data lie in each bucket; missing and infinite values are left out.

    Bucket ``i`` is ``boundaries[i] <= x < boundaries[i + 1]``; the last of even buckets holds the largest value too.

    Args:
        x: A column of numbers; with ``categorical`` of integers or text.
        boundaries: The edges, ascending, or how many even buckets from the least to the largest value.
        categorical: Count each value by itself.
    """
    if categorical:
        return Histogram(_category(x), None)
    if isinstance(boundaries, int):
        check_buckets(boundaries, 1)
        return Histogram(number(x), HistogramOf(boundaries))
    edges = checked_boundaries(boundaries).values
    if len(edges) < 2:
        raise TransformError(f"A histogram has two edges at least, and this is {boundaries!r}.", where=user_line())
    return Histogram(number(x), HistogramOf(len(edges) - 1, edges))


def estimated_probability_density(
    x: Column, boundaries: int | Sequence[float] = 10, *, categorical: bool = False
) -> Column:
    """How dense the training data is at a value, by its :func:`histogram`; 0 outside of it and for a missing value."""
    return histogram(x, boundaries, categorical=categorical).density_of(x)
