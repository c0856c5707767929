"""Scaling to a range, to a spread, to a bell: definitions of TensorFlow Transform, per column, vector or key."""

from __future__ import annotations

import math

from treadle.errors import TransformError
from treadle.graph import nodes as n
from treadle.transform._column import Column, number
from treadle.transform._location import user_line
from treadle.transform.analysis._analyzers import Analysis, ExtremesOf, MomentsOf
from treadle.transform.analysis._keyed import COUNT, HIGHEST, LOWEST, MEAN, SCALE, STD_DEV, KeyCountsOf, KeyedNumbersOf
from treadle.transform.analysis._quantiles import QuantileOf
from treadle.transform.analysis._tukey import TukeyOf
from treadle.transform.fitted._results import analysis
from treadle.transform.functions._numbers import _category, clip, exp, log, log1p, maximum, sign, sqrt, where
from treadle.transform.functions._vectors import each


def scale_by_min_max(
    x: Column, output_min: float = 0.0, output_max: float = 1.0, *, elementwise: bool = False
) -> Column:
    """``(x - min) / (max - min)``, stretched to ``output_min`` .. ``output_max``; missing stays missing.

    Where all of the training data is one value, or there is none, it is the logistic function of ``x``, stretched.
    Data beyond the training data's range lies beyond the output's.

    Args:
        x: A column, or a vector: its columns have one range together.
        output_min: What the least value becomes.
        output_max: What the largest value becomes.
        elementwise: Give every column of a vector a range of its own.
    """
    _check_range(output_min, output_max)

    def scale(part: Column, over: list[Column]) -> Column:
        low, high = (analysis(ExtremesOf(), field, over) for field in ("minimum", "maximum"))
        return _within(part, low, high, output_min, output_max)

    return each(x, scale, elementwise=elementwise)


def scale_to_0_1(x: Column, *, elementwise: bool = False) -> Column:
    """:func:`scale_by_min_max` to 0 .. 1."""
    return scale_by_min_max(x, 0.0, 1.0, elementwise=elementwise)


def scale_to_z_score(x: Column, *, elementwise: bool = False) -> Column:
    """``(x - mean) / std_dev`` over the training data; missing stays missing.

    Where the deviation is 0 it is ``x - mean``; over no values (a column that is null throughout) it is ``x``.

    Args:
        x: A column, or a vector: its columns have one mean and deviation together.
        elementwise: Give every column of a vector its own.
    """

    def scale(part: Column, over: list[Column]) -> Column:
        mean, spread = (analysis(MomentsOf(), field, over) for field in ("mean", "scale"))
        return (part - mean) / spread

    return each(x, scale, elementwise=elementwise)


def scale_robustly(x: Column, *, elementwise: bool = False) -> Column:
    """``(x - median) / (third quartile - first quartile)``, which outliers do not move; missing stays missing.

    Where the quartiles are equal it is ``x - median``.
    """

    def scale(part: Column, over: list[Column]) -> Column:
        first, median, third = (analysis(QuantileOf(share), "value", over) for share in (0.25, 0.5, 0.75))
        width = third - first
        return (part - median) / where(width > 0, width, 1.0)

    return each(x, scale, elementwise=elementwise)


def scale_to_gaussian(x: Column, *, elementwise: bool = False) -> Column:
    """``x`` made as like a standard normal variable as a Tukey HH distribution allows; missing stays missing.

    The four parameters (see :func:`tukey_location`) come from the first four L-moments of the training data. Where
    the tails are not longer than the normal's the result is ``(x - location) / scale``.
    """

    def scale(part: Column, over: list[Column]) -> Column:
        location, width, left, right = (
            analysis(TukeyOf(), field, over) for field in ("location", "scale", "left", "right")
        )
        z = (part - location) / width
        h = where(z < 0, left, right)
        return where(h > 0, sign(z) * sqrt(_lambert(h * z * z) / h), z)

    return each(x, scale, elementwise=elementwise)


def scale_to_z_score_per_key(x: Column, key: Column) -> Column:
    """A z-score over the training rows with the row's key; an unseen or missing key takes all rows together."""
    mean, spread = (_of_key(x, key, column) for column in (MEAN, SCALE))
    return (x - mean) / spread


def scale_by_min_max_per_key(x: Column, key: Column, output_min: float = 0.0, output_max: float = 1.0) -> Column:
    """:func:`scale_by_min_max` over the training rows with the row's key.

    An unseen or missing key takes all rows together.
    """
    _check_range(output_min, output_max)
    low, high = (_of_key(x, key, column) for column in (LOWEST, HIGHEST))
    return _within(x, low, high, output_min, output_max)


def scale_to_0_1_per_key(x: Column, key: Column) -> Column:
    """:func:`scale_by_min_max_per_key` to 0 .. 1."""
    return scale_by_min_max_per_key(x, key)


def count_per_key(key: Column) -> Column:
    """How many training rows have the row's key; 0 for one that is missing or was not seen."""
    node = _category(key)
    keys = Analysis(KeyCountsOf(), "keys", n.Kind.TOKENS, node)
    table = Analysis(KeyCountsOf(), "table", n.Kind.TABLE, node)
    return Column(n.Pick(n.Lookup(node, keys, has_oov=True), table, 0))


def mean_per_key(x: Column, key: Column) -> Column:
    """The mean of ``x`` over the training rows with the row's key; of all rows for an unseen or missing key."""
    return _of_key(x, key, MEAN)


def std_dev_per_key(x: Column, key: Column) -> Column:
    """The standard deviation (of the population) of ``x`` by key; of all rows for an unseen or missing key."""
    return _of_key(x, key, STD_DEV)


def values_per_key(x: Column, key: Column) -> Column:
    """How many training rows with the row's key have a finite ``x``; of all rows for an unseen or missing key."""
    return _of_key(x, key, COUNT)


def _of_key(x: Column, key: Column, column: int) -> Column:
    value, node = number(x), _category(key)
    keys = Analysis(KeyedNumbersOf(), "keys", n.Kind.TOKENS, value, (node,))
    table = Analysis(KeyedNumbersOf(), "table", n.Kind.TABLE, value, (node,))
    return Column(n.Pick(n.Lookup(node, keys, has_oov=True), table, column))


def _within(x: Column, low: Column, high: Column, output_min: float, output_max: float) -> Column:
    logistic = 1.0 / (1.0 + exp(-x))
    share = where(low < high, (x - low) / (high - low), logistic)
    if (output_min, output_max) == (0.0, 1.0):
        return share
    return share * (output_max - output_min) + output_min


def _lambert(u: Column) -> Column:
    """The principal branch of Lambert's W for ``u >= 0``, to float64: five steps of Iacono and Boyd (2017)."""
    u = maximum(u, 1e-300)
    w = log1p(u)
    w = where(u > math.e, log(u) - log(clip(log(u), 1.0)), w)
    for _ in range(5):
        w = w / (1.0 + w) * (1.0 + log(u / w))
    return w


def _check_range(output_min: float, output_max: float) -> None:
    if not output_min < output_max:
        raise TransformError(
            f"output_min must be below output_max, and these are {output_min} and {output_max}.", where=user_line()
        )
