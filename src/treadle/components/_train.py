"""train: TransformedExamples -> Model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from treadle.artifact import Model, Output, TransformedExamples
from treadle.pipeline import component


@component
def train(
    transformed: TransformedExamples,
    *,
    trainer: Callable[..., Any],
    parameters: dict[str, Any] | None = None,
    model: Output[Model],
) -> None:
    """Call the user's training function and save what it returns in its framework's own safe format.

    Args:
        transformed: Features and labels.
        trainer: ``trainer(data, **parameters) -> fitted model``; ``data`` is a ``treadle.training.TrainingData``.
        parameters: Keyword arguments for ``trainer``.
        model: The fitted model.
    """
    from treadle.frameworks import save_model
    from treadle.training import fit, load_training_data

    data = load_training_data(transformed.path)
    fitted = fit(trainer, data, parameters or {})
    save_model(fitted, model.path)
    model.properties["rows"] = len(data.train.labels)
