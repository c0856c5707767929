"""CSV files: an unquoted empty field is null, a quoted one is the empty string; types from all rows, or declared.

A word such as ``NA`` is null where all else in the column is a number, a moment or a truth value. In a column of
text it is text: it may be the name of something. Whole numbers that do not fit into 64 bits stay text, digit by digit.

A file is read in pieces. One that fits into a piece is kept; a longer one is read twice, once for its types and
once for its rows, so that memory does not grow with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

import pyarrow as pa

from treadle.errors import DataError, EmptyFileError
from treadle.ingest.sources._chunks import text_chunks
from treadle.ingest.sources._csv_dialect import dialect_of, header_of
from treadle.ingest.sources._csv_kinds import as_kind, final_kind, infer_kind, join_kinds
from treadle.ingest.sources._csv_lenient import parse_leniently
from treadle.ingest.sources._csv_read import read_block
from treadle.ingest.sources._pieces import Pieces
from treadle.ingest.sources._promise import Opened, Reading, Refused

SUFFIXES = (".csv", ".tsv")
SCHEMES = ()

_TEXT = {"string": pa.string(), "bytes": pa.binary()}


def is_format(head: bytes) -> bool:  # noqa: ARG001
    """Nothing about text says that it is CSV."""
    return False


def open_source(path: Path, reading: Reading) -> Opened:
    """The rows of a CSV (or, by its name, TSV) file.

    Options: ``delimiter`` (by default what the header uses: a comma, semicolon, tab or bar), ``quote``, ``escape``,
    ``encoding``, ``decimal`` (the decimal point) and ``names`` (of the columns, where the file has no header).

    Raises:
        DataError: The case that fits: empty, ragged, not UTF-8, a value that is not of its declared type.
    """
    reading.only(path, "delimiter", "quote", "escape", "encoding", "decimal", "names")
    return CsvSource(path, reading)


class CsvSource:
    """The rows of one file. Made by :func:`open_source`."""

    def __init__(self, path: Path, reading: Reading) -> None:
        self.path = path
        self._reading = reading
        chunks = self._chunks()
        first = next(chunks, b"")
        if not first.strip():
            raise EmptyFileError(
                "The file is empty.", where={"file": path}, hint="A CSV file begins with a row of column names."
            )
        self._begun: Iterator[bytes] | None = chain([first], chunks)
        self._dialect = dialect_of(path, first, reading)
        self._names, self._skip = header_of(path, first, self._dialect, reading.option("names", None))
        _refuse_repeated(self._names, path)
        self._known = _declared(reading, self._names)
        self._worded: set[str] = set()
        kinds: dict[str, pa.DataType] = {}
        self._pieces = Pieces(self._body, self._piece)
        for table in self._pieces.learn():
            for field in table.schema:
                kinds[field.name] = join_kinds(kinds.get(field.name, pa.null()), field.type)
        self.num_rows = self._pieces.num_rows
        self.refused = self._pieces.refused
        self.schema = pa.schema([(name, final_kind(kinds[name])) for name in self._names])

    def batches(
        self,
        columns: list[str],
        batch_rows: int,
        *,
        dictionary: bool = False,  # noqa: ARG002
    ) -> Iterator[pa.RecordBatch]:
        """The rows in order."""
        kinds = [self.schema.field(name) for name in columns]
        for table in self._pieces.tables():
            arrays = [as_kind(table.column(field.name), field.type) for field in kinds]
            yield from pa.table(arrays, names=columns).cast(pa.schema(kinds)).to_batches(batch_rows)

    def _chunks(self) -> Iterator[bytes]:
        return text_chunks(self.path, self._reading, quote=self._reading.option("quote", '"') or None)

    def _body(self) -> Iterator[bytes]:
        """The pieces without the header."""
        chunks, self._begun = self._begun or self._chunks(), None
        for number, chunk in enumerate(chunks):
            yield chunk[self._skip :] if number == 0 else chunk

    def _piece(self, chunk: bytes, seen: int, known: bool) -> tuple[pa.Table, list[Refused]]:
        """The rows of a piece; every column in the simplest kind that holds them, or as the schema says by now."""
        if self._reading.lenient and self._reading.schema is not None:
            return parse_leniently(chunk, self._names, self._dialect, self._reading.schema, seen)
        if known:
            # what is a number only after its words for "missing" are gone is read as text first
            text = {name: pa.string() for name in self._worded}
            return self._read(chunk, dict(zip(self.schema.names, self.schema.types, strict=True)) | text, seen), []
        table = self._read(chunk, self._known, seen)
        for place, name in enumerate(self._names):
            if name not in self._known:
                read = table.column(place).type
                as_text = partial(self._as_text, chunk, name, seen)
                column = infer_kind(table.column(place), as_text)
                table = table.set_column(place, name, column)
                if column.type != read:
                    self._worded.add(name)
        return table, []

    def _read(self, chunk: bytes, types: dict[str, pa.DataType], seen: int) -> pa.Table:
        return read_block(chunk, self._names, self._dialect, types, path=self.path, seen=seen)

    def _as_text(self, chunk: bytes, name: str, seen: int) -> pa.ChunkedArray:
        return self._read(chunk, {name: pa.string()}, seen).column(name)


def _declared(reading: Reading, names: Sequence[str]) -> dict[str, pa.DataType]:
    features = reading.schema.features.values() if reading.schema else ()
    return {
        feature.name: _TEXT[feature.type] for feature in features if feature.type in _TEXT and feature.name in names
    }


def _refuse_repeated(names: Sequence[str], path: Path) -> None:
    repeated = sorted({name for name in names if list(names).count(name) > 1})
    if repeated:
        raise DataError(
            f"The column name {repeated[0]!r} stands more than once.", where={"file": path, "column": repeated[0]}
        )
