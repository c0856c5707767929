"""Transformed examples: features and label of every split, as float32 columns beside the row ids."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, cast

import pyarrow as pa

from treadle.artifact import canonical_json
from treadle.errors import TransformError
from treadle.transform._graph import ROW_ID, TransformGraph
from treadle.transform.analysis._parts import PartsEngine, RowsPart, write_batches, write_parts

FORMAT = "treadle.transformed/1"
ON_READ = "treadle.transformed/2"
MANIFEST = "transformed.json"


class ExamplesSource(Protocol):
    """What transforming reads: the splits of some examples, batch by batch."""

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits."""

    def batches(self, split: str, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """The rows of a split."""


class PartedExamples(Protocol):
    """Examples that an engine can read (``treadle.ingest.ExamplesReader``)."""

    def parts(self, split: str) -> Sequence[RowsPart]:
        """A split in parts."""


def write_transformed(
    graph: TransformGraph,
    examples: ExamplesSource,
    out_path: str | os.PathLike[str],
    *,
    analyzed: str | None = None,
    materialize: bool = True,
    engine: PartsEngine | None = None,
) -> None:
    """Transform all splits, a batch in memory at a time.

    Writes, format ``treadle.transformed/1``::

        transformed.json             format, features, label, rows of each split
        <split>/part-00000.parquet   the outputs' columns as float32, then __row_id__

    Or, for features that are computed when they are read, format ``treadle.transformed/2``::

        transformed.json             the same, and the analyzed split
        graph.json                   the transform graph
        <split>/part-00000.parquet   the label's column, then __row_id__

    Args:
        graph: The transform graph.
        examples: The raw rows, with ``__row_id__``.
        out_path: An existing directory.
        analyzed: The split that the graph was analyzed on; ``target_encode`` needs to know it.
        materialize: Whether the features are written; otherwise training computes them from the examples, batch by
            batch: the same values, a pass over the raw rows each time, and no second copy of the data.
        engine: Where the work is done (``treadle.engine.open_engine``); the examples are then an ``ExamplesReader``.
            Each of their parts of two million rows becomes a file, in order, the same over every engine.

    Raises:
        TransformError: The graph needs ``analyzed``, and it is none of the splits.
        InputValueError: A value does not fit its feature's type.
    """
    out = Path(out_path)
    if graph.has_folds and analyzed not in examples.splits:
        raise TransformError(
            f"The graph has a target encoding, and {analyzed!r} is not the split it was analyzed on.",
            hint=f"Say which: write_transformed(..., analyzed=...), one of {', '.join(examples.splits)}.",
        )
    manifest: dict[str, object] = {"format": FORMAT, "features": list(graph.feature_names), "label": graph.label}
    written = graph.output_names
    if not materialize:
        written = tuple(name for name in graph.output_names if name == graph.label)
        manifest |= {"format": ON_READ, "analyzed": analyzed}
        graph.save(out)
    manifest["splits"] = {
        split: _write_split(
            graph, written, examples, split, out, out_of_fold=graph.has_folds and split == analyzed, engine=engine
        )
        for split in examples.splits
    }
    (out / MANIFEST).write_bytes(canonical_json(manifest))


def _write_split(
    graph: TransformGraph,
    outputs: Sequence[str],
    examples: ExamplesSource,
    split: str,
    out: Path,
    *,
    out_of_fold: bool,
    engine: PartsEngine | None,
) -> int:
    if engine is not None:
        parts = cast("PartedExamples", examples).parts(split)
        return write_parts(engine, graph, outputs, parts, out / split, out_of_fold=out_of_fold)
    (out / split).mkdir()
    batches = examples.batches(split, columns=[*graph.inputs_for(outputs), ROW_ID])
    return write_batches(graph, outputs, batches, out / split / "part-00000.parquet", out_of_fold=out_of_fold)
