"""LightGBM's own predictions."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from treadle.frameworks.lightgbm._match import booster_of


def predict(model: Any, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Predictions ``[N]`` for ``[N, F]``; with a binary objective the probability of the positive label."""
    booster = booster_of(model)
    if len(matrix) == 0:
        return np.empty(0)
    return np.asarray(booster.predict(np.ascontiguousarray(matrix), num_threads=1), dtype=np.float64)
