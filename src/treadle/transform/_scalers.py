"""What ``preprocess`` can do that needs a full pass over the training data first."""

from __future__ import annotations

from itertools import pairwise

from treadle.errors import NoLoweringError, TransformError
from treadle.graph import nodes as n
from treadle.transform._analyzers import Analysis, Analyzer, ExtremesOf, MomentsOf, QuantilesOf, TokensOf
from treadle.transform._column import Column, number
from treadle.transform._functions import _category
from treadle.transform._location import user_line


def mean(x: Column) -> Column:
    """The mean of the training data, the same for every row; infinite and missing values are left out.

    Over no values it is 0.
    """
    return _number_of(MomentsOf(), "mean", x)


def std_dev(x: Column) -> Column:
    """The standard deviation (of the population) of the training data; over no values it is 0."""
    return _number_of(MomentsOf(), "std_dev", x)


def lowest(x: Column) -> Column:
    """The least finite value of the training data; over no values 0."""
    return _number_of(ExtremesOf(), "minimum", x)


def highest(x: Column) -> Column:
    """The largest finite value of the training data; over no values 0."""
    return _number_of(ExtremesOf(), "maximum", x)


def scale_to_z_score(x: Column) -> Column:
    """``(x - mean) / std_dev`` over the training data; missing stays missing.

    Where the deviation is 0 it is ``x - mean``; over no values (a column that is null throughout) it is ``x``.
    """
    value = number(x)
    analyzer = MomentsOf()
    mean_, scale = (Analysis(analyzer, field, n.Kind.NUMBER, value) for field in ("mean", "scale"))
    return Column(n.Arithmetic("divide", n.Arithmetic("subtract", value, mean_), scale))


def bucketize(x: Column, num_buckets: int | None = None, *, boundaries: list[float] | None = None) -> Column:
    """The number of the bucket a value lies in, from 0: ``boundaries[i - 1] <= x < boundaries[i]`` is bucket ``i``.

    Missing stays missing. Equal boundaries count once, so there may be fewer buckets than asked for; over no values
    there is one.

    Args:
        x: A column of numbers.
        num_buckets: Take the boundaries from the quantiles of the training data.
        boundaries: Or take these, ascending.
    """
    if (num_buckets is None) == (boundaries is None):
        raise TransformError("bucketize takes either num_buckets or boundaries.", where=user_line())
    if boundaries is not None:
        found = tuple(float(value) for value in boundaries)
        if not all(low < high for low, high in pairwise(found)) or any(v != v for v in found):  # noqa: PLR0124
            raise TransformError(f"boundaries must ascend, and these are {boundaries}.", where=user_line())
        return Column(n.Bucket(number(x), n.Boundaries(found)))
    assert num_buckets is not None
    _check_count("num_buckets", num_buckets, 2)
    value = number(x)
    return Column(n.Bucket(value, Analysis(QuantilesOf(num_buckets), "boundaries", n.Kind.BOUNDARIES, value)))


def vocabulary(x: Column, *, top_k: int | None = None, min_count: int = 1, num_oov_buckets: int = 0) -> Column:
    """The id of a value in the vocabulary of the training data: 0 for the most frequent, ties by value.

    A value that is not in the vocabulary has the id after the last with ``num_oov_buckets=1``, and -1 with 0. A
    missing value is not in the vocabulary; ``fill_missing`` first to keep it apart.

    Args:
        x: A column of integers or text.
        top_k: Keep the most frequent only.
        min_count: Leave rarer values out.
        num_oov_buckets: 0 or 1.

    Raises:
        NoLoweringError: More than one bucket: ONNX has no hash of text.
    """
    column = _category(x)
    if top_k is not None:
        _check_count("top_k", top_k, 1)
    _check_count("min_count", min_count, 1)
    if num_oov_buckets not in (0, 1):
        raise NoLoweringError(
            "More than one bucket for unknown values needs a hash, which ONNX does not have.",
            where=user_line(),
            hint="Use num_oov_buckets=1 or 0.",
        )
    tokens = Analysis(TokensOf(top_k, min_count), "tokens", n.Kind.TOKENS, column)
    return Column(n.Lookup(column, tokens, has_oov=bool(num_oov_buckets)))


def _number_of(analyzer: Analyzer, field: str, x: Column) -> Column:
    return Column(Analysis(analyzer, field, n.Kind.NUMBER, number(x)))


def _check_count(name: str, value: object, least: int) -> None:
    if type(value) is not int or value < least:
        raise TransformError(f"{name} must be a whole number of at least {least}, not {value!r}.", where=user_line())
