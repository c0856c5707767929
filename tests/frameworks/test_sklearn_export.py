"""Linear models: export, storage, and rows that scikit-learn itself refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import linear_model
from sklearn.ensemble import RandomForestClassifier

from treadle.errors import UnsupportedModelError
from treadle.frameworks import adapter_for, load_model, save_model
from treadle.graph import Session, serialize

RANDOM = np.random.default_rng(0)
TRAIN = RANDOM.normal(size=(400, 3)).astype(np.float32)
LABELS = (TRAIN @ [1.0, -2.0, 0.3] > 0.2).astype(int)
TEST = np.vstack([TRAIN * 30, [[np.nan, 1, 1], [np.inf, 0, 0], [1e30, 1e30, 0]]]).astype(np.float32)
MODELS = {
    "lbfgs": linear_model.LogisticRegression(),
    "liblinear": linear_model.LogisticRegression(solver="liblinear"),
    "no_intercept": linear_model.LogisticRegression(fit_intercept=False),
    "linear": linear_model.LinearRegression(),
    "ridge": linear_model.Ridge(),
    "lasso": linear_model.Lasso(alpha=0.01),
    "elastic": linear_model.ElasticNet(alpha=0.01),
    "sgd": linear_model.SGDClassifier(loss="log_loss", random_state=0),
    "sgd_regressor": linear_model.SGDRegressor(random_state=0),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_graph_predicts_as_the_model(name: str, dtype: Any, tmp_path: Path) -> None:
    model = MODELS[name].fit(TRAIN.astype(dtype), LABELS)
    save_model(model, tmp_path)
    loaded = load_model(tmp_path)
    native = adapter_for(model).predict(model, TEST)
    np.testing.assert_array_equal(loaded.predict(TEST), native)
    graph = Session(serialize(loaded.to_onnx())).run({"features": TEST})[0][:, 0]
    np.testing.assert_allclose(graph, native, rtol=1e-5, atol=1e-6)
    assert np.isnan(graph[-3])
    assert loaded.task == ("binary" if hasattr(model, "classes_") else "regression")
    assert set(loaded.versions) == {"scikit-learn"}


def test_a_binary_prediction_is_the_probability_of_the_second_class() -> None:
    for classes in ([0, 1], ["no", "yes"], [False, True]):
        model = linear_model.LogisticRegression().fit(TRAIN, np.array(classes)[LABELS])
        assert adapter_for(model).predict(model, TRAIN)[LABELS == 1].mean() > 0.8


def test_saving_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        save_model(linear_model.Ridge().fit(TRAIN, LABELS), tmp_path / name)
    assert (tmp_path / "a" / "linear.json").read_bytes() == (tmp_path / "b" / "linear.json").read_bytes()


def test_unsupported_models_are_refused_with_what_is_supported() -> None:
    refused = [
        (RandomForestClassifier(n_estimators=2).fit(TRAIN, LABELS), "RandomForestClassifier of scikit-learn is not"),
        (linear_model.LogisticRegression(), "is not fitted"),
        (linear_model.LogisticRegression().fit(TRAIN, RANDOM.integers(0, 3, 400)), "has 3 outputs"),
        (linear_model.LinearRegression().fit(TRAIN, TRAIN[:, :2]), "has 2 outputs"),
        (linear_model.SGDClassifier(random_state=0).fit(TRAIN, LABELS), "'hinge' gives no probabilities"),
    ]
    for model, says in refused:
        with pytest.raises(UnsupportedModelError, match=says) as caught:
            adapter_for(model).signature(model)
        assert caught.value.hint


def test_a_stored_class_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    save_model(linear_model.Ridge().fit(TRAIN, LABELS), tmp_path)
    file = tmp_path / "linear.json"
    file.write_text(file.read_text().replace('"Ridge"', '"os.system"'))
    with pytest.raises(UnsupportedModelError, match="not a known linear model"):
        load_model(tmp_path)
