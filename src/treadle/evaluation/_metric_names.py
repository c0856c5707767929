"""The metrics by name: what gates and policies may speak of, without loading what measures them."""

from __future__ import annotations

from collections.abc import Mapping

# In the order people read them.
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

# Which way is better; what is absent has no better side (a count, a rate, calibration with its ideal at 1).
HIGHER_IS_BETTER: Mapping[str, bool] = {
    "auc": True,
    "accuracy": True,
    "precision": True,
    "recall": True,
    "log_loss": False,
}
