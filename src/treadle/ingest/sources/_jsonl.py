"""JSON Lines: one object a line; a field that is not there is null, like one that is null.

Whole numbers beyond 64 bits stay text, digit by digit. Text in which every value is a moment becomes moments, unless
the schema declares it text. Arrow's reader is tried first; where it refuses or would round, the piece is read object
by object, which is slower, knows the row, and can leave rows out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pa_json

from treadle.errors import ColumnTypeError, DataError, EmptyFileError
from treadle.ingest.sources._chunks import text_chunks
from treadle.ingest.sources._json_rows import array_lines, may_be_deep, parse_lines, rows_to_table
from treadle.ingest.sources._pieces import Pieces
from treadle.ingest.sources._promise import Opened, Reading, Refused
from treadle.schema import Feature, type_word

SUFFIXES = (".jsonl", ".ndjson", ".json")
SCHEMES = ()


def is_format(head: bytes) -> bool:
    """Whether the first character begins an object."""
    return head.lstrip(b"\xef\xbb\xbf \r\n").startswith(b'{"')


def open_source(path: Path, reading: Reading) -> Opened:
    """The rows of a JSON Lines file, or of a ``.json`` file that is one array of objects.

    Options: ``encoding``.
    """
    reading.only(path, "encoding")
    return JsonLinesSource(path, reading)


class JsonLinesSource:
    """The rows of one file. Made by :func:`open_source`."""

    def __init__(self, path: Path, reading: Reading) -> None:
        self.path = path
        self._reading = reading
        self._text = _text_features(reading)
        self.schema = pa.schema([])
        self._pieces = Pieces(self._chunks, self._piece)
        for table in self._pieces.learn():
            self.schema = _join(self.schema, table.schema, path)
        self.num_rows = self._pieces.num_rows
        self.refused = self._pieces.refused
        if not self.num_rows and not self.refused:
            raise EmptyFileError("The file holds no object.", where={"file": path})

    def batches(
        self,
        columns: list[str],
        batch_rows: int,
        *,
        dictionary: bool = False,  # noqa: ARG002
    ) -> Iterator[pa.RecordBatch]:
        """The rows in order."""
        for table in self._pieces.tables():
            yield from table.select(columns).to_batches(batch_rows)

    def _chunks(self) -> Iterator[bytes]:
        chunks = text_chunks(self.path, self._reading)
        for number, chunk in enumerate(chunks):
            if number == 0 and chunk.lstrip()[:1] == b"[":
                yield array_lines(chunk + b"".join(chunks), self.path)
                return
            if chunk.strip():
                yield chunk

    def _piece(self, chunk: bytes, seen: int, known: bool) -> tuple[pa.Table, list[Refused]]:
        return self._read(chunk, seen, self.schema if known else None)

    def _read(self, chunk: bytes, seen: int, schema: pa.Schema | None) -> tuple[pa.Table, list[Refused]]:
        """The rows of a piece; with a schema, its columns and types."""
        table = None if self._reading.lenient else self._fast(chunk)
        refused: list[Refused] = []
        if table is None:
            rows, refused = parse_lines(chunk, self.path, seen, lenient=self._reading.lenient)
            table, wrong = rows_to_table(rows, self.path, self._reading, self._text)
            refused = sorted(refused + wrong, key=lambda fault: fault.row)
        columns = {
            name: table.column(name) if name in self._text else _moments(table.column(name))
            for name in table.column_names
        }
        if schema is not None:
            columns = {
                field.name: _as(columns[field.name], table.column(field.name), field.type)
                if field.name in columns
                else pa.nulls(table.num_rows, field.type)
                for field in schema
            }
        if not columns:  # objects without a field are rows all the same
            columns = {"__rows__": pa.chunked_array([pa.nulls(table.num_rows)])}
        return pa.table(columns), refused

    def _fast(self, chunk: bytes) -> pa.Table | None:
        """The piece as Arrow reads it; nothing if it refuses, would round a number, or might overflow its stack."""
        if may_be_deep(chunk):
            return None
        try:
            chunk.decode("utf-8")
            told: dict[str, pa.DataType] = dict.fromkeys(self._text, pa.string())
            table = _arrow_read(chunk, told)
            inside = self._text_inside(table.schema)
            if inside:
                table = _arrow_read(chunk, told | inside)
            table.validate()  # lists of nulls inside of lists come out broken
        except (pa.ArrowInvalid, UnicodeDecodeError):
            return None
        absent = [name for name in self._text if table.column(name).null_count == table.num_rows]
        if absent:  # Arrow adds a column for every name it is told
            table = table.drop_columns([name for name in absent if f'"{name}"'.encode() not in chunk])
        return None if any(_rounded(table.column(name)) for name in table.column_names) else table

    def _text_inside(self, found: pa.Schema) -> dict[str, pa.DataType]:
        """Columns with moments inside where the schema declares text, and what to ask Arrow for."""
        features = self._reading.schema.features if self._reading.schema else {}
        nested = (field for field in found if pa.types.is_nested(field.type) and field.name in features)
        types = {field.name: _as_text(field.type, features[field.name]) for field in nested}
        return {name: kind for name, kind in types.items() if kind is not None}


def _arrow_read(chunk: bytes, told: Mapping[str, pa.DataType]) -> pa.Table:
    """The rows as Arrow reads them, with these types for these columns.

    Raises:
        pyarrow.ArrowInvalid: They are not objects a line, or hold something else.
    """
    return pa_json.read_json(
        pa.BufferReader(chunk),
        read_options=pa_json.ReadOptions(block_size=max(4 << 20, _longest_line(chunk) + 1)),
        parse_options=pa_json.ParseOptions(explicit_schema=pa.schema(told.items()) if told else None),
    )


def _as_text(found: pa.DataType, feature: Feature) -> pa.DataType | None:
    """The part of a type that holds moments and is declared text; nothing if there is none."""
    if pa.types.is_list(found):
        items = _as_text(found.value_type, feature)
        return None if items is None else pa.list_(items)
    if pa.types.is_struct(found):
        fields = [
            (field.name, _as_text(field.type, feature.fields[field.name]))
            for field in found
            if field.name in feature.fields
        ]
        texts = [(name, kind) for name, kind in fields if kind is not None]
        return pa.struct(texts) if texts else None
    return pa.string() if pa.types.is_timestamp(found) and feature.type == "string" else None


def _longest_line(chunk: bytes) -> int:
    return max(map(len, chunk.split(b"\n")))


def _text_features(reading: Reading) -> list[str]:
    features = reading.schema.features.values() if reading.schema else ()
    return [feature.name for feature in features if feature.type == "string" and not feature.list]


def _rounded(column: pa.ChunkedArray) -> bool:
    """Whether the column, or a number inside it, may hold a whole number that Arrow made a double."""
    if pa.types.is_nested(column.type):
        return any(
            _rounded(pa.chunked_array([part]))
            for chunk in column.chunks
            for part in (chunk.flatten() if pa.types.is_struct(column.type) else [chunk.flatten()])
        )
    if not pa.types.is_floating(column.type):
        return False
    bounds = pc.min_max(column).as_py()
    return bounds["max"] is not None and max(abs(bounds["min"]), abs(bounds["max"])) >= 2.0**63


def _moments(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text as moments where every value is one."""
    if not pa.types.is_string(column.type) or column.null_count == len(column):
        return column
    first = column.drop_null()[0].as_py()
    if len(first) < 10 or not first[:4].isdigit() or first[4] != "-":
        return column
    for kind in (pa.timestamp("us"), pa.timestamp("us", "UTC")):
        try:
            return pc.cast(column, kind)
        except pa.ArrowInvalid:
            continue
    return column


def _as(column: pa.ChunkedArray, written: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if column.type == kind:
        return column
    if pa.types.is_string(kind) and pa.types.is_string(written.type):
        return written
    return pc.cast(column, kind)


def _join(left: pa.Schema, right: pa.Schema, path: Path) -> pa.Schema:
    """Names and types that hold both pieces."""
    kinds = {field.name: field.type for field in left}
    for field in right:
        before = kinds.get(field.name, pa.null())
        try:
            kinds[field.name] = _joined(before, field.type)
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise mixed(path, field.name, before, field.type) from error
    return pa.schema(list(kinds.items()))


def _joined(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    if {left, right} <= {pa.int64(), pa.float64()}:
        return left if left == right else pa.float64()
    if pa.types.is_timestamp(left) and pa.types.is_string(right):
        return right
    if pa.types.is_string(left) and pa.types.is_timestamp(right):
        return left
    if pa.types.is_timestamp(left) and pa.types.is_timestamp(right):
        return left if (left.tz is None) == (right.tz is None) else pa.string()
    schemas = [pa.schema([("x", kind)]) for kind in (left, right)]
    return pa.unify_schemas(schemas, promote_options="permissive").field("x").type


def mixed(path: Path, name: str, left: pa.DataType, right: pa.DataType) -> DataError:
    """The error for a column whose values are of two types."""
    return ColumnTypeError(
        f"The column holds {type_word(left)} and {type_word(right)}.",
        where={"file": path, "column": name},
        hint="Write one type throughout, or let such rows be set aside (quarantine).",
    )
