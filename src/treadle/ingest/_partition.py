"""Parts of data: where rows are, to be read wherever an engine has the work done.

Which parts there are follows from the files alone: whole files, or row groups of a Parquet file, until there are two
million rows. So what is computed part by part does not depend on the machines that compute it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from treadle.errors import RowCountError
from treadle.ingest._places import Located, PathLike, is_url, locate, named_as_given, open_located
from treadle.ingest.sources import Opened, ParquetSource, Reading

if TYPE_CHECKING:
    from treadle.ingest._scan import Scan

PART_ROWS = 1 << 21
"""The most rows of a part, unless a single row group has more: 16 row groups of Examples."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A file, or some of the row groups of a Parquet file."""

    file: str
    """The absolute path, or the URL."""
    shown: PathLike
    """As errors name it."""
    num_rows: int
    file_rows: int
    groups: tuple[int, ...] | None = None
    """The row groups; ``None``: the whole file."""
    first_row: int = 0
    """The number of its first row in the file, from 0."""


def pieces_of(file: PathLike, shown: PathLike, opened: Opened) -> list[Piece]:
    """The pieces of a file: a Parquet file on this machine's file system has one a row group."""
    whole = Piece(str(file) if is_url(file) else str(Path(file).absolute()), shown, opened.num_rows, opened.num_rows)
    if is_url(file) or not isinstance(opened, ParquetSource) or len(opened.group_rows) < 2:
        return [whole]
    pieces, first = [], 0
    for number, rows in enumerate(opened.group_rows):
        pieces.append(replace(whole, num_rows=rows, groups=(number,), first_row=first))
        first += rows
    return pieces


def in_parts(pieces: Iterable[Piece]) -> list[tuple[Piece, ...]]:
    """Neighbouring pieces together while they have no more than ``PART_ROWS`` rows; at least one part."""
    parts: list[list[Piece]] = [[]]
    rows = 0
    for piece in pieces:
        if parts[-1] and rows + piece.num_rows > PART_ROWS:
            parts.append([])
            rows = 0
        rows += piece.num_rows
        last = parts[-1][-1] if parts[-1] else None
        if last is not None and last.file == piece.file and last.groups and piece.groups:
            joined = replace(last, num_rows=last.num_rows + piece.num_rows, groups=last.groups + piece.groups)
            parts[-1][-1] = joined
        else:
            parts[-1].append(piece)
    return [tuple(part) for part in parts]


def open_piece(piece: Piece, reading: Reading, format_name: str | None) -> tuple[Located, Opened]:
    """Open the file of a piece where this is called.

    Raises:
        RowCountError: It is not the file that was seen when the parts were made.
    """
    place = replace(locate(piece.file), shown=piece.shown)
    opened = open_located(place, reading, format_name)
    if opened.num_rows != piece.file_rows:
        raise RowCountError(
            f"A worker sees {opened.num_rows} rows where {piece.file_rows} were seen before.",
            where={"file": piece.shown},
            hint="Has the file changed? All machines must see the same files at the same paths.",
        )
    return place, opened


def open_whole(path: Path) -> Opened:
    """Open a Parquet file of ours."""
    return open_located(Located(path, path), Reading(), "parquet")


def piece_batches(
    piece: Piece, opened: Opened, columns: list[str], batch_rows: int, *, dictionary: bool = False
) -> Iterator[pa.RecordBatch]:
    """The rows of a piece."""
    if piece.groups is None:
        return opened.batches(columns, batch_rows, dictionary=dictionary)
    assert isinstance(opened, ParquetSource)
    return opened.batches(columns, batch_rows, dictionary=dictionary, groups=piece.groups)


class ScanPart:
    """Some of the rows of a :class:`Scan`, with its columns and types. Made by :meth:`Scan.parts`.

    It can be sent to another process, which opens the files anew.
    """

    def __init__(
        self, scan: Scan, pieces: tuple[Piece, ...], reading: Reading, format_name: str | None, first_row: int
    ) -> None:
        self.pieces = pieces
        self.schema = scan.schema
        """Names and plain types of the columns of the whole."""
        self.num_rows = sum(piece.num_rows for piece in pieces)
        """The number of its rows."""
        self.first_row = first_row
        """The number of its first row in the whole, from 0."""
        self._reading, self._format_name = reading, format_name
        self._scan: Scan | None = scan

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_scan": None}

    def batches(
        self, columns: Sequence[str] | None = None, *, batch_rows: int = 65536, dictionary: bool = False
    ) -> Iterator[pa.RecordBatch]:
        """The rows, batch by batch; as :meth:`Scan.batches`."""
        from treadle.ingest._scan import check_columns, plain_batch, rows_only

        names = check_columns(columns, self.schema, [piece.shown for piece in self.pieces])
        for piece in self.pieces:
            place, opened = self._open(piece)
            here = [name for name in names if name in opened.schema.names]
            source = (
                piece_batches(piece, opened, here, batch_rows, dictionary=dictionary)
                if here
                else rows_only(piece.num_rows, batch_rows)
            )
            with named_as_given(place):
                for batch in source:
                    yield plain_batch(batch, self.schema, names, piece.shown, dictionary=dictionary)

    def _open(self, piece: Piece) -> tuple[Located, Opened]:
        if self._scan is not None:
            return self._scan.opened(piece)
        return open_piece(piece, self._reading, self._format_name)


class ExamplesPart:
    """Some of the rows of a split of Examples, the row id with them. Made by :meth:`ExamplesReader.parts`."""

    def __init__(self, pieces: tuple[Piece, ...]) -> None:
        self.pieces = pieces
        self.num_rows = sum(piece.num_rows for piece in pieces)
        """The number of its rows."""

    def batches(self, columns: Sequence[str] | None = None, *, batch_rows: int = 65536) -> Iterator[pa.RecordBatch]:
        """The rows, batch by batch; as :meth:`ExamplesReader.batches`."""
        for piece in self.pieces:
            place, opened = open_piece(piece, Reading(), "parquet")
            names = list(opened.schema.names if columns is None else columns)
            with named_as_given(place):
                for batch in piece_batches(piece, opened, names, batch_rows):
                    yield batch.select(names)

    def place_of(self, row: int) -> dict[str, object]:
        """Where the row with this number in the part is: its file, and its number there, from 0."""
        for piece in self.pieces:
            if row < piece.num_rows:
                return {"file": piece.shown, "row": piece.first_row + row}
            row -= piece.num_rows
        return {}
