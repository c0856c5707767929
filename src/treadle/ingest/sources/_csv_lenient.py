"""A piece of CSV text row by row in effect: rows that are no rows, or hold values of another type, are set aside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from treadle.ingest.sources._csv_dialect import Dialect
from treadle.ingest.sources._csv_kinds import WORDS
from treadle.ingest.sources._csv_read import parse
from treadle.ingest.sources._faulty import cast_values
from treadle.ingest.sources._promise import Refused, shown
from treadle.schema import Schema

_NONE = pa.scalar(None, pa.string())


def parse_leniently(
    block: bytes, names: Sequence[str], dialect: Dialect, schema: Schema, seen: int
) -> tuple[pa.Table, list[Refused]]:
    """The rows that can be read as the schema says, and those that cannot.

    A column that the schema does not know stays text.
    """
    targets = dict(zip(schema.features, schema.arrow_schema().types, strict=True))
    if not block.strip(b"\r\n") and (len(names) > 1 or not block):
        return pa.table([pa.nulls(0, targets.get(name, pa.string())) for name in names], names=list(names)), []
    ragged: dict[int, Any] = {}  # by number: a second attempt sees the same rows again

    def set_aside(row: Any) -> str:
        ragged[row.number] = row
        return "skip"

    types = {name: pa.binary() for name in names}
    table = parse(block, names, dialect, types, use_threads=False, handler=set_aside)
    # the numbers of the rows that were read: all but those of the ragged ones, counted from 1
    skipped = np.array([row.number for row in ragged.values()], dtype=np.int64)
    numbers = np.setdiff1d(np.arange(1, table.num_rows + len(ragged) + 1), skipped) + seen
    refused = [
        Refused(
            row.number + seen + 1,
            "ragged",
            None,
            shown(row.text or f"{row.actual_columns} fields instead of {row.expected_columns}"),
        )
        for row in ragged.values()
    ]
    bad = np.zeros(table.num_rows, dtype=bool)
    columns = []
    for name in names:
        column, wrong, reasons = _column(table.column(name), targets.get(name, pa.string()), dialect.decimal)
        columns.append(column)
        for index in np.flatnonzero(wrong & ~bad):
            value = table.column(name)[int(index)].as_py()
            refused.append(Refused(int(numbers[index]) + 1, reasons[int(index)], name, shown(value)))
        bad |= wrong
    refused.sort(key=lambda fault: fault.row)
    return pa.table(columns, names=list(names)).filter(pa.array(~bad)), refused


def _column(
    column: pa.ChunkedArray, kind: pa.DataType, decimal: str
) -> tuple[pa.Array, np.ndarray[Any, Any], dict[int, str]]:
    """Values of the type, which rows hold none, and why."""
    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.chunk(0) if encoded.num_chunks else pa.array([], pa.binary()).dictionary_encode()
    if pa.types.is_binary(kind):
        return encoded.dictionary.take(encoded.indices), np.zeros(len(column), dtype=bool), {}
    text, garbled = cast_values(encoded.dictionary, pa.string())
    values, wrong = text, np.zeros(len(text), dtype=bool)
    if not pa.types.is_string(kind):
        text = pc.if_else(pc.is_in(text, WORDS), _NONE, pc.utf8_trim_whitespace(text))
        if decimal != "." and pa.types.is_floating(kind):
            text = pc.replace_substring(text, decimal, ".")
        values, wrong = cast_values(text, kind)
    indices = encoded.indices
    fault = np.append(garbled | wrong, False)
    places = indices.fill_null(len(fault) - 1).to_numpy(zero_copy_only=False)
    bad = fault[places]
    reasons = {int(index): "not-utf8" if garbled[places[index]] else "wrong-type" for index in np.flatnonzero(bad)}
    return values.take(indices), bad, reasons
