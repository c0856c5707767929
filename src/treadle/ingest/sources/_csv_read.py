"""One piece of CSV text as a table, or the error that says in which row it stops being one.

The fast reader is tried first; when it refuses, the piece is read again on one thread only to say where.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv

from treadle.errors import ColumnTypeError, CorruptFileError, DataError, RaggedRowError
from treadle.ingest.sources._csv_dialect import Dialect, not_utf8
from treadle.schema import type_word

_BLOCK = 4 << 20
_RAGGED = re.compile(r"CSV parse error: (?:Row #(?P<row>\d+): )?Expected (?P<want>\d+) columns, got (?P<got>\d+)")
_VALUE = re.compile(r"In CSV column #(?P<column>\d+): (?:Row #(?P<row>\d+): )?CSV conversion error to (?P<rest>.*)")


def read_block(
    block: bytes,
    names: Sequence[str],
    dialect: Dialect,
    types: dict[str, pa.DataType],
    *,
    path: Path,
    seen: int,
) -> pa.Table:
    """The rows of a piece without header.

    Args:
        block: Whole rows.
        names: The columns' names.
        dialect: How rows are written.
        types: Types of columns that are known; the others are inferred from all values of the piece.
        path: The file, for errors.
        seen: How many rows came before, for errors.

    Raises:
        DataError: The case that fits.
    """
    if not block.strip(b"\r\n") and (len(names) > 1 or not block):
        return pa.table([pa.array([], types.get(name, pa.null())) for name in names], names=list(names))
    try:
        table = parse(block, names, dialect, types, use_threads=True)
    except pa.ArrowInvalid as error:
        raise _located(error, block, names, dialect, types, path=path, seen=seen) from error
    for name, kind in zip(table.column_names, table.schema.types, strict=True):
        if kind == pa.binary() and name not in types:
            # Inference falls back to bytes only where text is not UTF-8: read it as text to learn the row.
            types = {**types, name: pa.string()}
            raise _located(pa.ArrowInvalid("not UTF-8"), block, names, dialect, types, path=path, seen=seen)
    return table


def parse(
    block: bytes,
    names: Sequence[str],
    dialect: Dialect,
    types: dict[str, pa.DataType],
    *,
    use_threads: bool,
    handler: Callable[[Any], str] | None = None,
) -> pa.Table:
    """Arrow's own reader on a piece of text; ``handler`` is called for every row of a wrong length."""
    options = dialect.parse_options(single=len(names) == 1)
    if handler is not None:
        options.invalid_row_handler = handler
    convert = pa_csv.ConvertOptions(
        column_types=types,
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        decimal_point=dialect.decimal,
    )

    def read(size: int) -> pa.Table:
        settings = pa_csv.ReadOptions(use_threads=use_threads, block_size=size, column_names=list(names))
        return pa_csv.read_csv(
            pa.BufferReader(block), read_options=settings, parse_options=options, convert_options=convert
        )

    try:
        return read(_BLOCK)
    except pa.ArrowInvalid as error:
        if "straddling" not in str(error):
            raise
        return read(len(block) + 1)  # one row is longer than a block


def _located(
    error: pa.ArrowInvalid,
    block: bytes,
    names: Sequence[str],
    dialect: Dialect,
    types: dict[str, pa.DataType],
    *,
    path: Path,
    seen: int,
) -> DataError:
    try:
        parse(block, names, dialect, types, use_threads=False)
    except pa.ArrowInvalid as located:
        error = located
    return _explain(str(error), names, types, path, seen)


def _explain(text: str, names: Sequence[str], types: dict[str, pa.DataType], path: Path, seen: int) -> DataError:
    def row(found: re.Match[str]) -> int | None:
        # one for the header, which people count
        return int(found["row"]) + seen + 1 if found["row"] else None

    if match := _RAGGED.search(text):
        return RaggedRowError(
            f"A row has {match['got']} fields where the header has {match['want']}.",
            where={"file": path, "row": row(match)},
            hint="Quote fields that hold commas or line breaks, and check that the file is not cut off.",
        )
    if match := _VALUE.search(text):
        column = names[int(match["column"])]
        if "invalid UTF8" in match["rest"]:
            return not_utf8(path, row(match), column)
        value = re.search(r"invalid value '(.*)'", match["rest"])
        declared = type_word(types[column]) if column in types else "one type"
        return ColumnTypeError(
            f"The value {value[1]!r} is not of type {declared}." if value else f"{match['rest']}.",
            where={"file": path, "row": row(match), "column": column},
            hint="Mend the value, or change the feature's type in the schema.",
        )
    return CorruptFileError(f"The file is not CSV: {text.splitlines()[0].rstrip('.')}.", where={"file": path})
