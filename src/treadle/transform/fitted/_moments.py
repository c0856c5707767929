"""Results of full passes as columns that are the same for every row: counts, moments, extremes, custom ones."""

from __future__ import annotations

from treadle.errors import TransformError
from treadle.graph import nodes as n
from treadle.transform._column import Column, number
from treadle.transform._location import user_line
from treadle.transform.analysis._analyzers import Analysis, ExtremesOf, MomentsOf
from treadle.transform.analysis._tukey import TukeyOf
from treadle.transform.fitted._custom import CustomAnalyzer, NumbersOf
from treadle.transform.fitted._results import analysis
from treadle.transform.functions._numbers import _category
from treadle.transform.functions._vectors import parts_of


def mean(x: Column) -> Column:
    """The mean of the training data, the same for every row; infinite and missing values are left out.

    Over no values it is 0. Of a vector, as with all these, it is over all of its columns.
    """
    return analysis(MomentsOf(), "mean", parts_of(x))


def variance(x: Column) -> Column:
    """The variance (of the population) of the training data; over no values it is 0."""
    return analysis(MomentsOf(), "variance", parts_of(x))


def std_dev(x: Column) -> Column:
    """The standard deviation (of the population) of the training data; over no values it is 0."""
    return analysis(MomentsOf(), "std_dev", parts_of(x))


def total(x: Column) -> Column:
    """The sum of the finite values of the training data."""
    return analysis(MomentsOf(), "total", parts_of(x))


def count(x: Column) -> Column:
    """How many finite values the training data has."""
    return analysis(MomentsOf(), "count", parts_of(x))


def lowest(x: Column) -> Column:
    """The least finite value of the training data; over no values 0."""
    return analysis(ExtremesOf(), "minimum", parts_of(x))


def highest(x: Column) -> Column:
    """The largest finite value of the training data; over no values 0."""
    return analysis(ExtremesOf(), "maximum", parts_of(x))


def tukey_location(x: Column) -> Column:
    """The location of the training data as a Tukey HH distribution, by its L-moments; over no values 0.

    ``(x - location) / scale`` is then ``z exp(h z^2 / 2)`` of a standard normal ``z``, with ``h`` the first of
    :func:`tukey_h_params` below 0 and the second above.
    """
    return analysis(TukeyOf(), "location", parts_of(x))


def tukey_scale(x: Column) -> Column:
    """The scale of the training data as a Tukey HH distribution (see :func:`tukey_location`); over no values 1."""
    return analysis(TukeyOf(), "scale", parts_of(x))


def tukey_h_params(x: Column) -> tuple[Column, Column]:
    """How long the two tails of the training data are (see :func:`tukey_location`): 0 for no longer than normal."""
    left, right = (analysis(TukeyOf(), field, parts_of(x)) for field in ("left", "right"))
    return left, right


def analyzer(custom: CustomAnalyzer, field: str, *columns: Column) -> Column:
    """A number from an analyzer of your own, the same for every row.

    Args:
        custom: A frozen dataclass with ``create()``, which gives an accumulator: ``add(*columns)`` takes a batch
            (numbers as float64 with NaN for missing; text and whole numbers as ``Coded(codes, values)``),
            ``merge(other)`` takes another accumulator, and ``result()`` gives numbers by name. With ``state()`` (JSON)
            and ``restore(state)`` it can be kept per data span.
        field: Which of the numbers.
        columns: What it is over.
    """
    if not columns or not all(isinstance(column, Column) for column in columns):
        raise TransformError("An analyzer needs the columns it is over.", where=user_line())
    if not hasattr(custom, "create") or type(custom).__hash__ is None:
        raise TransformError(
            f"{custom!r} is not an analyzer.",
            where=user_line(),
            hint="An analyzer is a frozen dataclass with create(), which gives an accumulator.",
        )
    kinds = (n.Kind.TEXT, n.Kind.KEY)
    nodes = [_category(column) if column.node.kind in kinds else number(column) for column in columns]
    numbers = NumbersOf(custom, len(nodes))
    return Column(Analysis(numbers, field, n.Kind.NUMBER, nodes[0], tuple(nodes[1:]) or (nodes[0],)))
