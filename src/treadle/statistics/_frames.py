"""Data frames of other libraries as Arrow batches.

Whatever offers the Arrow stream interface (pandas, polars, DuckDB relations, pyarrow, and many more) is read through
it, without a copy where the library has none to make. What does not (lazy frames, older libraries) goes through
narwhals.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from treadle.errors import MissingDependencyError, StatisticsError, UsageError

# One size for every machine, so that a mean does not depend on the number of threads.
BATCH_ROWS = 131072


def batches_of(source: object) -> Iterator[pa.RecordBatch]:
    """The rows of a frame, or of batches, in batches of at most ``BATCH_ROWS``.

    Raises:
        UsageError: This is no frame.
        StatisticsError: The library cannot give its values as Arrow, such as columns of mixed objects.
        MissingDependencyError: The frame needs narwhals, and it is not installed.
    """
    if isinstance(source, pa.Table):
        yield from source.to_batches(BATCH_ROWS) or [_no_rows(source.schema)]
        return
    if isinstance(source, pa.RecordBatch):
        yield from _cut(source)
        return
    stream = getattr(source, "__arrow_c_stream__", None)
    if stream is not None and not isinstance(source, type):
        yield from _read(source)
        return
    if isinstance(source, Iterable) and not isinstance(source, str | bytes | dict) and not _is_frame(source):
        for batch in source:
            if not isinstance(batch, pa.RecordBatch | pa.Table):
                raise _no_frame(source, f"it holds {type(batch).__name__}")
            yield from batches_of(batch)
        return
    yield from _read(_through_narwhals(source))


def _read(frame: object) -> Iterator[pa.RecordBatch]:
    try:
        reader = pa.RecordBatchReader.from_stream(frame)
        yield _no_rows(reader.schema)
        for batch in reader:
            yield from _cut(batch)
    except (pa.ArrowException, TypeError, NotImplementedError) as error:
        raise StatisticsError(
            f"The {type(frame).__name__} cannot be read as Arrow: {str(error).splitlines()[0]}.",
            hint="A column alone becomes a frame by its to_frame()."
            if hasattr(frame, "to_frame")
            else "Give columns of mixed objects one type first.",
        ) from error


def _through_narwhals(source: object) -> Any:
    try:
        import narwhals as nw
    except ImportError as error:
        raise MissingDependencyError(
            f"A {type(source).__name__} is read through narwhals, which is not installed.",
            hint="pip install 'treadle[frames]'",
        ) from error
    try:
        frame: Any = nw.from_native(source)
    except TypeError as error:
        raise _no_frame(source, "nothing here knows it as a data frame") from error
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect(backend="pyarrow")
    return frame.to_arrow()


def _is_frame(source: object) -> bool:
    # lazy ones first: some work out their columns when they are asked whether they have any
    return hasattr(source, "collect") or hasattr(source, "__narwhals_dataframe__") or hasattr(source, "columns")


def _cut(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    for start in range(0, batch.num_rows or 1, BATCH_ROWS):
        yield batch.slice(start, BATCH_ROWS)


def _no_rows(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.nulls(0, field.type) for field in schema], schema=schema)


def _no_frame(source: object, reason: str) -> UsageError:
    return UsageError(
        f"Statistics are made of frames, tables or record batches, not of a {type(source).__name__}: {reason}.",
        hint="For files: treadle.ingest.scan(paths).",
    )
