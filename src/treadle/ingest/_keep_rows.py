"""Examples without some of their rows: what validation sets aside goes, all else stays as it was, and is counted."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from treadle.errors import UsageError
from treadle.ingest._examples import read_examples
from treadle.ingest._manifest import Manifest
from treadle.ingest._span_rows import SpanRows
from treadle.ingest._split_writer import SplitWriter

Mask = npt.NDArray[np.bool_]


def keep_rows(
    path: str | os.PathLike[str],
    out_path: str | os.PathLike[str],
    kept: Mapping[str, Mask],
    reasons: Mapping[str, int] | None = None,
) -> Manifest:
    """Write examples anew with only the rows that are kept.

    The manifest counts the others as quarantined.

    Args:
        path: The Examples directory.
        out_path: Where the new one goes; an existing, empty folder will do.
        kept: Split -> one truth value a row; a split that is not named keeps all.
        reasons: Reason -> how many rows, for the manifest.

    Raises:
        UsageError: There are not as many truth values as rows.
    """
    reader, out = read_examples(path), Path(out_path)
    before = reader.manifest
    spans: list[SpanRows] = []
    for split in reader.splits:
        mask = kept.get(split, np.ones(reader.num_rows(split), np.bool_))
        if len(mask) != reader.num_rows(split):
            raise UsageError(f"{len(mask)} truth values do not name {reader.num_rows(split)} rows.")
        writer, start = None, 0
        for batch in reader.batches(split):
            table = pa.Table.from_batches([batch])
            writer = writer or SplitWriter(out / split, table.schema)
            writer.add(table.filter(pa.array(mask[start : start + batch.num_rows])))
            start += batch.num_rows
        if writer is None:
            table = reader.table(split)
            writer = SplitWriter(out / split, table.schema)
            writer.add(table)
        writer.close()
        spans += _spans(reader.span_rows(split), mask)
    splits = {split: int(kept[split].sum()) if split in kept else rows for split, rows in before.splits.items()}
    aside = sum(before.splits.values()) - sum(splits.values())
    counted = {**before.quarantine}
    for reason, rows in (reasons or {}).items():
        counted[reason] = counted.get(reason, 0) + rows
    after = replace(
        before,
        splits=splits,
        rows_quarantined=before.rows_quarantined + aside,
        quarantine=counted,
        span_rows=tuple(spans),
    )
    after.write(out)
    return after


def _spans(before: tuple[SpanRows, ...], mask: Mask) -> Iterator[SpanRows]:
    first = 0
    for found in before:
        here = mask[found.first : found.first + found.rows]
        rows = int(here.sum())
        if not rows:
            continue
        digest = found.digest
        if rows < found.rows:
            named = hashlib.sha256(found.digest.encode() + np.packbits(here).tobytes())
            digest = f"sha256:{named.hexdigest()}"
        yield replace(found, first=first, rows=rows, digest=digest)
        first += rows
