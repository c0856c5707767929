"""Examples with further columns: the same rows in the same splits, and beside their columns new ones."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from treadle.errors import UsageError
from treadle.ingest._examples import ROW_ID, ExamplesReader
from treadle.ingest._manifest import Manifest
from treadle.ingest._quarantine import QUARANTINE
from treadle.ingest._span_rows import SpanRows
from treadle.ingest._split_writer import GROUP_ROWS


def extend_examples(
    examples: ExamplesReader, columns: Mapping[str, pa.Table], out_path: str | os.PathLike[str]
) -> Manifest:
    """Write examples again with further columns.

    Args:
        examples: The rows.
        columns: For every split a table of the new columns, row by row in the order of the split.
        out_path: An existing directory.

    Returns:
        The manifest, as written.

    Raises:
        UsageError: A split has no new columns or another number of rows, or a column is there already.
    """
    out = Path(out_path)
    for split in examples.splits:
        added = columns.get(split)
        if added is None or added.num_rows != examples.num_rows(split):
            raise UsageError(f"The new columns of {split!r} are not of its {examples.num_rows(split)} rows.")
        twice = sorted(set(added.column_names) & set(examples.columns))
        if twice:
            raise UsageError(f"The examples have a column {twice[0]!r}.", hint="Rename one of them.")
    for split in examples.splits:
        _write_split(examples, split, columns[split], out / split)
    if (examples.path / QUARANTINE).exists():
        shutil.copyfile(examples.path / QUARANTINE, out / QUARANTINE)
    names = next(iter(columns.values())).column_names if columns else []
    span_rows = tuple(_named(rows, columns[rows.split]) for rows in examples.manifest.span_rows)
    manifest = replace(examples.manifest, columns=(*examples.manifest.columns, *names), span_rows=span_rows)
    manifest.write(out)
    return manifest


def _write_split(examples: ExamplesReader, split: str, added: pa.Table, folder: Path) -> None:
    folder.mkdir()
    fields = list(pq.read_schema(str(examples.files(split)[0])))
    kept = [field for field in fields if field.name != ROW_ID]
    schema = pa.schema([*kept, *added.schema, pa.field(ROW_ID, pa.string())])
    with pq.ParquetWriter(str(folder / "part-00000.parquet"), schema, compression="zstd") as writer:
        for start, batch in _groups(examples, split):
            beside = added.slice(start, batch.num_rows)
            whole = {name: batch.column(name) for name in batch.schema.names}
            whole |= {name: beside.column(name) for name in beside.column_names}
            writer.write_table(pa.table([whole[name] for name in schema.names], schema=schema))


def _groups(examples: ExamplesReader, split: str) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Row groups of the size that all examples have, and where they begin."""
    start = 0
    for batch in examples.batches(split, batch_rows=GROUP_ROWS):
        yield start, batch
        start += batch.num_rows


def _named(rows: SpanRows, added: pa.Table) -> SpanRows:
    """The rows under a name that the new values are in too."""
    digest = hashlib.sha256(rows.digest.encode())
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, added.schema) as stream:
        stream.write_table(added.slice(rows.first, rows.rows).combine_chunks())
    digest.update(sink.getvalue())
    return replace(rows, digest=f"sha256:{digest.hexdigest()}")
