"""Data files as one table: checked, typed, read in batches of the columns that are asked for."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from treadle.errors import (
    ColumnTypeError,
    CorruptFileError,
    DataFileNotFoundError,
    EmptyFileError,
    MissingColumnError,
    UsageError,
)
from treadle.ingest._csv import read_csv
from treadle.ingest._parquet import open_parquet, parquet_errors
from treadle.schema import Schema, is_reserved, plain_type, to_feature, to_plain, type_word

PathLike = str | os.PathLike[str]

_PARQUET = {".parquet", ".pq"}
_TEXT = {".csv", ".tsv"}
_PACKED = {".gz", ".bz2", ".zst"}


class Scan:
    """One or more data files read as one table. Made by :func:`scan`.

    Batches come in the order of the files and of their rows, in the plain types (see :func:`plain_type`);
    columns whose name belongs to Treadle are left out. Reading twice gives the same batches.
    """

    def __init__(self, paths: Sequence[Path], hints: Schema | None) -> None:
        self.paths = tuple(paths)
        """The files, in order."""
        self._hints = hints
        self._tables: dict[Path, pa.Table] = {}
        self.num_rows = 0
        """The number of rows of all files together."""
        schemas = []
        for path in self.paths:
            schema, rows = self._open(path)
            schemas.append(schema)
            self.num_rows += rows
        self.schema: pa.Schema = _unify(schemas, self.paths)
        """Names and plain types of the columns; ``null`` for a column without any value."""
        self.absent: dict[str, tuple[Path, ...]] = {
            name: tuple(path for path, schema in zip(self.paths, schemas, strict=True) if name not in schema.names)
            for name in self.schema.names
            if any(name not in schema.names for schema in schemas)
        }
        """Columns that some of the files do not have, and which; read as missing there."""

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
        names = list(self.schema.names if columns is None else columns)
        for name in names:
            if name not in self.schema.names:
                raise missing_column(name, self.schema.names, self.paths)
        for path in self.paths:
            for batch in self._file_batches(path, names, batch_rows, dictionary):
                yield self._plain(batch, names, dictionary, path)

    def table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """All rows at once."""
        names = list(self.schema.names if columns is None else columns)
        batches = list(self.batches(names))
        return pa.Table.from_batches(batches, schema=pa.schema([self.schema.field(name) for name in names]))

    def _open(self, path: Path) -> tuple[pa.Schema, int]:
        if _format(path) == "parquet":
            with open_parquet(path) as file:
                schema, rows = file.schema_arrow, file.metadata.num_rows
        else:
            self._tables[path] = read_csv(path, _text_types(self._hints))
            schema, rows = self._tables[path].schema, self._tables[path].num_rows
        kept = [field for field in schema if not is_reserved(field.name)]
        return pa.schema([pa.field(field.name, plain_type(field.type)) for field in kept]), rows

    def _file_batches(
        self, path: Path, names: list[str], batch_rows: int, dictionary: bool
    ) -> Iterator[pa.RecordBatch]:
        if path in self._tables:
            table = self._tables[path]
            here = [name for name in names if name in table.column_names]
            yield from table.select(here).to_batches(batch_rows) if here else _rows_only(table.num_rows, batch_rows)
            return
        with open_parquet(path, dictionary=dictionary) as file, parquet_errors(path):
            here = [name for name in names if name in file.schema_arrow.names]
            if here:
                yield from file.iter_batches(batch_rows, columns=here, use_threads=False)
            else:
                yield from _rows_only(file.metadata.num_rows, batch_rows)

    def _plain(self, batch: pa.RecordBatch, names: list[str], dictionary: bool, path: Path) -> pa.RecordBatch:
        columns = []
        for name in names:
            kind = self.schema.field(name).type
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
        return pa.RecordBatch.from_arrays(columns, names=names)


def scan(paths: PathLike | Iterable[PathLike], schema: Schema | None = None) -> Scan:
    """Open data files as one table without changing their types.

    Args:
        paths: Parquet, CSV or TSV files, known by their names.
        schema: Only a hint for text files: features declared as ``string`` or ``bytes`` are not taken for numbers.
            What does not fit the schema is left as it is, for validation to judge.

    Raises:
        DataError: The case that fits: not found, empty, cut off, ragged, not UTF-8, one column of two types.
    """
    files = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not files:
        raise UsageError("No data file is given.")
    return Scan([_existing(Path(file)) for file in files], schema)


def read_table(paths: PathLike | Iterable[PathLike], schema: Schema | None = None) -> pa.Table:
    """Data files as one Arrow table.

    With a schema, the table has the schema's columns in its order and types; a column that the schema does not
    know is left out, one that is not required and not there is null.

    Raises:
        MissingColumnError: A required column is not there.
        ColumnTypeError: A column's values are not of its feature's type.
        DataError: As :func:`scan`.
    """
    source = scan(paths, schema)
    table = source.table()
    return table if schema is None else conform(table, schema, source.paths)


def conform(table: pa.Table, schema: Schema, paths: Sequence[Path] = ()) -> pa.Table:
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


def missing_column(name: str, present: Sequence[str], paths: Sequence[Path]) -> MissingColumnError:
    """The error for a column that is not there, with the nearest name that is."""
    close = difflib.get_close_matches(name, present, n=1)
    hint = f"Did you mean {close[0]!r}?" if close else f"The columns are {', '.join(present) or 'none'}."
    return MissingColumnError(f"There is no column {name!r}.", where={**_file(paths), "column": name}, hint=hint)


def _file(paths: Sequence[Path]) -> dict[str, object]:
    return {"file": paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"} if paths else {}


def _existing(path: Path) -> Path:
    if not path.exists():
        raise DataFileNotFoundError(
            "There is no such file.",
            where={"file": path},
            hint="Check the path; it is relative to the working directory.",
        )
    if path.is_dir():
        raise DataFileNotFoundError(
            "This is a directory, not a data file.", where={"file": path}, hint=f"Name the files: {path}/*.parquet."
        )
    try:
        with path.open("rb") as stream:
            if not stream.read(1):
                raise EmptyFileError("The file is empty.", where={"file": path}, hint="Fetch or write it again.")
    except PermissionError as error:
        raise DataFileNotFoundError("The file may not be read.", where={"file": path}) from error
    return path


def _format(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    while suffixes and suffixes[-1] in _PACKED:
        suffixes.pop()
    last = suffixes[-1] if suffixes else ""
    if last in _PARQUET:
        return "parquet"
    if last in _TEXT:
        return "csv"
    with path.open("rb") as stream:
        if stream.read(4) == b"PAR1":
            return "parquet"
    raise CorruptFileError(
        "The file's format is not known.", where={"file": path}, hint="Name it .parquet, .csv or .tsv."
    )


def _text_types(schema: Schema | None) -> dict[str, pa.DataType]:
    kinds = {"string": pa.string(), "bytes": pa.binary()}
    features = schema.features.values() if schema else ()
    return {feature.name: kinds[feature.type] for feature in features if feature.type in kinds}


def _rows_only(rows: int, batch_rows: int) -> Iterator[pa.RecordBatch]:
    """Batches without columns still have rows: stand-ins that carry nothing but their number."""
    for start in range(0, rows, batch_rows):
        count = min(batch_rows, rows - start)
        yield pa.RecordBatch.from_arrays([pa.nulls(count)], names=["__rows__"])


def _unify(schemas: Sequence[pa.Schema], paths: Sequence[Path]) -> pa.Schema:
    """One type per column over all files: an empty column takes any type, integers among floats become floats."""
    kinds: dict[str, pa.DataType] = {}
    first: dict[str, Path] = {}
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
