"""transform: Examples -> TransformGraph and TransformedExamples."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from treadle.artifact import Examples, File, Output, TransformedExamples, TransformGraphArtifact
from treadle.pipeline import component


@component
def transform(
    examples: Examples,
    *,
    schema: File,
    preprocess: Callable[[Any], dict[str, Any]],
    label: str,
    analyze: str = "train",
    materialize: bool = True,
    graph: Output[TransformGraphArtifact],
    transformed: Output[TransformedExamples],
) -> None:
    """Trace ``preprocess``, compute its full-pass analyses over one split, and transform all splits.

    Args:
        examples: The rows.
        schema: The TOML schema: the types of the raw columns.
        preprocess: Symbolic columns to features and label.
        label: The output of ``preprocess`` that is the label.
        analyze: The split that analyses see. What is found out of each data span is kept in the store's ``analyses``
            folder, so a window that moved on by a span reads that span alone.
        materialize: Whether features are written. Otherwise ``transformed`` holds the labels and the graph, and
            :func:`train`, given the examples too, computes features as it reads: the same values.
        graph: The transform graph.
        transformed: Features and label as float32, beside the row ids.
    """
    from treadle.config import home
    from treadle.engine import open_engine
    from treadle.ingest import read_examples
    from treadle.schema import Schema
    from treadle.transform import AnalysisCache, DataSpan, analyze_spans, write_transformed

    reader = read_examples(examples.path)
    spans = [DataSpan(rows.digest, partial(reader.batches_of, rows)) for rows in reader.span_rows(analyze)]
    cache: AnalysisCache | None = AnalysisCache(home() / "analyses")
    if not spans:  # examples of a format that did not note them
        spans, cache = [DataSpan("", partial(reader.batches, analyze))], None
    with open_engine() as engine:
        built = analyze_spans(preprocess, Schema.load(schema), spans, cache, label=label, engine=engine)
        built.save(graph.path)
        write_transformed(built, reader, transformed.path, analyzed=analyze, materialize=materialize, engine=engine)
    graph.properties["features"] = len(built.feature_names)
