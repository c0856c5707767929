"""Parquet files, and what is wrong with them when they cannot be read.

What a file unfolds to is known before it is read: a row group that would take more than the limit is refused, and
batches are made shorter where rows are long.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from treadle.errors import CorruptFileError, DataError
from treadle.ingest.sources._promise import Opened, Reading, Refused

SUFFIXES = (".parquet", ".pq")
SCHEMES = ()

# Pages as they are needed, not whole column chunks: a file of one large row group is read in little memory.
_PIECEMEAL: dict[str, Any] = {"pre_buffer": False, "buffer_size": 1 << 20}
_SMALL_DICTIONARY = 128 * 1024
_BATCH_BYTES = 128 << 20
_NUMBER_BYTES = 8


def is_format(head: bytes) -> bool:
    """Whether the bytes are the magic of a Parquet file."""
    return head.startswith(b"PAR1")


def open_source(path: Path, reading: Reading) -> Opened:
    """The rows of a Parquet file."""
    reading.only(path)
    return ParquetSource(path, reading.group_bytes)


class ParquetSource:
    """The rows of one file. Made by :func:`open_source`."""

    def __init__(self, path: Path, limit: int) -> None:
        self.path = path
        self.refused: tuple[Refused, ...] = ()
        with open_parquet(path) as file:
            self.schema = file.schema_arrow
            self.num_rows = int(file.metadata.num_rows)
            self.group_rows = tuple(file.metadata.row_group(n).num_rows for n in range(file.metadata.num_row_groups))
            self._row_bytes = _row_bytes(file.metadata, path, limit)
            self._texts = _text_leaves(file.metadata)
            self._small = _small_dictionaries(file.metadata, self._texts, file.schema_arrow)
        self._limit = limit

    def batches(
        self,
        columns: list[str],
        batch_rows: int,
        *,
        dictionary: bool = False,
        groups: Sequence[int] | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """The rows in order; of some row groups alone, if they are given."""
        rows = max(1, min(batch_rows, int(_BATCH_BYTES / self._row_bytes)))
        encoded = [name for name in columns if name in self._small] if dictionary else []
        with open_parquet(self.path, encoded=encoded) as file, parquet_errors(self.path):
            texts = [name for name in columns if name in self._texts]
            suspects = [name for name in texts if _may_unfold(file.metadata, self._texts[name], rows, self._limit)]
            if not suspects:
                yield from file.iter_batches(rows, row_groups=groups, columns=columns, use_threads=False)
                return
        with open_parquet(self.path, encoded=suspects) as file, parquet_errors(self.path):
            for batch in file.iter_batches(rows, row_groups=groups, columns=columns, use_threads=False):
                for name in suspects:
                    _check_unfolded(batch.column(name), self.path, name, self._limit)
                yield batch


def _row_bytes(metadata: pq.FileMetaData, path: Path, limit: int) -> float:
    """The bytes of a row, unfolded, in the row group where they are most.

    Raises:
        CorruptFileError: A row group would unfold to more than the limit.
    """
    most = 1.0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        if group.total_byte_size > limit:
            raise CorruptFileError(
                f"A row group unfolds to {group.total_byte_size:,} bytes; the limit is {limit:,}.",
                where={"file": path, "row_group": number, "bytes": path.stat().st_size},
                hint="If the file is sound, write it in smaller row groups, or allow more with the option group_bytes.",
            )
        most = max(most, _unfolded_bytes(group) / max(1, group.num_rows))
        if most > limit:
            raise CorruptFileError(
                f"A row unfolds to {most:,.0f} bytes; the limit is {limit:,}.",
                where={"file": path, "row_group": number, "bytes": path.stat().st_size},
                hint="If the file is sound, allow more with the option group_bytes.",
            )
    return most


def _unfolded_bytes(group: pq.RowGroupMetaData) -> int:
    """What the values of a row group take: where one is repeated, as in lists of zeros, far more than their pages."""
    columns = [group.column(place) for place in range(group.num_columns)]
    return sum(max(column.total_uncompressed_size, column.num_values * _NUMBER_BYTES) for column in columns)


def _text_leaves(metadata: pq.FileMetaData) -> dict[str, int]:
    """Where among the leaves of the file its columns of strings and bytes are."""
    leaves = ((metadata.schema.column(place), place) for place in range(metadata.num_columns))
    return {leaf.path: place for leaf, place in leaves if leaf.physical_type == "BYTE_ARRAY"}


def _may_unfold(metadata: pq.FileMetaData, place: int, rows: int, limit: int) -> bool:
    """Whether a batch could take more than the limit because its rows repeat one long value of a dictionary."""
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        column = group.column(place)
        # a dictionary may be any size up to what the whole column chunk unfolds to
        size = column.total_uncompressed_size
        if size > 1 << 20 and size * min(rows, group.num_rows) > limit and _may_be_long(column.statistics):
            return True
    return False


def _may_be_long(statistics: pq.Statistics | None) -> bool:
    """Whether values may be longer than a page; writers leave the least and largest out where these are long."""
    if statistics is None or not statistics.has_min_max:
        return True
    return max(len(statistics.min_raw or b""), len(statistics.max_raw or b"")) > 1024


def _check_unfolded(column: pa.Array, path: Path, name: str, limit: int) -> None:
    if pa.types.is_dictionary(column.type):
        lengths = pc.binary_length(column.dictionary).take(column.indices)
        size = pc.sum(pc.cast(lengths, pa.int64())).as_py() or 0
        if size > min(limit, 2**31 - 1):
            raise CorruptFileError(
                f"The values of {len(column):,} rows unfold to {size:,} bytes.",
                where={"file": path, "column": name, "bytes": path.stat().st_size},
                hint="The file repeats very long values; leave the column out if it is not wanted.",
            )


@contextmanager
def parquet_errors(path: Path) -> Iterator[None]:
    """Turn what pyarrow raises while reading ``path`` into one sentence."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        size = path.stat().st_size if path.exists() else 0
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise CorruptFileError(
            f"The file is not a whole Parquet file: {reason}.",
            where={"file": path, "bytes": size},
            hint="It was probably cut off while it was written or copied: fetch or write it again.",
        ) from error


def open_parquet(path: Path, *, encoded: Sequence[str] = ()) -> pq.ParquetFile:
    """Open a Parquet file.

    Args:
        path: The file.
        encoded: Columns to read as dictionaries whatever they are.

    Raises:
        CorruptFileError: The file is cut off or is not Parquet.
        DataError: Two columns have one name.
    """
    with parquet_errors(path):
        file = pq.ParquetFile(str(path), read_dictionary=list(encoded), **_PIECEMEAL)
        names = file.schema_arrow.names
        if len(set(names)) != len(names):
            repeated = next(name for name in names if names.count(name) > 1)
            raise DataError(
                f"The column name {repeated!r} stands more than once.", where={"file": path, "column": repeated}
            )
        return file


def _small_dictionaries(metadata: pq.FileMetaData, texts: dict[str, int], schema: pa.Schema) -> frozenset[str]:
    """The columns of strings that are likely to be dictionary-encoded throughout, which then need not be decoded.

    Writers give a dictionary up when it grows to about a megabyte; making one while reading then costs more than it
    spares. The place of the first data page tells the dictionary's size.
    """
    if not metadata.num_row_groups:
        return frozenset()
    group = metadata.row_group(0)
    return frozenset(
        field.name for field in schema if pa.types.is_string(field.type) and _is_small(group.column(texts[field.name]))
    )


def _is_small(column: pq.ColumnChunkMetaData) -> bool:
    start, end = column.dictionary_page_offset, column.data_page_offset
    return start is not None and 0 < end - start < _SMALL_DICTIONARY
