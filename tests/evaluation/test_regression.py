from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from treadle.errors import EvaluationError
from treadle.evaluation import (
    ALL_METRICS,
    METRICS,
    REGRESSION_METRICS,
    at_least,
    at_most,
    evaluate,
    judge,
    no_worse,
    regression_metrics,
)

numbers = st.integers(-1000, 1000).map(lambda value: value / 8)


@settings(deadline=None)
@given(st.lists(st.tuples(numbers, numbers, st.integers(0, 3)), min_size=1, max_size=60))
def test_equals_scikit_learn_on_every_group(data) -> None:
    y, p = (np.array([row[place] for row in data]) for place in (0, 1))
    groups = np.array([row[2] for row in data])
    for group, measured in enumerate(regression_metrics(y, p, groups, 4)):
        inside = groups == group
        assert list(measured) == list(REGRESSION_METRICS)
        assert measured["count"] == inside.sum()
        if not inside.any():
            assert all(measured[name] is None for name in REGRESSION_METRICS[1:])
            continue
        yg, pg = y[inside], p[inside]
        assert measured["mae"] == pytest.approx(mean_absolute_error(yg, pg))
        assert measured["rmse"] == pytest.approx(root_mean_squared_error(yg, pg))
        assert measured["mean_label"] == pytest.approx(yg.mean())
        assert measured["mean_prediction"] == pytest.approx(pg.mean())
        if len(set(yg)) > 1:
            assert measured["r2"] == pytest.approx(r2_score(yg, pg), rel=1e-6, abs=1e-9)
        else:
            assert measured["r2"] is None


def test_equal_labels_have_no_r2() -> None:
    assert regression_metrics(np.array([0.1, 0.1, 0.1]), np.array([1.0, 3.0, 0.1]))[0]["r2"] is None
    assert regression_metrics(np.zeros(0), np.zeros(0))[0] == {"count": 0} | dict.fromkeys(REGRESSION_METRICS[1:])


def test_slices_gates_and_verdicts() -> None:
    labels, predictions = np.array([10.0, 20.0, 30.0, 100.0]), np.array([12.0, 20.0, 29.0, 70.0])
    measured = evaluate(
        labels, predictions, rows=pa.table({"zone": ["a", "a", "a", "b"]}), slices=[["zone"]], task="regression"
    )
    assert measured.overall["mae"] == pytest.approx(33 / 4)
    assert measured.slices["zone=b"].metrics["mae"] == 30.0
    assert judge(measured, [at_least("r2", 0.8), at_most("mae", 10)]).state == "passed"
    assert judge(measured, [at_most("mae", 5, slice="zone=b")]).state == "failed"
    better = evaluate(labels, labels, task="regression")
    assert judge(measured, [no_worse("rmse")], baseline=better).state == "failed"
    assert judge(better, [no_worse("rmse"), no_worse("r2")], baseline=measured).state == "passed"
    # a metric of the other task was not measured, and what was not measured passes nothing
    assert judge(measured, [at_least("auc", 0.5)]).state == "not_evaluated"
    assert set(ALL_METRICS) == {*METRICS, *REGRESSION_METRICS}


@pytest.mark.parametrize(
    ("labels", "predictions", "task", "message"),
    [
        ([1.0, float("nan")], [1.0, 1.0], "regression", "label is no number"),
        ([1.0, 2.0], [1.0, float("inf")], "regression", "prediction is no number"),
        ([1.0, 2.0], [1.0], "regression", "do not belong together"),
        ([1.0], [1.0], "ranking", "is not a task"),
        ([3.0], [1.0], "binary", "neither 0 nor 1"),
    ],
)
def test_what_cannot_be_measured(labels, predictions, task, message) -> None:
    with pytest.raises(EvaluationError, match=message):
        evaluate(np.array(labels), np.array(predictions), task=task)
