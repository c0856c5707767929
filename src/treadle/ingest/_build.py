"""Building Examples: files in, rows named, filtered and split, Parquet and a manifest out."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from treadle.errors import DataError, RowCountError, UsageError
from treadle.ingest._examples import ROW_ID
from treadle.ingest._filter import keep_mask
from treadle.ingest._inputs import Input, find_inputs
from treadle.ingest._manifest import Manifest
from treadle.ingest._places import PathLike
from treadle.ingest._quarantine import QUARANTINE, Quarantine, conform_rows
from treadle.ingest._row_ids import row_hashes, row_ids
from treadle.ingest._scan import conform
from treadle.ingest._span_rows import SpanRowsSeen
from treadle.ingest._spans import SpanFiles
from treadle.ingest._split_rules import HASH, FromAllRows, SplitRule, rule_for
from treadle.ingest._split_writer import SplitWriter
from treadle.ingest._splits import Weights, check_splits, hash_of_values
from treadle.ingest.sources import Refused
from treadle.schema import Schema

_BATCH_ROWS = 131072


def build_examples(
    files: Iterable[PathLike | SpanFiles] | Mapping[str, Iterable[PathLike | SpanFiles]],
    *,
    schema: Schema,
    out_path: str | os.PathLike[str],
    where: str | None = None,
    splits: Weights | None = None,
    split_by: str = "row",
    options: Mapping[str, Any] | None = None,
    quarantine: float | None = None,
) -> Manifest:
    """Read data files and write an Examples directory.

    The same bytes in the same order give the same bytes: file names and times do not enter.

    Args:
        files: Paths, URLs or data spans, in the order in which their rows are wanted; or the same for every split,
            by its name, where the files say which rows are for what.
        schema: Columns and types of the result; what it does not know is left out and listed in the manifest.
        out_path: A directory that is empty or not there yet.
        where: A condition in SQL; rows that do not satisfy it are excluded and counted.
        splits: Names and weights, a mapping or pairs; one split ``train`` by default. A split by time needs pairs:
            their order is the order of time. Where the data say the split, only the names count.
        split_by: ``row`` (hash of the row's id), ``time`` (the oldest rows into the first split), a column (hash of
            its value: one entity, one split), ``stratified:COLUMN`` (each value has the same share of every split),
            or ``predefined:COLUMN`` (the column names the split); ``column:NAME`` for a column called ``row`` or
            ``time``.
        options: How the files are written: see :func:`scan`.
        quarantine: The largest share of a file's rows, 0 to 1, that may be set aside because they cannot be read;
            they are written to ``quarantine.parquet`` with their reasons and counted. ``None`` refuses the file.

    Returns:
        The manifest, as written.

    Raises:
        DataError: The case that fits; nothing is left behind.
        UsageError: Splits, ``split_by`` or ``out_path`` cannot be used.
    """
    if quarantine is not None and not 0 <= quarantine <= 1:
        raise UsageError(f"The share of rows that may be set aside is {quarantine!r}, not a number from 0 to 1.")
    if isinstance(files, Mapping):
        if splits is not None or split_by != "row":
            raise UsageError("Files given by split say the split themselves.", hint="Leave splits and split_by out.")
        splits, split_by = dict.fromkeys(files, 1.0), "file"
    weights = check_splits(splits or {"train": 1}, ordered=split_by == "time")
    plan = _Plan(schema, where, weights, split_by, rule_for(split_by, weights, schema), options, quarantine)
    inputs = list(find_inputs(files))
    out = Path(out_path)
    existed = out.exists()
    if existed and any(out.iterdir()):
        raise UsageError("The directory for examples is not empty.", where={"file": out})
    try:
        return _build(inputs, plan, out)
    except BaseException:
        for name in plan.splits:
            shutil.rmtree(out / name, ignore_errors=True)
        (out / QUARANTINE).unlink(missing_ok=True)
        if not existed:
            shutil.rmtree(out, ignore_errors=True)
        raise


@dataclass(frozen=True)
class _Plan:
    schema: Schema
    where: str | None
    splits: dict[str, float]
    split_by: str
    rule: SplitRule
    options: Mapping[str, Any] | None
    quarantine: float | None


def _build(inputs: Sequence[Input], plan: _Plan, out: Path) -> Manifest:
    rule = plan.rule
    if isinstance(rule, FromAllRows):
        for source in inputs:
            for table in _rows(source, plan):
                rule.see(table)
    target = plan.schema.arrow_schema().append(pa.field(ROW_ID, pa.string()))
    writers = {name: SplitWriter(out / name, target) for name in plan.splits}
    seen = SpanRowsSeen(plan.schema, {"options": plan.options, "lenient": plan.quarantine is not None})
    aside = Quarantine(out, plan.quarantine)
    try:
        for source in inputs:
            source.begin()
            for table in _rows(source, plan, aside):
                numbers = rule.assign(table, source.split)
                rows, hashes = table.drop_columns([HASH]), table.column(HASH).to_numpy()
                for number, (split, writer) in enumerate(writers.items()):
                    chosen = np.ones(len(hashes), dtype=np.bool_) if len(writers) == 1 else numbers == number
                    writer.add(rows if len(writers) == 1 else rows.filter(pa.array(chosen)))
                    seen.add(split, source.span, source.digest, hashes[chosen])
            aside.check(source)
    finally:
        for writer in writers.values():
            writer.close()
    written = {name: writer.rows for name, writer in writers.items()}
    manifest = replace(_manifest(inputs, plan, written, aside.reasons), span_rows=seen.finish())
    if plan.schema.key is not None:
        _check_keys([out / name for name in plan.splits], plan.schema.key)
    aside.write()
    manifest.write(out)
    return manifest


def _rows(source: Input, plan: _Plan, aside: Quarantine | None = None) -> Iterator[pa.Table]:
    """The kept rows of one file, in the schema's types, with their ids and the hash of each row."""
    lenient = plan.quarantine is not None
    opened = source.scan(plan.schema, plan.options, lenient=lenient)
    source.left_out = set(opened.schema.names) - set(plan.schema.features)
    source.rows_read = source.rows_quarantined = len(opened.refused)
    if aside is not None:
        aside.add(source.digest, opened.refused)
    known = [name for name in plan.schema.features if name in opened.schema.names]
    if not known:
        conform(opened.schema.empty_table(), plan.schema, [source.shown])
    first = 0
    for batch in opened.batches(known, batch_rows=_BATCH_ROWS):
        table = pa.Table.from_batches([batch])
        source.rows_read += batch.num_rows
        faults: list[Refused] = []
        if lenient:
            table, kept, faults = conform_rows(table, plan.schema, source.shown, first)
            source.rows_quarantined += len(faults)
            if aside is not None:
                aside.add(source.digest, faults)
        else:
            table, kept = conform(table, plan.schema, [source.shown]), None
        ids, hashes = _identify(table, plan.schema.key, source.digest, first, kept)
        first += batch.num_rows
        table = table.append_column(ROW_ID, ids).append_column(HASH, pa.array(hashes))
        if plan.where is not None:
            mask = keep_mask(table, plan.where)
            source.rows_excluded += int(len(mask) - mask.sum())
            table = table.filter(pa.array(mask))
        yield table


def _identify(
    table: pa.Table, key: str | None, digest: str, first: int, kept: npt.NDArray[np.bool_] | None
) -> tuple[pa.Array | pa.ChunkedArray, npt.NDArray[np.uint64]]:
    if key is not None:
        column = table.column(key)
        return pc.cast(column, pa.string()), hash_of_values(column)
    count = table.num_rows if kept is None else len(kept)
    ids, hashes = row_ids(digest, first, count), row_hashes(digest, first, count)
    return (ids, hashes) if kept is None else (ids.filter(pa.array(kept)), hashes[kept])


def _manifest(inputs: Sequence[Input], plan: _Plan, rows: dict[str, int], reasons: dict[str, int]) -> Manifest:
    read, excluded = sum(source.rows_read for source in inputs), sum(source.rows_excluded for source in inputs)
    aside = sum(source.rows_quarantined for source in inputs)
    if read != excluded + aside + sum(rows.values()) or aside != sum(reasons.values()):
        raise RowCountError(
            f"{read} rows were read, but {sum(rows.values())} written, {excluded} excluded and {aside} set aside"
            f" ({sum(reasons.values())} with a reason).",
            hint="This is a defect of Treadle; please report it.",
        )
    return Manifest(
        splits=rows,
        rows_read=read,
        rows_excluded=excluded,
        rows_quarantined=aside,
        quarantine=dict(sorted(reasons.items())),
        sources=tuple(source.record() for source in inputs),
        spans=tuple(dict.fromkeys(source.span for source in inputs if source.span is not None)),
        columns=tuple(plan.schema.features),
        columns_left_out=tuple(sorted(set().union(*(source.left_out for source in inputs)))),
        where=plan.where,
        split_by=plan.split_by,
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
