"""train: TransformedExamples -> Model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from treadle.artifact import Examples, Model, Output, TransformedExamples
from treadle.pipeline import component


@component
def train(
    transformed: TransformedExamples,
    examples: Examples | None = None,
    *,
    trainer: Callable[..., Any],
    parameters: dict[str, Any] | None = None,
    model: Output[Model],
) -> None:
    """Call the user's training function and save what it returns in its framework's own safe format.

    Args:
        transformed: Features and labels.
        examples: The raw rows, where ``transformed`` was made with ``materialize=False``: features are then computed
            as they are read, and ``data.train.batches()`` holds one batch of them in memory.
        trainer: ``trainer(data, **parameters) -> fitted model``; ``data`` is a ``treadle.training.TrainingData``.
        parameters: Keyword arguments for ``trainer``.
        model: The fitted model.
    """
    from treadle.frameworks import save_model
    from treadle.ingest import read_examples
    from treadle.training import fit, load_training_data

    raw = None if examples is None else read_examples(examples.path)
    data = load_training_data(transformed.path, examples=raw)
    fitted = fit(trainer, data, parameters or {})
    save_model(fitted, model.path)
    model.properties["rows"] = data.train.num_rows
