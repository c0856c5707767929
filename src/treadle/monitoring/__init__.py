"""Has the world changed? The request log in windows of event time, against what the model was trained on.

Drift uses the same accumulators and distances as validation does before training; quality joins labels that
arrive later by prediction id. Sources of data are watched too: what they delivered is remembered.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from treadle.monitoring._calendar import Duration, Window, windows

if TYPE_CHECKING:
    from treadle.monitoring._drift import DriftReport, measure_drift
    from treadle.monitoring._labels import LabelStore, join_labels
    from treadle.monitoring._quality import Quality, measure_quality
    from treadle.monitoring._source import Delivered, look_at_source, span_length
    from treadle.monitoring._source_limits import judged_at, source_limits
    from treadle.monitoring._traffic import Traffic

__all__ = [
    "Delivered",
    "DriftReport",
    "Duration",
    "LabelStore",
    "Quality",
    "Traffic",
    "Window",
    "join_labels",
    "judged_at",
    "look_at_source",
    "measure_drift",
    "measure_quality",
    "source_limits",
    "span_length",
    "windows",
]

# A pipeline file declares a policy in lengths of time; only the process that watches loads the rest.
_LATER = {
    "Delivered": "_source",
    "DriftReport": "_drift",
    "LabelStore": "_labels",
    "Quality": "_quality",
    "Traffic": "_traffic",
    "join_labels": "_labels",
    "judged_at": "_source_limits",
    "look_at_source": "_source",
    "measure_drift": "_drift",
    "measure_quality": "_quality",
    "source_limits": "_source_limits",
    "span_length": "_source",
}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = value
    return value
