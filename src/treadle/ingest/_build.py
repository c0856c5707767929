"""Building Examples: files in, rows named, filtered and split, Parquet and a manifest out."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from treadle.artifact import digest_file
from treadle.errors import DataError, RowCountError, UsageError
from treadle.ingest._examples import ROW_ID
from treadle.ingest._filter import keep_mask
from treadle.ingest._manifest import Manifest, Source
from treadle.ingest._places import PathLike
from treadle.ingest._row_ids import row_hashes, row_ids
from treadle.ingest._scan import conform, missing_column, scan
from treadle.ingest._spans import SpanFiles
from treadle.ingest._splits import (
    Weights,
    assign_by_hash,
    assign_by_time,
    check_splits,
    hash_of_values,
    time_bounds,
)
from treadle.schema import Schema

_BATCH_ROWS = 131072


def build_examples(
    files: Iterable[PathLike | SpanFiles],
    *,
    schema: Schema,
    out_path: str | os.PathLike[str],
    where: str | None = None,
    splits: Weights | None = None,
    split_by: str = "row",
) -> Manifest:
    """Read data files and write an Examples directory.

    The same bytes in the same order give the same bytes: file names and times do not enter.

    Args:
        files: Paths or data spans, in the order in which their rows are wanted.
        schema: Columns and types of the result; what it does not know is left out and listed in the manifest.
        out_path: A directory that is empty or not there yet.
        where: A condition in SQL; rows that do not satisfy it are excluded and counted.
        splits: Names and weights, a mapping or pairs; one split ``train`` by default. A split by time needs pairs:
            their order is the order of time.
        split_by: ``row`` (hash of the row's id), ``time`` (the oldest rows into the first split), or a column
            (hash of its value: one entity, one split); ``column:NAME`` for a column called ``row`` or ``time``.

    Returns:
        The manifest, as written.

    Raises:
        DataError: The case that fits; nothing is left behind.
        UsageError: Splits, ``split_by`` or ``out_path`` cannot be used.
    """
    weights = check_splits(splits or {"train": 1}, ordered=split_by == "time")
    plan = _Plan(schema, where, weights, *_split_rule(split_by, schema))
    inputs = list(_inputs(files))
    if not inputs:
        raise UsageError("No data file is given.")
    out = Path(out_path)
    existed = out.exists()
    if existed and any(out.iterdir()):
        raise UsageError("The directory for examples is not empty.", where={"file": out})
    try:
        return _build(inputs, plan, out, split_by)
    except BaseException:
        for name in plan.splits:
            shutil.rmtree(out / name, ignore_errors=True)
        if not existed:
            shutil.rmtree(out, ignore_errors=True)
        raise


@dataclass
class _Input:
    path: Path
    digest: str
    span: str | None = None
    version: int | None = None
    rows_read: int = 0
    rows_excluded: int = 0
    left_out: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class _Plan:
    schema: Schema
    where: str | None
    splits: dict[str, float]
    rule: str
    column: str | None


def _split_rule(split_by: str, schema: Schema) -> tuple[str, str | None]:
    if split_by == "row":
        return "row", None
    if split_by == "time":
        if schema.event_time is None:
            raise UsageError("A split by time needs event_time in the schema.", hint='Write event_time = "COLUMN".')
        return "time", schema.event_time
    column = split_by.removeprefix("column:")
    if column not in schema.features:
        raise missing_column(column, list(schema.features), [])
    return "column", column


def _inputs(files: Iterable[PathLike | SpanFiles]) -> Iterator[_Input]:
    seen: dict[str, Path] = {}
    for item in files:
        paths = item.paths if isinstance(item, SpanFiles) else (Path(item),)
        for path in paths:
            digest = digest_file(path) if path.is_file() else ""
            if digest and digest in seen:
                raise DataError(
                    "Two files have the same bytes: every row would be there twice.",
                    where={"file": path, "other_file": seen[digest]},
                    hint="Leave one of them out.",
                )
            seen[digest] = path
            span, version = (item.span, item.version) if isinstance(item, SpanFiles) else (None, None)
            yield _Input(path, digest, span or None, version)


def _build(inputs: Sequence[_Input], plan: _Plan, out: Path, split_by: str) -> Manifest:
    bounds = None
    if plan.rule == "time" and plan.column is not None:
        times = [table.column(plan.column) for source in inputs for table in _rows(source, plan)]
        kept = pa.chunked_array([chunk for column in times for chunk in column.chunks], pa.timestamp("us"))
        bounds = time_bounds(kept, plan.splits, plan.column)
    target = plan.schema.arrow_schema().append(pa.field(ROW_ID, pa.string()))
    writers = {name: _SplitWriter(out / name, target) for name in plan.splits}
    try:
        for source in inputs:
            source.rows_read = source.rows_excluded = 0
            for table in _rows(source, plan):
                _distribute(table, plan, bounds, list(writers.values()))
    finally:
        for writer in writers.values():
            writer.close()
    manifest = _manifest(inputs, plan, {name: writer.rows for name, writer in writers.items()}, split_by)
    if plan.schema.key is not None:
        _check_keys([out / name for name in plan.splits], plan.schema.key)
    manifest.write(out)
    return manifest


def _rows(source: _Input, plan: _Plan) -> Iterator[pa.Table]:
    """The kept rows of one file, in the schema's types, with their ids and the hash of each row."""
    opened = scan(source.path, plan.schema)
    source.left_out = set(opened.schema.names) - set(plan.schema.features)
    known = [name for name in plan.schema.features if name in opened.schema.names]
    if not known:
        conform(opened.schema.empty_table(), plan.schema, [source.path])
    for batch in opened.batches(known, batch_rows=_BATCH_ROWS):
        first = source.rows_read
        source.rows_read += batch.num_rows
        table = conform(pa.Table.from_batches([batch]), plan.schema, [source.path])
        ids, hashes = _identify(table, plan.schema.key, source.digest, first)
        mask = None if plan.where is None else keep_mask(table, plan.where)
        table = table.append_column(ROW_ID, ids).append_column("__hash__", pa.array(hashes))
        if mask is not None:
            source.rows_excluded += int(len(mask) - mask.sum())
            table = table.filter(pa.array(mask))
        yield table


def _identify(
    table: pa.Table, key: str | None, digest: str, first: int
) -> tuple[pa.Array | pa.ChunkedArray, npt.NDArray[np.uint64]]:
    if key is None:
        return row_ids(digest, first, table.num_rows), row_hashes(digest, first, table.num_rows)
    column = table.column(key)
    return pc.cast(column, pa.string()), hash_of_values(column)


def _distribute(
    table: pa.Table, plan: _Plan, bounds: npt.NDArray[np.int64] | None, writers: Sequence[_SplitWriter]
) -> None:
    if plan.column is None:
        numbers = assign_by_hash(table.column("__hash__").to_numpy(), plan.splits)
    elif bounds is not None:
        numbers = assign_by_time(table.column(plan.column), bounds)
    else:
        numbers = assign_by_hash(hash_of_values(table.column(plan.column)), plan.splits)
    table = table.drop_columns(["__hash__"])
    for number, writer in enumerate(writers):
        writer.add(table if len(writers) == 1 else table.filter(pa.array(numbers == number)))


class _SplitWriter:
    """One split's Parquet file, written in row groups of equal size whatever the files were."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        folder.mkdir(parents=True)
        self.rows = 0
        self._schema = schema
        self._waiting: list[pa.Table] = []
        self._waiting_rows = 0
        self._writer = pq.ParquetWriter(str(folder / "part-00000.parquet"), schema, compression="zstd")

    def add(self, table: pa.Table) -> None:
        self.rows += table.num_rows
        self._waiting.append(table)
        self._waiting_rows += table.num_rows
        if self._waiting_rows >= _BATCH_ROWS:
            self._flush(_BATCH_ROWS)

    def close(self) -> None:
        self._flush(1)
        self._writer.close()

    def _flush(self, least: int) -> None:
        while self._waiting_rows >= least:
            table = pa.concat_tables(self._waiting)
            self._writer.write_table(table.slice(0, _BATCH_ROWS), row_group_size=_BATCH_ROWS)
            self._waiting = [table.slice(_BATCH_ROWS)]
            self._waiting_rows = self._waiting[0].num_rows


def _manifest(inputs: Sequence[_Input], plan: _Plan, rows: dict[str, int], split_by: str) -> Manifest:
    read, excluded = sum(source.rows_read for source in inputs), sum(source.rows_excluded for source in inputs)
    if read != excluded + sum(rows.values()):
        raise RowCountError(
            f"{read} rows were read, but {sum(rows.values())} written and {excluded} excluded.",
            hint="This is a defect of Treadle; please report it.",
        )
    return Manifest(
        splits=rows,
        rows_read=read,
        rows_excluded=excluded,
        sources=tuple(
            Source(source.digest, source.rows_read, source.rows_excluded, source.span, source.version)
            for source in inputs
        ),
        spans=tuple(dict.fromkeys(source.span for source in inputs if source.span is not None)),
        columns=tuple(plan.schema.features),
        columns_left_out=tuple(sorted(set().union(*(source.left_out for source in inputs)))),
        where=plan.where,
        split_by=split_by,
        event_time=plan.schema.event_time,
    )


def _check_keys(folders: Sequence[Path], key: str) -> None:
    """A key names one row: no value may be missing or stand twice."""
    columns = [pq.read_table(str(folder / "part-00000.parquet"), columns=[ROW_ID]).column(0) for folder in folders]
    keys = pa.chunked_array([chunk for column in columns for chunk in column.chunks], pa.string())
    if keys.null_count:
        raise DataError(f"{keys.null_count} rows have no value in the key column.", where={"column": key})
    distinct = len(pc.unique(keys))
    if distinct != len(keys):
        raise DataError(
            f"The key column names {distinct} rows, but there are {len(keys)}.",
            where={"column": key},
            hint="Remove the repeated rows, or choose another key.",
        )
