"""select_features: TransformedExamples and TransformGraph -> the same with the features that are worth keeping."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from treadle.artifact import Examples, FeatureSelection, Output, TransformedExamples, TransformGraphArtifact
from treadle.pipeline import component


@component
def select_features(
    transformed: TransformedExamples,
    graph: TransformGraphArtifact,
    examples: Examples | None = None,
    *,
    method: str,
    count: int,
    trainer: Callable[..., Any] | None = None,
    parameters: dict[str, Any] | None = None,
    selection: Output[FeatureSelection],
    selected: Output[TransformedExamples],
    selected_graph: Output[TransformGraphArtifact],
) -> None:
    """Weigh the features on the training split, keep the best, and leave the others out of everything that follows.

    Train on ``selected`` and package with ``selected_graph``: the served model then needs no feature that was left out.

    Args:
        transformed: Features and labels.
        graph: The graph they were made by.
        examples: The raw rows, where ``transformed`` was made with ``materialize=False``.
        method: By themselves: ``pearson``, ``spearman``, ``anova_f``, ``chi_squared``, ``mutual_information``. By
            training again and again: ``forward`` and ``backward`` (by AUC, or by the root mean squared error, on the
            eval split), ``elimination`` (the least important goes). By one training: ``importance`` (trees' gain or
            importance, the size of coefficients: take an L1 penalty).
        count: How many features to keep; one with several columns, as ``one_hot``, counts once.
        trainer: For the methods that train: as in :func:`train`.
        parameters: Keyword arguments for ``trainer``.
        selection: The method, every feature's score, and the list that was chosen, as JSON and as a page.
        selected: Features and labels without what was left out.
        selected_graph: The graph without what was left out.
    """
    from treadle.components._choosing import choose
    from treadle.ingest import read_examples
    from treadle.training import fit, load_training_data
    from treadle.transform import TransformGraph, keep_transformed

    raw = None if examples is None else read_examples(examples.path)
    data = load_training_data(transformed.path, examples=raw)
    built = TransformGraph.load(graph.path)
    train = None if trainer is None else lambda part: fit(trainer, part, parameters or {})
    found = choose(data, built, method, count, train)
    kept = keep_transformed(transformed.path, selected.path, built, found.chosen)
    kept.save(selected_graph.path)
    found.save(selection.path / "selection.json")
    (selection.path / "report.html").write_text(found.page(rows=data.train.num_rows), encoding="utf-8", newline="\n")
    selection.properties.update(method=found.method, chosen=list(found.chosen))
    selected_graph.properties["features"] = len(kept.feature_names)
