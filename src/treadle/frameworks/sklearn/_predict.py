"""scikit-learn's own predictions."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def predict(model: Any, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Predictions ``[N]`` for ``[N, F]``; of a classifier the probability of its second class.

    scikit-learn refuses rows with NaN or infinities; for these the linear formula itself is taken.
    """
    matrix = np.asarray(matrix)
    finite = np.isfinite(matrix).all(axis=1)
    predictions = np.empty(len(matrix), dtype=np.float64)
    if finite.any():
        predictions[finite] = _estimate(model, matrix[finite])
    if not finite.all():
        with np.errstate(all="ignore"):
            raw = matrix[~finite].astype(np.float64) @ np.asarray(model.coef_, dtype=np.float64).reshape(-1)
            raw = raw + np.asarray(model.intercept_, dtype=np.float64).reshape(-1)
            predictions[~finite] = 1 / (1 + np.exp(-raw)) if hasattr(model, "classes_") else raw
    return predictions


def _estimate(model: Any, matrix: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
    if hasattr(model, "classes_"):
        return np.asarray(model.predict_proba(matrix)[:, 1])
    return np.asarray(model.predict(matrix)).reshape(-1)
