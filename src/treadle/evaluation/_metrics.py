"""Metrics of a binary classifier, for many groups of rows in one pass.

All groups are measured together: rows are ordered once by (group, score), and every count is a difference of
running sums. So a slice costs no more than its rows, and the overall slice is the case of one group.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Probabilities are clipped to [_EPSILON, 1 - _EPSILON] before the logarithm: float32's resolution below 1.
_EPSILON = float(np.finfo(np.float32).eps)


def binary_metrics(
    labels: NDArray[np.floating],
    predictions: NDArray[np.floating],
    groups: NDArray[np.integer] | None = None,
    num_groups: int = 1,
    *,
    threshold: float = 0.5,
) -> list[dict[str, float | int | None]]:
    """Measure each group of rows.

    * ``calibration`` = mean prediction / base rate; ideal 1. Undefined without a positive.
    * ``auc`` = P(score of a positive > score of a negative), ties count one half: the Mann-Whitney U statistic
      over all rows, exact. Undefined unless both classes are there.
    * ``log_loss`` = -mean(y ln p + (1 - y) ln(1 - p)), in nats.
    * ``precision``, ``recall``, ``accuracy`` at ``prediction >= threshold``; precision is undefined where nothing
      was predicted positive, recall where nothing is.

    Args:
        labels: [N] of 0 and 1.
        predictions: [N] probabilities of the positive class, finite.
        groups: [N] group numbers in ``0 .. num_groups - 1``; ``None`` puts all rows in group 0.
        num_groups: How many groups there are; a group without rows has count 0 and ``None`` elsewhere.
        threshold: The decision threshold.

    Returns:
        One dict per group with the keys of ``METRICS``; a metric that is undefined there is ``None``.
    """
    y = np.asarray(labels, dtype=np.float64)
    p = np.asarray(predictions, dtype=np.float64)
    codes = np.zeros(len(y), dtype=np.intp) if groups is None else np.asarray(groups, dtype=np.intp)

    def total(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return _sum_by(codes, weights, num_groups)

    count = np.bincount(codes, minlength=num_groups).astype(np.float64)
    positives = total(y)
    chosen = (p >= threshold).astype(np.float64)
    true_positives = total(chosen * y)
    predicted_positives = total(chosen)
    true_negatives = count - positives - predicted_positives + true_positives
    clipped = np.clip(p, _EPSILON, 1.0 - _EPSILON)
    loss = total(-np.log(np.where(y > 0.5, clipped, 1.0 - clipped)))
    predicted = total(p)

    columns = {
        "base_rate": _ratio(positives, count),
        "mean_prediction": _ratio(predicted, count),
        "calibration": _ratio(predicted, positives),
        "auc": _auc(y, p, codes, positives, count - positives),
        "log_loss": _ratio(loss, count),
        "accuracy": _ratio(true_positives + true_negatives, count),
        "precision": _ratio(true_positives, predicted_positives),
        "recall": _ratio(true_positives, positives),
    }
    return [
        {"count": int(count[group])}
        | {name: None if np.isnan(values[group]) else float(values[group]) for name, values in columns.items()}
        for group in range(num_groups)
    ]


def _ratio(numerator: NDArray[np.float64], denominator: NDArray[np.float64]) -> NDArray[np.float64]:
    """``numerator / denominator``, NaN (not measured) where the denominator is zero."""
    result = np.full(len(denominator), np.nan)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result


def _sum_by(codes: NDArray[np.intp], weights: NDArray[np.float64], num_groups: int) -> NDArray[np.float64]:
    sums: NDArray[np.float64] = np.bincount(codes, weights=weights, minlength=num_groups).astype(np.float64)
    return sums


def _auc(
    y: NDArray[np.float64],
    p: NDArray[np.float64],
    codes: NDArray[np.intp],
    positives: NDArray[np.float64],
    negatives: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The area under the ROC curve of each group, ties counted one half."""
    if len(y) == 0:
        return np.full(len(positives), np.nan)
    order = np.lexsort((p, codes))
    y, p, codes = y[order], p[order], codes[order]
    # A tie block is a run of equal (group, score). Each positive beats the negatives of earlier blocks of its
    # group, and half of those in its own block.
    starts = np.flatnonzero(np.concatenate(([True], (np.diff(p) != 0) | (np.diff(codes) != 0))))
    block_positives = np.add.reduceat(y, starts)
    block_negatives = np.add.reduceat(1.0 - y, starts)
    block_codes = codes[starts]
    before = np.cumsum(block_negatives) - block_negatives
    group_before = np.concatenate(([0.0], np.cumsum(negatives)))[:-1]
    wins = block_positives * (before - group_before[block_codes] + 0.5 * block_negatives)
    return _ratio(_sum_by(block_codes, wins, len(positives)), positives * negatives)
