"""Has the world changed? The request log in windows of event time, against what the model was trained on.

Drift uses the same accumulators and distances as validation does before training; quality joins labels that
arrive later by prediction id.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from treadle.monitoring._calendar import Duration, Window, windows

if TYPE_CHECKING:
    from treadle.monitoring._drift import DriftReport, measure_drift
    from treadle.monitoring._labels import LabelStore, join_labels
    from treadle.monitoring._quality import Quality, measure_quality
    from treadle.monitoring._traffic import Traffic

__all__ = [
    "DriftReport",
    "Duration",
    "LabelStore",
    "Quality",
    "Traffic",
    "Window",
    "join_labels",
    "measure_drift",
    "measure_quality",
    "windows",
]

# A pipeline file declares a policy in lengths of time; only the process that watches loads the rest.
_LATER = {
    "DriftReport": "_drift",
    "LabelStore": "_labels",
    "Quality": "_quality",
    "Traffic": "_traffic",
    "join_labels": "_labels",
    "measure_drift": "_drift",
    "measure_quality": "_quality",
}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = value
    return value
