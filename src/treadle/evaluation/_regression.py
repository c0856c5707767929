"""Metrics of a regression, for many groups of rows in one pass."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def regression_metrics(
    labels: NDArray[np.floating],
    predictions: NDArray[np.floating],
    groups: NDArray[np.integer] | None = None,
    num_groups: int = 1,
) -> list[dict[str, float | int | None]]:
    """Measure each group of rows.

    * ``mae`` = mean |y - p|, ``rmse`` = sqrt(mean (y - p)^2): in the label's unit.
    * ``r2`` = 1 - sum (y - p)^2 / sum (y - mean y)^2, the coefficient of determination: 1 is perfect, 0 as good as the
      group's mean, negative worse than that. Undefined where all labels are equal.

    Args:
        labels: [N], finite.
        predictions: [N], finite.
        groups: [N] group numbers in ``0 .. num_groups - 1``; ``None`` puts all rows in group 0.
        num_groups: How many groups there are; a group without rows has count 0 and ``None`` elsewhere.

    Returns:
        One dict per group with the keys of ``REGRESSION_METRICS``; a metric that is undefined there is ``None``.
    """
    y = np.asarray(labels, dtype=np.float64)
    p = np.asarray(predictions, dtype=np.float64)
    codes = np.zeros(len(y), dtype=np.intp) if groups is None else np.asarray(groups, dtype=np.intp)
    count = np.bincount(codes, minlength=num_groups).astype(np.float64)

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        total = np.bincount(codes, weights=values, minlength=num_groups)
        means: NDArray[np.float64] = np.divide(total, count, out=np.full(num_groups, np.nan), where=count > 0)
        return means

    # from the first label of each group: the spread of equal labels is then zero, not what rounding leaves
    firsts = np.zeros(num_groups)
    firsts[codes[::-1]] = y[::-1]
    above = y - firsts[codes]
    squared, spread = mean((y - p) ** 2), mean((above - mean(above)[codes]) ** 2)
    columns = {
        "mean_label": mean(y),
        "mean_prediction": mean(p),
        "mae": mean(np.abs(y - p)),
        "rmse": np.sqrt(squared),
        "r2": 1.0 - np.divide(squared, spread, out=np.full(num_groups, np.nan), where=spread > 0),
    }
    return [
        {"count": int(count[group])}
        | {name: None if np.isnan(values[group]) else float(values[group]) for name, values in columns.items()}
        for group in range(num_groups)
    ]
