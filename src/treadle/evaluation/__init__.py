"""Is the candidate good enough? Metrics, slices and gates; the answer is a verdict with three values.

``evaluate`` measures predictions against labels, overall and per slice. ``judge`` holds the measurements against
gates: absolute bounds and bounds on the change against the model in service. A metric that could not be measured
is ``None``, never zero, and never passes a gate.
"""

from treadle.evaluation._evaluate import Evaluation, SliceResult, evaluate
from treadle.evaluation._gates import Gate, at_least, at_most, no_worse, within
from treadle.evaluation._metrics import HIGHER_IS_BETTER, METRICS, binary_metrics
from treadle.evaluation._verdict import GateResult, Verdict, judge

__all__ = [
    "HIGHER_IS_BETTER",
    "METRICS",
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
    "within",
]
