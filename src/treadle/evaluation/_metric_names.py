"""The metrics by name: what gates and policies may speak of, without loading what measures them."""

from __future__ import annotations

from collections.abc import Mapping

# Of a binary task, in the order people read them.
METRICS = (
    "count",
    "base_rate",
    "mean_prediction",
    "calibration",
    "auc",
    "log_loss",
    "accuracy",
    "precision",
    "recall",
)

# Of a regression.
REGRESSION_METRICS = (
    "count",
    "mean_label",
    "mean_prediction",
    "mae",
    "rmse",
    "r2",
)

# What a gate or a policy may ask for, whatever the task.
ALL_METRICS = tuple(dict.fromkeys((*METRICS, *REGRESSION_METRICS)))

# Which way is better; what is absent has no better side (a count, a rate, calibration with its ideal at 1).
HIGHER_IS_BETTER: Mapping[str, bool] = {
    "auc": True,
    "accuracy": True,
    "precision": True,
    "recall": True,
    "log_loss": False,
    "mae": False,
    "rmse": False,
    "r2": True,
}
