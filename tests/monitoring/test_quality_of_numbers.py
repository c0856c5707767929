"""Live quality where the prediction is a number."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pyarrow as pa
import pytest

from treadle.monitoring import measure_quality


def traffic(predictions: list[float], versions: list[int]) -> pa.Table:
    return pa.table(
        {
            "__prediction_id__": [f"p{number}" for number in range(len(predictions))],
            "__prediction__": pa.array(predictions, pa.float32()),
            "__version__": pa.array(versions, pa.int64()),
        }
    )


def labels(values: list[float]) -> pa.Table:
    ids = [f"p{number}" for number in range(len(values))]
    return pa.table(
        {"prediction_id": ids, "label": values, "event_time": pa.array([datetime(2020, 1, 1)] * len(values))}
    )


def test_numbers_are_measured_as_numbers() -> None:
    quality = measure_quality(traffic([10, 20, 30, 40], [1, 1, 2, 2]), labels([12, 20, 33]))
    assert (quality.rows, quality.labelled) == (4, 3)
    assert quality.metrics["mae"] == pytest.approx(5 / 3)
    assert quality.by_version[1]["rmse"] == pytest.approx(np.sqrt(2))
    assert quality.by_version[2]["mae"] == 3.0
    assert "auc" not in quality.metrics


def test_zeros_and_ones_are_answers_unless_it_is_said() -> None:
    seen, given = traffic([0.25, 0.75], [1, 1]), labels([0, 1])
    assert measure_quality(seen, given).metrics["auc"] == 1.0
    assert measure_quality(seen, given, task="regression").metrics["mae"] == 0.25
    # a prediction that is no probability is none of an answer
    assert measure_quality(traffic([0.25, 1.5], [1, 1]), given).metrics["mae"] == pytest.approx(0.375)
