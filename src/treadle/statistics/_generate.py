"""Statistics of a whole source, with a thread for each part of its columns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeGuard, runtime_checkable

import pyarrow as pa

from treadle.config import num_threads
from treadle.errors import UsageError
from treadle.statistics._frames import BATCH_ROWS, batches_of
from treadle.statistics._over_engine import Reducing, over_parts
from treadle.statistics._read_ahead import read_ahead
from treadle.statistics._statistics import Statistics

if TYPE_CHECKING:
    from treadle.schema import Schema

# Fewer values than this are counted before a second thread has begun.
_SMALL = 2_000_000
# Columns that are read together: what waits to be counted stays small, whatever the number of columns.
_MOST_COLUMNS = 8


@runtime_checkable
class ColumnSource(Protocol):
    """Rows that can be read column by column, again and again (``treadle.ingest.Scan`` is one)."""

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the columns."""
        ...

    @property
    def num_rows(self) -> int:
        """The number of rows."""
        ...

    def batches(
        self, columns: Sequence[str] | None = None, *, batch_rows: int = ..., dictionary: bool = ...
    ) -> Iterator[pa.RecordBatch]:
        """The rows of some columns; strings may come dictionary-encoded if ``dictionary``."""
        ...


def is_column_source(source: object) -> TypeGuard[ColumnSource]:
    """Whether this can be read column by column; lazy frames are not asked for their schema, which may be costly."""
    return hasattr(type(source), "batches") and isinstance(source, ColumnSource)


@runtime_checkable
class Frame(Protocol):
    """A table of any library that gives its rows as an Arrow stream."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """A capsule, as the Arrow PyCapsule interface says."""
        ...


def generate(
    source: ColumnSource | Iterable[pa.RecordBatch] | Frame,
    schema: Schema | None = None,
    *,
    threads: int | None = None,
    measures: Mapping[str, Sequence[str]] | None = None,
    exact: bool = False,
    engine: Reducing | None = None,
) -> Statistics:
    """The statistics of all rows of a source.

    Args:
        source: A column source, which is read by several threads, each with its own columns; or batches; or a
            table or frame of any library that offers the Arrow stream interface (pyarrow, pandas, polars, DuckDB
            relations); or a frame that narwhals knows, lazy ones too.
        schema: Gives columns that never have a value their type.
        threads: By default the threads this process may use. The result does not depend on it.
        measures: Column -> measures beyond those every column has; see ``Statistics.create``.
        exact: Count every value one by one, however many there are and however much memory that takes.
        engine: Where the work is done (``treadle.engine.open_engine``); the source is then a ``treadle.ingest.Scan``,
            which the engine reads in parts of two million rows. Equal to the statistics without an engine to the
            byte while counts are exact or there is one part; beyond that within the errors that are documented.

    Raises:
        StatisticsError: A column changes its type from batch to batch, or has none that Arrow knows.
        UsageError: The source is no frame, or there is no such column or measure to be measured.
    """
    measures = _asked(schema, measures or {}, source.schema if is_column_source(source) else None)
    if engine is not None:
        if is_column_source(source):
            _check_measured(measures, source.schema.names)
        alone = partial(generate, schema=schema, threads=1, measures=measures, exact=exact)
        return over_parts(engine, source, alone, Statistics.from_bytes)
    if not is_column_source(source):
        statistics = Statistics(schema, measures, exact=exact)
        for batch in batches_of(source):
            statistics.add(batch)
        _check_measured(measures, statistics.features)
        return statistics
    names = list(source.schema.names)
    _check_measured(measures, names)
    small = source.num_rows * len(names) < _SMALL
    # one thread of two reads, the other counts: more than one that counts wait for each other most of the time
    workers = 1 if small else max(1, min((threads or num_threads()) // 2, len(names)))
    size = max(1, min(_MOST_COLUMNS, -(-len(names) // workers)))
    groups = [names[start : start + size] for start in range(0, len(names), size)]
    ahead = not small and (threads or num_threads()) > 1

    def measure(group: list[str]) -> Statistics:
        part = Statistics(schema, {name: measures[name] for name in group if name in measures}, exact=exact)
        part.add(pa.RecordBatch.from_arrays([pa.nulls(0, source.schema.field(name).type) for name in group], group))

        def read() -> Iterator[pa.RecordBatch]:
            return source.batches(group, batch_rows=BATCH_ROWS, dictionary=True)

        for batch in read_ahead(read) if ahead else read():
            part.add(batch)
        part.settle()
        return part

    if workers == 1:
        return Statistics.beside(source.num_rows, [measure(group) for group in groups])
    with ThreadPoolExecutor(workers, thread_name_prefix="treadle-statistics") as pool:
        return Statistics.beside(source.num_rows, list(pool.map(measure, groups)))


def _asked(
    schema: Schema | None, measures: Mapping[str, Sequence[str]], columns: pa.Schema | None
) -> dict[str, Sequence[str]]:
    """With the words of columns of which the schema wants to know them."""
    found = dict(measures)
    if schema is None or columns is None:
        return found
    for feature in schema.features.values():
        wanted = feature.min_coverage is not None or feature.min_word_length is not None
        if wanted and feature.name in columns.names and pa.types.is_string(columns.field(feature.name).type):
            found[feature.name] = tuple(dict.fromkeys([*found.get(feature.name, ()), "text"]))
    return found


def _check_measured(measures: Mapping[str, Sequence[str]], names: Collection[str]) -> None:
    for column in measures:
        if column not in names:
            raise UsageError(f"There is no column {column!r} to measure.", where={"column": column})
