"""The simplest type that holds all values of a text column, found piece by piece."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

WORDS = pa.array(["NA", "N/A", "n/a", "NULL", "null", "None", "none", "#N/A"])
"""What stands for a missing value in a column whose other values are not text."""

# Two kinds that exist only while pieces are joined: whole numbers beyond 64 bits, and nothing but words for "missing".
_HUGE, _ONLY_WORDS = pa.large_string(), pa.string_view()
_SIMPLE = (pa.int64(), pa.float64(), pa.timestamp("us"), pa.timestamp("us", "UTC"), pa.bool_())
_NONE = pa.scalar(None, pa.string())
_CLOCK = {pa.date32(), pa.timestamp("s"), pa.timestamp("us"), pa.timestamp("ns")}


def infer_kind(column: pa.ChunkedArray, as_text: Callable[[], pa.ChunkedArray]) -> pa.ChunkedArray:
    """The column as Arrow read it, in the simplest type that loses nothing.

    Args:
        column: The values with the type that Arrow inferred.
        as_text: The same values as they are written.
    """
    if column.type == pa.float64() and _too_large(column):
        text = as_text()
        return text.cast(_HUGE) if _whole(text) else column
    return _without_words(column) if column.type == pa.string() else column


def join_kinds(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    """The kind that holds the values of two pieces."""
    if left == right or pa.types.is_null(right):
        return left
    if pa.types.is_null(left):
        return right
    if _ONLY_WORDS in (left, right):
        return right if left == _ONLY_WORDS else left
    kinds = {left, right}
    if kinds == {pa.int64(), pa.float64()} or kinds == {_HUGE, pa.float64()}:
        return pa.float64()
    if kinds == {_HUGE, pa.int64()}:
        return _HUGE
    if kinds <= _CLOCK:
        return pa.timestamp("ns") if pa.timestamp("ns") in kinds else pa.timestamp("us")
    return pa.string()


def final_kind(kind: pa.DataType) -> pa.DataType:
    """The type of a column once all pieces are joined."""
    return pa.string() if kind in (_HUGE, _ONLY_WORDS) else kind


def as_kind(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """A piece's column in the type that all pieces have."""
    if column.type == kind:
        return column
    if pa.types.is_string(column.type) and not pa.types.is_binary(kind):
        return _convert(column.dictionary_encode(), kind)
    return pc.cast(column, kind)


def _too_large(column: pa.ChunkedArray) -> bool:
    bounds = pc.min_max(column).as_py()
    return bounds["max"] is not None and max(abs(bounds["min"]), abs(bounds["max"])) >= 2.0**63


def _whole(text: pa.ChunkedArray) -> bool:
    """Whether every value is a whole number, digits alone."""
    words = pc.is_in(text, WORDS)
    return bool(pc.all(pc.or_(words, pc.match_substring_regex(text, r"^[ ]*[+-]?[0-9]+[ ]*$"))).as_py())


def _without_words(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column with the words for a missing value as nulls, if all other values are of one simpler type."""
    if not pc.any(pc.is_in(column, WORDS)).as_py():
        return column
    encoded = column.dictionary_encode()
    for kind in _SIMPLE:
        try:
            values = _convert(encoded, kind)
        except pa.ArrowInvalid:
            continue
        if values.null_count == len(column):
            return column.cast(_ONLY_WORDS)
        if kind == pa.float64() and _too_large(values) and _whole(column):
            return column.cast(_HUGE)
        return values
    return column


def _convert(encoded: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_null(kind):
        return pa.chunked_array([pa.nulls(len(encoded))])
    chunks = [
        pc.cast(pc.if_else(pc.is_in(chunk.dictionary, WORDS), _NONE, chunk.dictionary), kind).take(chunk.indices)
        for chunk in encoded.chunks
    ]
    return pa.chunked_array(chunks, kind)
