"""CSV files: an unquoted empty field is null, a quoted one is the empty string; types from all rows, or declared.

A word such as ``NA`` is null where all else in the column is a number, a moment or a truth value. In a column of
text it is text: it may be the name of something.

The fast reader is tried first; when it refuses, the file is read again on one thread only to say in which row.
"""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from treadle.errors import (
    ColumnTypeError,
    CorruptFileError,
    DataError,
    EmptyFileError,
    RaggedRowError,
    TextEncodingError,
)
from treadle.schema import type_word

_RAGGED = re.compile(r"CSV parse error: (?:Row #(?P<row>\d+): )?Expected (?P<want>\d+) columns, got (?P<got>\d+)")
_VALUE = re.compile(r"In CSV column #(?P<column>\d+): (?:Row #(?P<row>\d+): )?CSV conversion error to (?P<rest>.*)")

_MISSING = pa.array(["NA", "N/A", "n/a", "NULL", "null", "None", "none", "#N/A"])
_NONE = pa.scalar(None, pa.string())


def read_csv(path: Path, types: dict[str, pa.DataType] | None = None) -> pa.Table:
    """The rows of a CSV (or, by its name, TSV) file.

    Args:
        path: The file; ``.gz``, ``.bz2`` and ``.zst`` are unpacked on the way.
        types: Types of columns that are known; the others are inferred from all their values.

    Raises:
        DataError: The case that fits: empty, ragged, not UTF-8, a value that is not of its declared type.
    """
    header = _header(path)
    _refuse_repeated(header, path)
    known = {name: kind for name, kind in (types or {}).items() if name in header}
    table = _read(path, known, single=len(header) == 1, use_threads=True)
    for name, kind in zip(table.column_names, table.schema.types, strict=True):
        if kind == pa.binary() and name not in known:
            # Inference falls back to bytes only where text is not UTF-8: read it as text to learn the row.
            _read(path, {**known, name: pa.string()}, single=len(header) == 1, use_threads=False)
        if kind == pa.string() and name not in known:
            place = table.column_names.index(name)
            table = table.set_column(place, name, _without_words(table.column(place)))
    return table


def _without_words(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column with the words for a missing value as nulls, if all other values are of one simpler type."""
    encoded = column.dictionary_encode()
    for kind in (pa.int64(), pa.float64(), pa.timestamp("us"), pa.bool_()):
        try:
            chunks = [
                pc.cast(pc.if_else(pc.is_in(chunk.dictionary, _MISSING), _NONE, chunk.dictionary), kind).take(
                    chunk.indices
                )
                for chunk in encoded.chunks
            ]
        except pa.ArrowInvalid:
            continue
        if sum(chunk.null_count for chunk in chunks) < len(column):
            return pa.chunked_array(chunks, kind)
    return column


def _header(path: Path) -> list[str]:
    try:
        with pa.input_stream(str(path), compression="detect") as stream:
            head = bytearray()
            while b"\n" not in head and (block := stream.read(65536)):
                head += block
    except (pa.ArrowInvalid, OSError) as error:
        raise CorruptFileError(f"The file cannot be unpacked: {_first_line(error)}.", where={"file": path}) from error
    if not head.strip():
        raise EmptyFileError(
            "The file is empty.", where={"file": path}, hint="A CSV file begins with a row of column names."
        )
    line = bytes(head).split(b"\n", 1)[0]
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _not_utf8(path, 1, None) from error
    table = _read_block(line + b"\n", path)
    return list(table.column_names)


def _read_block(line: bytes, path: Path) -> pa.Table:
    try:
        return pa_csv.read_csv(pa.BufferReader(line), parse_options=_parse_options(path, single=False))
    except pa.ArrowInvalid:
        # A quoted column name with a line break: rare enough to pay for a full read.
        return _read(path, {}, single=False, use_threads=False).slice(0, 0)


def _parse_options(path: Path, *, single: bool) -> pa_csv.ParseOptions:
    names = [suffix.lower() for suffix in path.suffixes[-2:]]
    return pa_csv.ParseOptions(
        delimiter="\t" if ".tsv" in names else ",",
        newlines_in_values=True,
        # In a file of one column an empty line is a row without a value; skipping it would lose the row.
        ignore_empty_lines=not single,
    )


def _read(path: Path, types: dict[str, pa.DataType], *, single: bool, use_threads: bool) -> pa.Table:
    try:
        return pa_csv.read_csv(
            str(path),
            read_options=pa_csv.ReadOptions(use_threads=use_threads, block_size=4 << 20),
            parse_options=_parse_options(path, single=single),
            convert_options=pa_csv.ConvertOptions(
                column_types=types,
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        if use_threads:
            _read(path, types, single=single, use_threads=False)
        raise _explain(error, path, types) from error
    except OSError as error:
        raise CorruptFileError(f"The file cannot be read: {_first_line(error)}.", where={"file": path}) from error


def _explain(error: pa.ArrowInvalid, path: Path, types: dict[str, pa.DataType]) -> DataError:
    text = str(error)
    if match := _RAGGED.search(text):
        return RaggedRowError(
            f"A row has {match['got']} fields where the header has {match['want']}.",
            where={"file": path, "row": match["row"]},
            hint="Quote fields that hold commas or line breaks, and check that the file is not cut off.",
        )
    if match := _VALUE.search(text):
        names = _header(path)
        column = names[int(match["column"])]
        if "invalid UTF8" in match["rest"]:
            return _not_utf8(path, int(match["row"] or 0) or None, column)
        value = re.search(r"invalid value '(.*)'", match["rest"])
        declared = type_word(types[column]) if column in types else "one type"
        return ColumnTypeError(
            f"The value {value[1]!r} is not of type {declared}." if value else f"{match['rest']}.",
            where={"file": path, "row": match["row"], "column": column},
            hint="Mend the value, or change the feature's type in the schema.",
        )
    return CorruptFileError(f"The file is not CSV: {_first_line(error)}.", where={"file": path})


def _not_utf8(path: Path, row: int | None, column: str | None) -> TextEncodingError:
    return TextEncodingError(
        "The text is not UTF-8.",
        where={"file": path, "row": row, "column": column},
        hint="Convert it, for example: iconv -f LATIN1 -t UTF-8 FILE > FILE.utf8.",
    )


def _refuse_repeated(names: list[str], path: Path) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DataError(
            f"The column name {repeated[0]!r} stands more than once.", where={"file": path, "column": repeated[0]}
        )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
