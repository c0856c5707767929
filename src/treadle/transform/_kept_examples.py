"""Transformed examples with some features left out: what a selection is applied to."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from treadle.artifact import canonical_json
from treadle.transform._examples import MANIFEST
from treadle.transform._graph import FILE, ROW_ID, TransformGraph


def keep_transformed(
    source: str | os.PathLike[str], out_path: str | os.PathLike[str], graph: TransformGraph, features: Iterable[str]
) -> TransformGraph:
    """Write transformed examples with these features alone, a row group at a time.

    Args:
        source: Transformed examples.
        out_path: An existing directory; what is written is transformed examples too.
        graph: The graph they were made by.
        features: Outputs of the graph.

    Returns:
        The graph of what is kept.

    Raises:
        TransformError: One of the features is no output of the graph.
    """
    kept = graph.keeping(features)
    place, out = Path(source), Path(out_path)
    manifest: dict[str, Any] = json.loads((place / MANIFEST).read_bytes())
    on_read = (place / FILE).is_file()  # features are computed when they are read
    if on_read:
        kept.save(out)
    for split in manifest["splits"]:
        (out / split).mkdir()
        for file in sorted((place / split).glob("part-*.parquet")):
            if on_read:  # labels and row ids alone
                shutil.copyfile(file, out / split / file.name)
            else:
                _copy_columns(file, out / split / file.name, kept)
    manifest["features"] = list(kept.feature_names)
    (out / MANIFEST).write_bytes(canonical_json(manifest))
    return kept


def _copy_columns(file: Path, out: Path, kept: TransformGraph) -> None:
    names = [*(column for output in kept.output_names for column in kept.columns_of(output)), ROW_ID]
    with pq.ParquetFile(file) as opened:
        schema = opened.schema_arrow
        wanted = schema.empty_table().select(names).schema
        with pq.ParquetWriter(out, wanted, compression="zstd") as writer:
            for group in range(opened.num_row_groups):
                writer.write_table(opened.read_row_group(group, columns=names).select(names))
