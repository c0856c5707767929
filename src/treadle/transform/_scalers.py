"""What ``preprocess`` can do that needs a full pass over the training data first."""

from __future__ import annotations

from treadle.errors import NoLoweringError, TransformError
from treadle.graph import nodes as n
from treadle.transform._analyzers import Analysis, TokensOf
from treadle.transform._column import Column
from treadle.transform._functions import _category
from treadle.transform._location import user_line


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


def _check_count(name: str, value: object, least: int) -> None:
    if type(value) is not int or value < least:
        raise TransformError(f"{name} must be a whole number of at least {least}, not {value!r}.", where=user_line())
