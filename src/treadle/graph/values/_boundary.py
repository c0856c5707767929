"""The value convention: how a raw value becomes a tensor, the same in bulk and online.

Every feature is one ``[N, 1]`` tensor. What a missing value is depends on the tensor alone:

======================  ==============  ======================================================
feature type            tensor          missing
======================  ==============  ======================================================
float, bool             ``float64``     NaN (a null and a NaN are one and the same)
int, used as a number   ``float64``     NaN; magnitudes from 2**53 up are an error
int, used as a key      ``int64``       ``MISSING_INT`` (the smallest int64, numpy's NaT)
timestamp               ``int64``       ``MISSING_INT``; else microseconds since 1970, local time
string, bytes           ``string``      ``MISSING_TEXT`` (the noncharacter U+10FFFF); ``""`` is text
======================  ==============  ======================================================

A feature of lists is fed as its items, each by this table, and padded to ``[N, size]`` with what is missing; a list
that is missing is padded as an empty one, and only its length is missing.

Text is parsed into times here and nowhere else; the graph never parses. A value that the convention cannot
hold is an error that names the column and the row, never a silent change. ``docs/adr/0005`` has the reasons.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from treadle.errors import InputColumnError, InputValueError
from treadle.graph.values._python import MISSING_INT, MISSING_TEXT, encode_list
from treadle.graph.values._ragged import LIST, absent_lists, encode_lists

if TYPE_CHECKING:
    import pyarrow as pa

    from treadle.graph.values._python import Tensor
    from treadle.graph.values._ragged import Ragged

__all__ = ["MISSING_INT", "MISSING_TEXT", "InputSpec", "encode_columns", "encode_rows", "encode_table"]


@dataclass(frozen=True, slots=True)
class InputSpec:
    """One raw feature as the graph takes it."""

    name: str
    """The feature's name, which is also the name of the graph's input."""
    type: str
    """The schema's type: ``int float string bool bytes timestamp``."""
    tensor: str
    """``float64``, ``int64``, ``string`` or, of an image, ``bytes``; for an ``int`` feature the graph decides by how it
    is used. Of a list, the tensor of its items with ``[]`` behind."""
    required: bool = True
    """Whether the column or field must be there at all (its values may still be null)."""


def encode_table(specs: Iterable[InputSpec], table: pa.Table | pa.RecordBatch) -> dict[str, Tensor | Ragged]:
    """The feed of a graph for the rows of an Arrow table: ``{name: [N, 1]}``.

    Raises:
        InputColumnError: A required column is not there.
        InputValueError: A column's type or a value does not fit the feature's type.
    """
    from treadle.graph.values._arrow import encode_array, encode_list_array

    names = set(table.schema.names)
    feed: dict[str, Tensor | Ragged] = {}
    for spec in specs:
        if spec.name in names:
            encode = encode_list_array if spec.tensor.endswith(LIST) else encode_array
            feed[spec.name] = encode(spec.name, spec.type, spec.tensor, table.column(spec.name))
        else:
            feed[spec.name] = _absent(spec, table.num_rows)
    return feed


def encode_columns(specs: Iterable[InputSpec], columns: Mapping[str, Sequence[object]]) -> dict[str, Tensor | Ragged]:
    """The feed of a graph for columns of plain Python values, as JSON gives them: ``{name: [N, 1]}``.

    ``None`` is missing. Timestamps are ISO 8601 text without a zone, or naive ``datetime`` objects.

    Raises:
        InputColumnError: A required column is not there.
        InputValueError: A value does not fit the feature's type, or the columns differ in length.
    """
    num_rows = _common_length(columns)
    feed: dict[str, Tensor | Ragged] = {}
    for spec in specs:
        values = columns.get(spec.name)
        if values is None:
            feed[spec.name] = _absent(spec, num_rows)
        else:
            feed[spec.name] = _encoded(spec, values)
    return feed


def encode_rows(specs: Iterable[InputSpec], rows: Sequence[Mapping[str, object]]) -> dict[str, Tensor | Ragged]:
    """The feed of a graph for rows of plain Python values, as JSON gives them: ``{name: [N, 1]}``.

    Raises:
        InputColumnError: A row lacks a required field.
        InputValueError: A value does not fit the feature's type.
    """
    feed: dict[str, Tensor | Ragged] = {}
    for spec in specs:
        name = spec.name
        try:
            values = [row[name] for row in rows]
        except KeyError:
            if spec.required:
                row = next(index for index, row in enumerate(rows) if name not in row)
                raise InputColumnError.missing(name, row=row) from None
            values = [row.get(name) for row in rows]
        feed[name] = _encoded(spec, values)
    return feed


def _encoded(spec: InputSpec, values: Sequence[object]) -> Tensor | Ragged:
    if spec.tensor.endswith(LIST):
        return encode_lists(spec.name, spec.type, spec.tensor, values)
    return encode_list(spec.name, spec.type, spec.tensor, values)


def _common_length(columns: Mapping[str, Sequence[object]]) -> int:
    lengths = {len(values) for values in columns.values()}
    if len(lengths) > 1:
        sizes = ", ".join(f"{name}: {len(values)}" for name, values in columns.items())
        raise InputValueError(f"The columns differ in length ({sizes}).", hint="Give each column one value a row.")
    return lengths.pop() if lengths else 0


def _absent(spec: InputSpec, num_rows: int) -> Tensor | Ragged:
    if spec.required:
        raise InputColumnError.missing(spec.name)
    if spec.tensor.endswith(LIST):
        return absent_lists(spec.tensor, num_rows)
    if spec.tensor == "string":
        return np.full((num_rows, 1), MISSING_TEXT, dtype=object)
    if spec.tensor == "bytes":
        return np.full((num_rows, 1), None, dtype=object)
    if spec.tensor == "int64":
        return np.full((num_rows, 1), MISSING_INT, dtype=np.int64)
    return np.full((num_rows, 1), np.nan)
