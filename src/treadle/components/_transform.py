"""transform: Examples -> TransformGraph and TransformedExamples."""

from __future__ import annotations

from collections.abc import Callable
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
    graph: Output[TransformGraphArtifact],
    transformed: Output[TransformedExamples],
) -> None:
    """Trace ``preprocess``, compute its full-pass analyses over one split, and transform all splits.

    Args:
        examples: The rows.
        schema: The TOML schema: the types of the raw columns.
        preprocess: Symbolic columns to features and label.
        label: The output of ``preprocess`` that is the label.
        analyze: The split that analyses see.
        graph: The transform graph.
        transformed: Features and label as float32, beside the row ids.
    """
    from treadle.ingest import read_examples
    from treadle.schema import Schema
    from treadle.transform import analyze as analyze_graph
    from treadle.transform import write_transformed

    reader = read_examples(examples.path)
    built = analyze_graph(
        preprocess, Schema.load(schema), lambda columns: reader.batches(analyze, columns=columns), label=label
    )
    built.save(graph.path)
    write_transformed(built, reader, transformed.path, analyzed=analyze)
    graph.properties["features"] = len(built.feature_names)
