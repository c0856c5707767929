"""Live quality: what was predicted against the labels that have arrived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from treadle.artifact import PREDICTION_COLUMN, PREDICTION_ID_COLUMN, VERSION_COLUMN
from treadle.evaluation import binary_metrics, regression_metrics
from treadle.monitoring._labels import join_labels


@dataclass(frozen=True, slots=True)
class Quality:
    """How good the predictions of one window were, as far as labels are in."""

    rows: int
    """Predictions served."""
    labelled: int
    """Of these, predictions whose label has arrived."""
    metrics: Mapping[str, float | int | None]
    """Over all labelled rows, whichever version answered."""
    by_version: Mapping[int, Mapping[str, float | int | None]]
    """The same per model version that answered."""


def measure_quality(traffic: pa.Table, labels: pa.Table, *, threshold: float = 0.5, task: str | None = None) -> Quality:
    """Join ``traffic`` with ``labels`` by prediction id and measure.

    Args:
        traffic: Rows of the request log, one per prediction id.
        labels: What ``LabelStore.read`` gives.
        threshold: Decision threshold of accuracy, precision and recall.
        task: ``binary`` or ``regression``; if not given, what labels and predictions look like: binary if every
            label is 0 or 1 and every prediction lies between them.
    """
    if not traffic.num_rows:
        return Quality(0, 0, binary_metrics(np.empty(0), np.empty(0))[0], {})
    joined = join_labels(traffic, labels, key=PREDICTION_ID_COLUMN)
    known = pc.is_valid(joined)
    y = joined.filter(known).to_numpy(zero_copy_only=False)
    served = traffic.filter(known)
    p = served[PREDICTION_COLUMN].to_numpy().astype(np.float64)
    versions, codes = np.unique(served[VERSION_COLUMN].to_numpy(), return_inverse=True)
    binary = task == "binary" or (task is None and bool(np.isin(y, (0, 1)).all() and ((p >= 0) & (p <= 1)).all()))
    measure = partial(binary_metrics, threshold=threshold) if binary else regression_metrics
    per_version = measure(y, p, codes, len(versions))
    return Quality(
        rows=traffic.num_rows,
        labelled=len(y),
        metrics=measure(y, p)[0],
        by_version={int(version): metrics for version, metrics in zip(versions, per_version, strict=True)},
    )
