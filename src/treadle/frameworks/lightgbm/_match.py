"""Which models of LightGBM work, and what they take and give."""

from __future__ import annotations

from typing import Any

from treadle.errors import UnsupportedModelError
from treadle.frameworks._adapter import ModelSignature

PACKAGE = "lightgbm"
EXTRA = "lightgbm"
BINARY = ("binary", "cross_entropy")
IDENTITY = ("regression", "regression_l1", "huber", "fair", "quantile", "mape")
LOG_LINK = ("poisson", "gamma", "tweedie")
SUPPORTED = f"LightGBM with objective {', '.join((*BINARY, *IDENTITY, *LOG_LINK))}"


def matches(model: object) -> bool:
    """Whether the model's class is LightGBM's own."""
    return type(model).__module__.split(".")[0] == "lightgbm"


def signature(model: Any) -> ModelSignature:
    """The signature of a fitted booster, or of an estimator around one.

    Raises:
        UnsupportedModelError: It is not fitted, has several classes, or an objective we do not export.
    """
    booster = booster_of(model)
    if booster.num_model_per_iteration() != 1:
        raise UnsupportedModelError(
            f"The booster has {booster.num_model_per_iteration()} outputs; a servable has one.",
            hint="Fit one label of two values, or one number.",
        )
    name = objective(booster).split(" ", maxsplit=1)[0]
    if name not in (*BINARY, *IDENTITY, *LOG_LINK):
        raise UnsupportedModelError(
            f"LightGBM's objective {name or 'of your own'!r} is not supported.",
            hint=f"Supported: {', '.join((*BINARY, *IDENTITY, *LOG_LINK))}.",
        )
    return ModelSignature("binary" if name in BINARY else "regression", booster.num_feature())


def booster_of(model: Any) -> Any:
    """The booster of a model: itself, or what an estimator has fitted."""
    if type(model).__name__ == "Booster":
        return model
    try:
        return model.booster_
    except Exception as error:  # LightGBM's own error, or an attribute that is not there
        raise UnsupportedModelError(
            f"{type(model).__name__} is not a fitted LightGBM model.",
            hint="Return a Booster, or an LGBMClassifier or LGBMRegressor after fit().",
        ) from error


def objective(booster: Any) -> str:
    """The objective with its settings as the model text has it, ``"binary sigmoid:1"``; empty for a function."""
    for line in booster.model_to_string(num_iteration=1).splitlines():
        if line.startswith("objective="):
            return str(line.removeprefix("objective="))
        if line.startswith("Tree="):
            break
    return ""
