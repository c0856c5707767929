"""Slices: the rows that share a value of a feature, or of several features at once (a cross).

A slice key is written ``feature=value`` or ``feature=value,other=value``; the overall slice is the empty key.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from treadle.errors import SliceError

OVERALL = ""


class Grouping(NamedTuple):
    """The rows of a table put into slices by one list of features."""

    keys: list[str]
    codes: NDArray[np.intp]


def group_rows(table: pa.Table, features: Sequence[str]) -> Grouping:
    """Number the rows of ``table`` by their values of ``features``; null and NaN are the slice ``feature=null``.

    Keys come in the order of the values, so the same rows give the same numbering.

    Raises:
        SliceError: A feature is not a column, or its values cannot be compared.
    """
    codes = np.zeros(table.num_rows, dtype=np.intp)
    names = [OVERALL]
    for feature in features:
        values, column_codes = _value_codes(table, feature)
        codes = codes * len(values) + column_codes
        names = [f"{name}{',' if name else ''}{feature}={value}" for name in names for value in values]
    used, codes = np.unique(codes, return_inverse=True)
    return Grouping([names[index] for index in used], codes.astype(np.intp))


def _value_codes(table: pa.Table, feature: str) -> tuple[list[str], NDArray[np.intp]]:
    if feature not in table.column_names:
        raise SliceError(
            f"There is no column {feature!r} to slice by",
            where={"slice": feature},
            hint=f"The columns are: {', '.join(table.column_names)}.",
        )
    column = table.column(feature).combine_chunks()
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column)
    try:
        encoded = pc.dictionary_encode(column)
        order = pc.sort_indices(encoded.dictionary).to_numpy()
    except pa.ArrowNotImplementedError as error:
        raise SliceError(
            f"Rows cannot be sliced by {feature!r}: {column.type} values have no order",
            where={"slice": feature},
            hint="Slice by a number, text, boolean or timestamp column.",
        ) from error
    rank = np.empty(len(order) + 1, dtype=np.intp)
    rank[order] = np.arange(len(order))
    rank[-1] = len(order)  # nulls come last
    indices = pc.fill_null(encoded.indices, len(order)).to_numpy(zero_copy_only=False)
    values = [_text(value) for value in encoded.dictionary.take(pa.array(order)).to_pylist()]
    return [*values, "null"], rank[indices]


def _text(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
