"""Parquet files, and what is wrong with them when they cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from treadle.errors import CorruptFileError, DataError

_SMALL_DICTIONARY = 128 * 1024


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


def open_parquet(path: Path, *, dictionary: bool = False) -> pq.ParquetFile:
    """Open a Parquet file.

    Args:
        path: The file.
        dictionary: Read strings as dictionaries, which spares decoding them.

    Raises:
        CorruptFileError: The file is cut off or is not Parquet.
        DataError: Two columns have one name.
    """
    with parquet_errors(path):
        file = pq.ParquetFile(str(path))
        schema = file.schema_arrow
        names = schema.names
        if len(set(names)) != len(names):
            repeated = next(name for name in names if names.count(name) > 1)
            raise DataError(
                f"The column name {repeated!r} stands more than once.", where={"file": path, "column": repeated}
            )
        if dictionary:
            texts = [field.name for field in schema if pa.types.is_string(field.type)]
            metadata = file.metadata
            small = [name for name in texts if _has_small_dictionary(metadata, name)]
            if small:
                file.close()
                file = pq.ParquetFile(str(path), metadata=metadata, read_dictionary=small)
        return file


def _has_small_dictionary(metadata: pq.FileMetaData, name: str) -> bool:
    """Whether the column is likely to be dictionary-encoded throughout.

    Writers give a dictionary up when it grows to about a megabyte; making one while reading then costs more than it
    spares. The place of the first data page tells the dictionary's size.
    """
    if not metadata.num_row_groups:
        return False
    group = metadata.row_group(0)
    for number in range(group.num_columns):
        column = group.column(number)
        if column.path_in_schema == name:
            start, end = column.dictionary_page_offset, column.data_page_offset
            return start is not None and 0 < end - start < _SMALL_DICTIONARY
    return False
