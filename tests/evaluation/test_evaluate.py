from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from treadle.errors import EvaluationError, SliceError
from treadle.evaluation import Evaluation, evaluate

LABELS = np.array([1, 0, 1, 0, 1, 1])
SCORES = np.array([0.9, 0.2, 0.6, 0.7, 0.8, 0.1])
ROWS = pa.table(
    {
        "zone": pa.array(["b", "a", None, "a", "b", "a"]),
        "hour": pa.array([1, 2, 1, 1, 2, 2]),
        "ratio": pa.array([0.5, float("nan"), 1.0, None, 0.5, 1.0]),
        "tags": pa.array([["x"]] * 6),
    }
)


def test_slices_by_values_crosses_and_null():
    result = evaluate(LABELS, SCORES, rows=ROWS, slices=[["zone"], ["zone", "hour"]])
    counts = {key: part.metrics["count"] for key, part in result.slices.items()}
    assert counts == {
        "": 6, "zone=a": 3, "zone=b": 2, "zone=null": 1,
        "zone=a,hour=1": 1, "zone=a,hour=2": 2, "zone=b,hour=1": 1, "zone=b,hour=2": 1, "zone=null,hour=1": 1,
    }  # fmt: skip
    assert result.slices["zone=b"].metrics["auc"] is None  # one class only
    assert result.overall["base_rate"] == pytest.approx(4 / 6)


def test_nan_and_null_are_one_slice_and_whole_floats_read_as_integers():
    keys = evaluate(LABELS, SCORES, rows=ROWS, slices=[["ratio"]]).slices
    assert list(keys) == ["", "ratio=0.5", "ratio=1", "ratio=null"]
    assert keys["ratio=null"].metrics["count"] == 2


def test_small_slices_are_counted_not_measured():
    result = evaluate(LABELS, SCORES, rows=ROWS, slices=[["zone"]], min_slice_rows=3)
    assert set(result.slices) == {"", "zone=a"}
    assert result.small_slices == {"zone=b": 2, "zone=null": 1}


def test_round_trip(tmp_path):
    result = evaluate(LABELS, SCORES, rows=ROWS, slices=[["zone"]], min_slice_rows=2)
    path = tmp_path / "evaluation.json"
    path.write_text(json.dumps(result.to_json()))
    assert Evaluation.load(path) == result


def test_another_format_is_refused():
    with pytest.raises(EvaluationError, match="treadle.evaluation/9"):
        Evaluation.from_json({"format": "treadle.evaluation/9"})


@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        ([1, 0], [0.5], "do not belong together"),
        ([1, 2], [0.5, 0.5], "neither 0 nor 1: 2"),
        ([1, float("nan")], [0.5, 0.5], "neither 0 nor 1: nan"),
        ([1, 0], [0.5, 1.5], "not a probability: 1.5"),
        ([1, 0], [0.5, float("nan")], "not a probability: nan"),
    ],
)
def test_what_cannot_be_measured_is_refused(labels, scores, message):
    with pytest.raises(EvaluationError, match=message):
        evaluate(np.array(labels), np.array(scores))


def test_unknown_or_unordered_slice_column():
    with pytest.raises(SliceError, match="no column 'planet'"):
        evaluate(LABELS, SCORES, rows=ROWS, slices=[["planet"]])
    with pytest.raises(SliceError, match="cannot be sliced by 'tags'|have no order"):
        evaluate(LABELS, SCORES, rows=ROWS, slices=[["tags"]])
