"""Is the candidate good enough? Metrics, slices and gates; the answer is a verdict with three values.

``evaluate`` measures predictions against labels, overall and per slice. ``judge`` holds the measurements against
gates: absolute bounds and bounds on the change against the model in service. A metric that could not be measured
is ``None``, never zero, and never passes a gate.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from treadle.evaluation._gates import Gate, at_least, at_most, no_worse, within
from treadle.evaluation._metric_names import ALL_METRICS, HIGHER_IS_BETTER, METRICS, REGRESSION_METRICS

if TYPE_CHECKING:
    from treadle.evaluation._evaluate import Evaluation, SliceResult, evaluate
    from treadle.evaluation._metrics import binary_metrics
    from treadle.evaluation._regression import regression_metrics
    from treadle.evaluation._verdict import GateResult, Verdict, judge

__all__ = [
    "ALL_METRICS",
    "HIGHER_IS_BETTER",
    "METRICS",
    "REGRESSION_METRICS",
    "Evaluation",
    "Gate",
    "GateResult",
    "SliceResult",
    "Verdict",
    "at_least",
    "at_most",
    "binary_metrics",
    "evaluate",
    "judge",
    "no_worse",
    "regression_metrics",
    "within",
]

# A pipeline file declares gates; only the process that measures loads numpy.
_LATER = {
    "Evaluation": "_evaluate",
    "SliceResult": "_evaluate",
    "evaluate": "_evaluate",
    "binary_metrics": "_metrics",
    "regression_metrics": "_regression",
    "GateResult": "_verdict",
    "Verdict": "_verdict",
    "judge": "_verdict",
}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = value
    return value
