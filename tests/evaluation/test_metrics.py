from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, log_loss, precision_score, recall_score, roc_auc_score

from treadle.evaluation import METRICS, binary_metrics

rows = st.lists(
    # few distinct scores, so that ties are common
    st.tuples(st.integers(0, 1), st.integers(0, 8), st.integers(0, 3)),
    min_size=1,
    max_size=80,
)


@settings(deadline=None)
@given(rows)
def test_equals_scikit_learn_on_every_group(data):
    y = np.array([row[0] for row in data], dtype=float)
    p = np.array([row[1] / 8 for row in data])
    groups = np.array([row[2] for row in data])
    for group, measured in enumerate(binary_metrics(y, p, groups, 4)):
        inside = groups == group
        yg, pg = y[inside], p[inside]
        assert list(measured) == list(METRICS)
        assert measured["count"] == inside.sum()
        if not inside.any():
            assert all(measured[name] is None for name in METRICS[1:])
            continue
        assert measured["base_rate"] == pytest.approx(yg.mean())
        assert measured["accuracy"] == pytest.approx(accuracy_score(yg, pg >= 0.5))
        eps = np.finfo(np.float32).eps
        assert measured["log_loss"] == pytest.approx(log_loss(yg, np.clip(pg, eps, 1 - eps), labels=[0, 1]))
        if (pg >= 0.5).any():
            assert measured["precision"] == pytest.approx(precision_score(yg, pg >= 0.5, zero_division=0))
        else:
            assert measured["precision"] is None
        if yg.any():
            assert measured["recall"] == pytest.approx(recall_score(yg, pg >= 0.5))
            assert measured["calibration"] == pytest.approx(pg.mean() / yg.mean())
        else:
            assert measured["recall"] is None
            assert measured["calibration"] is None
        if 0 < yg.mean() < 1:
            assert measured["auc"] == pytest.approx(roc_auc_score(yg, pg))
        else:
            assert measured["auc"] is None


def test_no_rows_measure_nothing():
    (measured,) = binary_metrics(np.array([]), np.array([]))
    assert measured["count"] == 0
    assert all(measured[name] is None for name in METRICS[1:])
