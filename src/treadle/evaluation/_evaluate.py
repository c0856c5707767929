"""Measuring one model's predictions: overall and per slice."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from treadle.errors import EvaluationError
from treadle.evaluation._metrics import binary_metrics
from treadle.evaluation._regression import regression_metrics
from treadle.evaluation._slices import OVERALL, group_rows

FORMAT = "treadle.evaluation/1"


@dataclass(frozen=True, slots=True)
class SliceResult:
    """The metrics of one slice."""

    key: str
    """``feature=value[,feature=value...]``; empty for the overall slice."""
    metrics: Mapping[str, float | int | None]
    """Metric name to value; ``None`` where the metric is undefined on these rows."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one model scored on one set of rows."""

    slices: Mapping[str, SliceResult]
    """Slice key to its result; the overall slice has the empty key."""
    threshold: float = 0.5
    """The decision threshold of accuracy, precision and recall."""
    small_slices: Mapping[str, int] = field(default_factory=dict)
    """Slices left out because they have fewer rows than ``min_slice_rows``, and their row counts."""

    @property
    def overall(self) -> Mapping[str, float | int | None]:
        """The metrics over all rows."""
        return self.slices[OVERALL].metrics

    def to_json(self) -> dict[str, object]:
        """The evaluation as JSON-able fields."""
        return {
            "format": FORMAT,
            "threshold": self.threshold,
            "slices": {key: dict(result.metrics) for key, result in self.slices.items()},
            "small_slices": dict(self.small_slices),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> Evaluation:
        """Read what ``to_json`` gave.

        Raises:
            EvaluationError: Another format version wrote it.
        """
        if value.get("format") != FORMAT:
            raise EvaluationError(
                f"An evaluation of format {value.get('format')!r} cannot be read; this version reads {FORMAT!r}",
                hint="Evaluate the model again.",
            )
        slices = value["slices"]
        small = value["small_slices"]
        if not isinstance(slices, dict) or not isinstance(small, dict):
            raise EvaluationError("The evaluation has no slices", hint="Evaluate the model again.")
        return cls(
            {key: SliceResult(key, metrics) for key, metrics in slices.items()},
            float(str(value["threshold"])),
            small,
        )

    @classmethod
    def load(cls, path: Path) -> Evaluation:
        """Read the file that a pipeline's evaluate step wrote."""
        return cls.from_json(json.loads(path.read_text(encoding="utf-8")))


def evaluate(
    labels: NDArray[np.floating],
    predictions: NDArray[np.floating],
    *,
    rows: pa.Table | None = None,
    slices: Sequence[Sequence[str]] = (),
    threshold: float = 0.5,
    min_slice_rows: int = 1,
    task: str = "binary",
) -> Evaluation:
    """Measure predictions against labels.

    Args:
        labels: [N] of 0 and 1; of a regression finite numbers.
        predictions: [N] probabilities of the positive class; of a regression finite numbers.
        rows: The N rows that slices are cut from; needed only with ``slices``.
        slices: Lists of feature names; each list makes one slice per combination of values that occurs.
        threshold: Decision threshold of accuracy, precision and recall.
        min_slice_rows: Smaller slices are counted in ``small_slices`` and not measured.
        task: ``binary`` (:func:`binary_metrics`) or ``regression`` (:func:`regression_metrics`).

    Raises:
        EvaluationError: Lengths differ, or labels or predictions hold what they may not.
        SliceError: A slice names a column that is not there.
    """
    _check(labels, predictions, rows)
    if task not in _CHECKS:
        raise EvaluationError(f"{task!r} is not a task.", hint=f"There are {' and '.join(_CHECKS)}.")
    _CHECKS[task](labels, predictions)
    measure = regression_metrics if task == "regression" else partial(binary_metrics, threshold=threshold)
    results = {OVERALL: SliceResult(OVERALL, measure(labels, predictions)[0])}
    small: dict[str, int] = {}
    for features in slices if rows is not None else ():
        keys, codes = group_rows(rows, features)
        for key, metrics in zip(keys, measure(labels, predictions, codes, len(keys)), strict=True):
            count = int(metrics["count"] or 0)
            if count < min_slice_rows:
                small[key] = count
            else:
                results[key] = SliceResult(key, metrics)
    return Evaluation(results, threshold, small)


def _check(labels: NDArray[np.floating], predictions: NDArray[np.floating], rows: pa.Table | None) -> None:
    if len(labels) != len(predictions) or (rows is not None and rows.num_rows != len(labels)):
        raise EvaluationError(
            f"{len(labels)} labels, {len(predictions)} predictions"
            + (f" and {rows.num_rows} rows" if rows is not None else "")
            + " do not belong together",
            hint="Join labels and predictions by row id first.",
        )


def _check_binary(labels: NDArray[np.floating], predictions: NDArray[np.floating]) -> None:
    wrong = ~np.isin(labels, (0, 1))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise EvaluationError(
            f"A label is neither 0 nor 1: {labels[row]}",
            where={"row": row},
            hint="Leave rows without a label out of the evaluation, and write labels as 0 and 1.",
        )
    bad = ~((predictions >= 0) & (predictions <= 1))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise EvaluationError(
            f"A prediction is not a probability: {predictions[row]}",
            where={"row": row},
            hint="A binary classifier's output must lie between 0 and 1.",
        )


def _check_regression(labels: NDArray[np.floating], predictions: NDArray[np.floating]) -> None:
    for name, values in (("label", labels), ("prediction", predictions)):
        wrong = ~np.isfinite(values)
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise EvaluationError(
                f"A {name} is no number that can be measured: {values[row]}",
                where={"row": row},
                hint="Leave rows without a label out of the evaluation." if name == "label" else None,
            )


_CHECKS = {"binary": _check_binary, "regression": _check_regression}
