"""Ids of values: by the training data, by a list, by a file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from treadle.errors import TransformError
from treadle.graph import nodes as n
from treadle.graph import text_nodes as t
from treadle.transform._column import Column, number
from treadle.transform._location import user_line
from treadle.transform.analysis._analyzers import Analysis, Analyzer, TokensOf
from treadle.transform.analysis._ranking import RankedTokensOf
from treadle.transform.functions._hashing import hashed
from treadle.transform.functions._numbers import _category, _checked


def vocabulary(
    x: Column,
    *,
    top_k: int | None = None,
    min_count: float = 1,
    num_oov_buckets: int = 0,
    reserved: Sequence[str] | Sequence[int] = (),
    weights: Column | None = None,
    label: Column | None = None,
    adjusted: bool = False,
    min_diff: float = 0.0,
    key: Column | None = None,
    top_k_per_key: int | None = None,
    min_count_per_key: float | None = None,
) -> Column:
    """The id of a value in the vocabulary of the training data: 0 for the most frequent, ties by value.

    A value that is not in the vocabulary has an id after the last with ``num_oov_buckets`` (the one, or one of several
    by a hash of the value), and -1 with 0. A missing value is not in the vocabulary, and has the first of these ids;
    ``fill_missing`` first to keep it apart.

    Args:
        x: A column of integers or text.
        top_k: Keep the first only.
        min_count: Leave rarer values out; with ``weights``, those of a smaller sum.
        num_oov_buckets: How many ids there are for other values.
        reserved: Values that come first, in this order, whether or not the data has them; not counted by ``top_k``.
        weights: Count a row as this much; missing and below 0 is nothing.
        label: Rank by how much a value says about this column: mutual information of "the row has the value" with the
            label, in bits times rows. Rows without a label are left out.
        adjusted: Less what values of this frequency and labels would share by chance (their expected mutual
            information): rare values then rank lower.
        min_diff: Of a value and a label, ignore what is closer than this to what chance would give.
        key: Beside the first ``top_k``, keep those of every value of this column, as of every language: its first
            ``top_k_per_key``, of those that it has ``min_count_per_key`` times at least.
        top_k_per_key: See ``key``; all by default.
        min_count_per_key: See ``key``; 1 by default.
    """
    column = _category(x)
    for name, count in (("top_k", top_k), ("top_k_per_key", top_k_per_key)):
        if count is not None:
            _check_count(name, count, 1)
    _check_count("num_oov_buckets", num_oov_buckets, 0)
    _check_least("min_count", min_count)
    if min_count_per_key is not None:
        _check_least("min_count_per_key", min_count_per_key)
    if (key is None) != (top_k_per_key is None and min_count_per_key is None):
        raise TransformError("key goes together with top_k_per_key or min_count_per_key.", where=user_line())
    if adjusted and label is None:
        raise TransformError("adjusted is about the information on a label.", where=user_line(), hint="Give label=.")
    first = _checked(x, reserved) if len(reserved) else ()
    also = _beside(weights, label, key)
    analyzer: Analyzer = TokensOf(top_k, int(min_count))
    if also or first or min_count != int(min_count):
        analyzer = RankedTokensOf(
            top_k,
            min_count,
            first,
            weights is not None,
            label is not None,
            float(min_diff),
            top_k_per_key,
            adjusted,
            min_count_per_key,
        )
    tokens = Analysis(analyzer, "tokens", n.Kind.TOKENS, column, also)
    return _ids(column, tokens, num_oov_buckets)


def lookup(
    x: Column,
    values: Sequence[str] | Sequence[int] | None = None,
    *,
    file: str | os.PathLike[str] | None = None,
    num_oov_buckets: int = 0,
) -> Column:
    """The position of a value in a list that is given; other values as in ``vocabulary``.

    Args:
        x: A column of integers or text.
        values: The list.
        file: Or a UTF-8 text file of it, a value a line, read when ``preprocess`` is traced.
        num_oov_buckets: As in ``vocabulary``.
    """
    column = _category(x)
    _check_count("num_oov_buckets", num_oov_buckets, 0)
    if (values is None) == (file is None):
        raise TransformError("lookup takes either values or a file.", where=user_line())
    found = _read(x, Path(file)) if file is not None else values
    assert found is not None
    return _ids(column, n.Tokens(_checked(x, found)), num_oov_buckets)


def _ids(column: n.Node, tokens: n.Node, num_oov_buckets: int) -> Column:
    if num_oov_buckets < 2:
        return Column(n.Lookup(column, tokens, has_oov=bool(num_oov_buckets)))
    known = n.Lookup(column, tokens, has_oov=False)
    return Column(t.UnknownBucket(num_oov_buckets, known, hashed(column, ""), tokens))


def _beside(weights: Column | None, label: Column | None, key: Column | None) -> tuple[n.Node, ...]:
    beside: list[n.Node] = [] if weights is None else [number(weights)]
    if label is not None:
        categorical = isinstance(label, Column) and label.node.kind in (n.Kind.KEY, n.Kind.TEXT)
        beside.append(_category(label) if categorical else number(label))
    return (*beside, *(() if key is None else (_category(key),)))


def _read(x: Column, file: Path) -> list[str] | list[int]:
    where = {**user_line(), "file": str(file)}
    try:
        lines = file.read_bytes().decode().splitlines()
    except OSError as error:
        raise TransformError(f"The vocabulary cannot be read: {error.strerror}.", where=where) from error
    except UnicodeDecodeError as error:
        raise TransformError(
            f"The vocabulary is not UTF-8: {error.reason} at byte {error.start}.", where=where
        ) from error
    if x.node.kind == n.Kind.TEXT:
        return lines
    try:
        return [int(line) for line in lines]
    except ValueError as error:
        raise TransformError(f"The vocabulary is of integers: {error}.", where=where) from error


def _check_least(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise TransformError(f"{name} must be a number above 0, not {value!r}.", where=user_line())


def _check_count(name: str, value: object, least: int) -> None:
    if type(value) is not int or value < least:
        raise TransformError(f"{name} must be a whole number of at least {least}, not {value!r}.", where=user_line())
