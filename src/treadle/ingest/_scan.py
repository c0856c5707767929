"""Data files as one table: checked, typed, read in batches of the columns that are asked for."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from treadle.errors import ColumnTypeError, DataError, MissingColumnError, UsageError
from treadle.ingest._partition import Piece, ScanPart, in_parts, pieces_of
from treadle.ingest._places import Located, PathLike, locate, named_as_given, open_located, reading_of
from treadle.ingest.sources import Opened, Reading, Refused
from treadle.schema import Schema, is_reserved, plain_type, to_feature, to_plain, type_word


class Scan:
    """One or more data files read as one table. Made by :func:`scan`.

    Batches come in the order of the files and of their rows, in the plain types (see :func:`plain_type`);
    columns whose name belongs to Treadle are left out. Reading twice gives the same batches.
    """

    def __init__(
        self,
        places: Sequence[Located],
        reading: Reading,
        format_name: str | None = None,
        files: Sequence[PathLike] | None = None,
    ) -> None:
        self._places = tuple(places)
        self._files = [place.path for place in places] if files is None else list(files)
        self._reading, self._format_name = reading, format_name
        self.paths = tuple(place.shown for place in places)
        """The files, in order, as they were named."""
        self._opened: list[Opened] = [open_located(place, reading, format_name) for place in places]
        self.num_rows = sum(opened.num_rows for opened in self._opened)
        """The number of rows of all files together."""
        written = [_named(opened.schema, place.shown) for opened, place in zip(self._opened, places, strict=True)]
        schemas = [pa.schema([pa.field(field.name, plain_type(field.type)) for field in schema]) for schema in written]
        self.schema: pa.Schema = _unify(schemas, self.paths)
        """Names and plain types of the columns; ``null`` for a column without any value."""
        _refuse_mixed_zones(written, self.paths)
        self.absent: dict[str, tuple[PathLike, ...]] = {
            name: tuple(path for path, schema in zip(self.paths, schemas, strict=True) if name not in schema.names)
            for name in self.schema.names
            if any(name not in schema.names for schema in schemas)
        }
        """Columns that some of the files do not have, and which; read as missing there."""

    @property
    def refused(self) -> list[Refused]:
        """The rows that cannot be read; empty unless they were asked to be left out."""
        return [row for opened in self._opened for row in opened.refused]

    def batches(
        self, columns: Sequence[str] | None = None, *, batch_rows: int = 65536, dictionary: bool = False
    ) -> Iterator[pa.RecordBatch]:
        """The rows, batch by batch.

        Args:
            columns: The columns wanted, in this order; all by default.
            batch_rows: The largest number of rows of a batch.
            dictionary: Give strings dictionary-encoded where the file holds them so.

        Raises:
            MissingColumnError: A column that no file has.
            CorruptFileError: A file is damaged.
        """
        names = check_columns(columns, self.schema, self.paths)
        for opened, place in zip(self._opened, self._places, strict=True):
            here = [name for name in names if name in opened.schema.names]
            # batches without columns still have rows
            source = (
                opened.batches(here, batch_rows, dictionary=dictionary)
                if here
                else rows_only(opened.num_rows, batch_rows)
            )
            with named_as_given(place):
                for batch in source:
                    yield plain_batch(batch, self.schema, names, place.shown, dictionary=dictionary)

    def table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """All rows at once."""
        names = list(self.schema.names if columns is None else columns)
        batches = list(self.batches(names))
        return pa.Table.from_batches(batches, schema=pa.schema([self.schema.field(name) for name in names]))

    def parts(self) -> list[ScanPart]:
        """The same rows in parts of about two million, in order: what an engine works on; at least one."""
        pieces = (
            piece
            for file, place, opened in zip(self._files, self._places, self._opened, strict=True)
            for piece in pieces_of(file, place.shown, opened)
        )
        parts: list[ScanPart] = []
        for part in in_parts(pieces):
            first = parts[-1].first_row + parts[-1].num_rows if parts else 0
            parts.append(ScanPart(self, part, self._reading, self._format_name, first))
        return parts

    def opened(self, piece: Piece) -> tuple[Located, Opened]:
        """The open file that a piece is of."""
        number = next(n for n, place in enumerate(self._places) if place.shown == piece.shown)
        return self._places[number], self._opened[number]


def scan(
    paths: PathLike | Iterable[PathLike],
    schema: Schema | None = None,
    *,
    options: Mapping[str, Any] | None = None,
    lenient: bool = False,
) -> Scan:
    """Open data files as one table without changing their types.

    Args:
        paths: Files, known by their names: Parquet, CSV or TSV, JSON Lines, Arrow, Avro, TFRecord, text, JSON logs;
            or URLs (``s3://``, ``memory://``, ``images://FOLDER``, ``duckdb:///FILE#select ...``).
        schema: Only a hint for text files: features declared as ``string`` or ``bytes`` are not taken for numbers.
            What does not fit the schema is left as it is, for validation to judge.
        options: Of the format (as ``delimiter`` and ``encoding`` of CSV), or ``format`` itself, and the limits
            ``chunk_bytes`` (of a text in memory) and ``group_bytes`` (that a packed unit may unfold to).
        lenient: Leave out rows that cannot be read; they are then in ``refused``.

    Raises:
        DataError: The case that fits: not found, empty, cut off, ragged, not UTF-8, one column of two types.
    """
    files = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not files:
        raise UsageError("No data file is given.")
    reading, name = reading_of(schema, options, lenient=lenient)
    return Scan([locate(file) for file in files], reading, name, files)


def read_table(
    paths: PathLike | Iterable[PathLike], schema: Schema | None = None, *, options: Mapping[str, Any] | None = None
) -> pa.Table:
    """Data files as one Arrow table.

    With a schema, the table has the schema's columns in its order and types; a column that the schema does not
    know is left out, one that is not required and not there is null.

    Raises:
        MissingColumnError: A required column is not there.
        ColumnTypeError: A column's values are not of its feature's type.
        DataError: As :func:`scan`.
    """
    source = scan(paths, schema, options=options)
    table = source.table()
    return table if schema is None else conform(table, schema, source.paths)


def conform(table: pa.Table, schema: Schema, paths: Sequence[PathLike] = ()) -> pa.Table:
    """The table with the schema's columns, in its order and types.

    Raises:
        MissingColumnError: A required column is not there.
        ColumnTypeError: A column's values are not of its feature's type.
    """
    columns = []
    target = schema.arrow_schema()
    for feature, field in zip(schema.features.values(), target, strict=True):
        if feature.name in table.column_names:
            try:
                columns.append(to_feature(table.column(feature.name), feature))
            except ColumnTypeError as error:
                raise ColumnTypeError(
                    error.what, where={**_file(paths), **error.where}, hint=error.hint
                ) from error.__cause__
        elif feature.required:
            raise missing_column(feature.name, table.column_names, paths)
        else:
            columns.append(pa.chunked_array([pa.nulls(table.num_rows, field.type)]))
    return pa.table(columns, schema=target)


def check_columns(columns: Sequence[str] | None, schema: pa.Schema, paths: Sequence[PathLike]) -> list[str]:
    """The columns that are wanted; all by default.

    Raises:
        MissingColumnError: There is no such column.
    """
    names = list(schema.names if columns is None else columns)
    for name in names:
        if name not in schema.names:
            raise missing_column(name, schema.names, paths)
    return names


def plain_batch(
    batch: pa.RecordBatch, schema: pa.Schema, names: Sequence[str], path: PathLike, *, dictionary: bool
) -> pa.RecordBatch:
    """Columns of a batch of one file, in the plain types of all files together."""
    columns = []
    for name in names:
        kind = schema.field(name).type
        if name not in batch.schema.names:
            columns.append(pa.nulls(batch.num_rows, kind))
            continue
        try:
            column = to_plain(batch.column(name), dictionary=dictionary)
            if column.type != kind and not pa.types.is_dictionary(column.type):
                column = pc.cast(column, kind)  # a file where it is empty, or integers among floats
        except pa.ArrowInvalid as error:
            raise ColumnTypeError(
                f"A value does not fit into {type_word(kind)}: {error}.", where={"file": path, "column": name}
            ) from error
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, names=list(names))


def missing_column(name: str, present: Sequence[str], paths: Sequence[PathLike]) -> MissingColumnError:
    """The error for a column that is not there, with the nearest name that is."""
    close = difflib.get_close_matches(name, present, n=1)
    hint = f"Did you mean {close[0]!r}?" if close else f"The columns are {', '.join(present) or 'none'}."
    return MissingColumnError(f"There is no column {name!r}.", where={**_file(paths), "column": name}, hint=hint)


def _file(paths: Sequence[PathLike]) -> dict[str, object]:
    return {"file": paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"} if paths else {}


def _named(schema: pa.Schema, path: PathLike) -> pa.Schema:
    """The columns that are the user's; each name once."""
    names = schema.names
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise DataError(
            f"The column name {repeated!r} stands more than once.", where={"file": path, "column": repeated}
        )
    return pa.schema([field for field in schema if not is_reserved(field.name)])


def _refuse_mixed_zones(schemas: Sequence[pa.Schema], paths: Sequence[PathLike]) -> None:
    """A moment keeps the clock of its zone, so one column must have one zone in all files."""
    first: dict[str, tuple[str | None, PathLike]] = {}
    for schema, path in zip(schemas, paths, strict=True):
        for field in schema:
            if pa.types.is_timestamp(field.type):
                zone, other = first.setdefault(field.name, (field.type.tz, path))
                if zone != field.type.tz:
                    raise ColumnTypeError(
                        f"The moments are of zone {field.type.tz or 'none'} here and {zone or 'none'} in another file.",
                        where={"file": path, "column": field.name, "other_file": other},
                        hint="Write them all in one zone.",
                    )


def rows_only(rows: int, batch_rows: int) -> Iterator[pa.RecordBatch]:
    """Batches without columns still have rows: stand-ins that carry nothing but their number."""
    for start in range(0, rows, batch_rows):
        count = min(batch_rows, rows - start)
        yield pa.RecordBatch.from_arrays([pa.nulls(count)], names=["__rows__"])


def _unify(schemas: Sequence[pa.Schema], paths: Sequence[PathLike]) -> pa.Schema:
    """One type per column over all files: an empty column takes any type, integers among floats become floats."""
    kinds: dict[str, pa.DataType] = {}
    first: dict[str, PathLike] = {}
    for schema, path in zip(schemas, paths, strict=True):
        for field in schema:
            before = kinds.get(field.name, pa.null())
            if before == field.type or pa.types.is_null(field.type):
                kinds.setdefault(field.name, field.type)
            elif pa.types.is_null(before) or {before, field.type} == {pa.int64(), pa.float64()}:
                kinds[field.name] = pa.float64() if not pa.types.is_null(before) else field.type
                first[field.name] = path
            else:
                raise ColumnTypeError(
                    f"The column holds {type_word(field.type)} here and {type_word(before)} in another file.",
                    where={"file": path, "column": field.name, "other_file": first.get(field.name, paths[0])},
                )
    return pa.schema(list(kinds.items()))
