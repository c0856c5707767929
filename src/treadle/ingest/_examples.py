"""Reading Examples: the rows of a split, as a table or batch by batch."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from treadle.errors import UsageError
from treadle.ingest._manifest import Manifest
from treadle.ingest._partition import ExamplesPart, in_parts, open_whole, pieces_of
from treadle.ingest._scan import Scan, missing_column, scan
from treadle.ingest._span_rows import SpanRows
from treadle.ingest.sources import open_parquet, parquet_errors

ROW_ID = "__row_id__"


class ExamplesReader:
    """The rows of an Examples directory. Made by :func:`read_examples`.

    Tables and batches have the schema's columns in order, then ``__row_id__``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.manifest = Manifest.read(path)
        """What the directory holds and where it came from."""

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits, in their order."""
        return tuple(self.manifest.splits)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns of every split, the row id last."""
        return (*self.manifest.columns, ROW_ID)

    def num_rows(self, split: str) -> int:
        """The number of rows of a split."""
        self._check(split)
        return self.manifest.splits[split]

    def files(self, split: str) -> tuple[Path, ...]:
        """The Parquet files of a split, in order."""
        self._check(split)
        return tuple(sorted((self.path / split).glob("part-*.parquet")))

    def scan(self, split: str) -> Scan:
        """A split as a source for statistics: without the row id."""
        return scan(self.files(split))

    def batches(
        self, split: str, columns: Sequence[str] | None = None, *, batch_rows: int = 65536
    ) -> Iterator[pa.RecordBatch]:
        """The rows of a split, batch by batch.

        Args:
            split: The split's name.
            columns: The columns wanted; all by default.
            batch_rows: The largest number of rows of a batch.

        Raises:
            UsageError: There is no such split.
            MissingColumnError: There is no such column.
        """
        wanted = self._wanted(split, columns)
        for path in self.files(split):
            with open_parquet(path) as file, parquet_errors(path):
                yield from file.iter_batches(batch_rows, columns=wanted, use_threads=False)

    def parts(self, split: str) -> list[ExamplesPart]:
        """A split in parts of about two million rows, in order: what an engine works on; at least one.

        Raises:
            UsageError: There is no such split.
        """
        pieces = (piece for path in self.files(split) for piece in pieces_of(path, path, open_whole(path)))
        return [ExamplesPart(part) for part in in_parts(pieces)]

    def span_rows(self, split: str) -> tuple[SpanRows, ...]:
        """Which of a split's rows came from which span, in their order; none where that was not noted."""
        self._check(split)
        return tuple(found for found in self.manifest.span_rows if found.split == split)

    def batches_of(
        self, rows: SpanRows, columns: Sequence[str] | None = None, *, batch_rows: int = 65536
    ) -> Iterator[pa.RecordBatch]:
        """Rows of one span, as :meth:`batches`; what lies far from them in the file is not read."""
        wanted = self._wanted(rows.split, columns)
        start, end = rows.first, rows.first + rows.rows
        for path in self.files(rows.split):
            with open_parquet(path) as file, parquet_errors(path):
                groups, first = _groups_within(file, start, end)
                for batch in file.iter_batches(batch_rows, row_groups=groups, columns=wanted, use_threads=False):
                    kept = batch.slice(max(0, start - first), max(0, end - max(start, first)))
                    first += batch.num_rows
                    if kept.num_rows:
                        yield kept
                start, end = max(0, start - file.metadata.num_rows), max(0, end - file.metadata.num_rows)

    def table(self, split: str, columns: Sequence[str] | None = None) -> pa.Table:
        """All rows of a split at once; arguments and errors as :meth:`batches`."""
        wanted = self._wanted(split, columns)
        tables = []
        for path in self.files(split):
            with open_parquet(path) as file, parquet_errors(path):
                tables.append(file.read(columns=wanted).select(wanted))
        return pa.concat_tables(tables)

    def _wanted(self, split: str, columns: Sequence[str] | None) -> list[str]:
        self._check(split)
        wanted = list(self.columns if columns is None else columns)
        for name in wanted:
            if name not in self.columns:
                raise missing_column(name, self.columns, [self.path])
        return wanted

    def _check(self, split: str) -> None:
        if split not in self.manifest.splits:
            raise UsageError(
                f"These examples have no split {split!r}.",
                where={"file": self.path},
                hint=f"The splits are {', '.join(self.splits)}.",
            )


def _groups_within(file: pq.ParquetFile, start: int, end: int) -> tuple[list[int], int]:
    """The row groups that hold the rows from ``start`` to ``end``, and the first row they hold."""
    groups: list[int] = []
    first = at = 0
    for number in range(file.metadata.num_row_groups):
        rows = file.metadata.row_group(number).num_rows
        if at < end and at + rows > start:
            first = first if groups else at
            groups.append(number)
        at += rows
    return groups, first


def read_examples(path: str | os.PathLike[str]) -> ExamplesReader:
    """Open an Examples directory.

    Raises:
        DataFileNotFoundError: There is no manifest.
        CorruptFileError: The manifest cannot be read.
    """
    return ExamplesReader(Path(path))
