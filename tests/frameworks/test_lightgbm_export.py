"""Our exporter against LightGBM itself, on values chosen to hurt: decimals, large magnitudes, missing, categories."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.errors import UnsupportedModelError
from treadle.frameworks import adapter_for, load_model, save_model
from treadle.frameworks.lightgbm._export import floor32
from treadle.graph import Session, serialize

BASE = {"verbosity": -1, "num_threads": 1, "deterministic": True, "seed": 1, "min_data_in_leaf": 5}
ROWS = 1500


def matrix(seed: int) -> Any:
    random = np.random.default_rng(seed)
    x = random.normal(size=(ROWS, 6)).astype(np.float32)
    x[:, 0] = np.round(x[:, 0], 1)  # decimals that float32 cannot hold
    x[:, 1] *= 1e7
    x[::7, 2] = np.nan
    x[:, 3] = random.integers(0, 40, ROWS)
    x[::3, 4] = 0
    x[:, 5] = random.integers(0, 5, ROWS)
    return x


def hurtful(seed: int) -> Any:
    """Rows unlike those of training: missing where nothing was missing, unseen categories, infinities."""
    x = matrix(seed)
    x[::11, 0] = np.nan
    x[::17, 1] = np.inf
    x[1::17, 1] = -np.inf
    for offset, value in enumerate((np.nan, -0.5, 0.7, 1e9, 7.7, -4, 99, 3e9, np.inf, -np.inf)):
        x[offset::13, 3] = value
    for offset, value in enumerate((1e-36, -1e-36, -0.0, np.nan)):
        x[offset::19, 4] = value
    return x


TRAIN, TEST = matrix(0), hurtful(1)
LABELS = ((TRAIN[:, 0] > 0.3) ^ (TRAIN[:, 3] % 3 == 0) | (np.nan_to_num(TRAIN[:, 2]) > 1)).astype(float)


def trained(labels: Any = LABELS, rounds: int = 25, categorical: Any = (3,), **settings: Any) -> lightgbm.Booster:
    data = lightgbm.Dataset(TRAIN, labels, categorical_feature=list(categorical))
    return lightgbm.train({**BASE, **settings}, data, rounds)


def check(model: Any, *, task: str, bound: float = 2e-6) -> None:
    adapter = adapter_for(model)
    signature = adapter.signature(model)
    assert (signature.task, signature.num_features) == (task, 6)
    session = Session(serialize(adapter.to_onnx(model, signature)))
    native = adapter.predict(model, TEST)
    graph = session.run({"features": TEST})[0]
    assert graph.shape == (ROWS, 1)
    np.testing.assert_allclose(graph[:, 0], native, rtol=bound, atol=bound)
    alone = [session.run({"features": TEST[i : i + 1]})[0][0, 0] for i in range(60)]
    assert alone == graph[:60, 0].tolist()


@pytest.mark.parametrize("missing", [{}, {"zero_as_missing": True}, {"use_missing": False}])
@pytest.mark.parametrize("categorical", [(), (3,), (3, 5)])
def test_missing_values_and_categories_go_where_lightgbm_sends_them(missing: Any, categorical: Any) -> None:
    check(trained(objective="binary", categorical=categorical, **missing), task="binary")


@pytest.mark.parametrize(
    "settings",
    [
        {"objective": "cross_entropy"},
        {"objective": "binary", "sigmoid": 2.5},
        {"objective": "binary", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5},
        {"objective": "binary", "boosting": "dart"},
        {"objective": "binary", "min_data_in_leaf": 10**6},
        {"objective": "binary", "max_cat_to_onehot": 100},
    ],
)
def test_binary_objectives(settings: Any) -> None:
    check(trained(**settings), task="binary")


@pytest.mark.parametrize(
    "settings",
    [
        *({"objective": name} for name in ("regression", "regression_l1", "huber", "fair", "quantile", "mape")),
        *({"objective": name} for name in ("poisson", "gamma", "tweedie")),
        {"objective": "regression", "reg_sqrt": True},
    ],
)
def test_regression_objectives(settings: Any) -> None:
    check(trained(labels=LABELS + 0.5, **settings), task="regression")


def test_estimators_of_the_sklearn_api() -> None:
    check(lightgbm.LGBMClassifier(**BASE, n_estimators=10).fit(TRAIN, LABELS), task="binary")
    check(lightgbm.LGBMRegressor(**BASE, n_estimators=10).fit(TRAIN, LABELS), task="regression")


def test_early_stopping_predicts_with_the_best_iteration(tmp_path: Path) -> None:
    data = lightgbm.Dataset(TRAIN, LABELS)
    watched = lightgbm.Dataset(matrix(5), np.random.default_rng(0).integers(0, 2, ROWS).astype(float), reference=data)
    settings = {**BASE, "objective": "binary", "metric": "binary_logloss"}
    stop = lightgbm.early_stopping(2, verbose=False)
    booster = lightgbm.train(settings, data, 30, valid_sets=[watched], callbacks=[stop])
    assert 0 < booster.best_iteration < 30
    check(booster, task="binary")
    save_model(booster, tmp_path)
    np.testing.assert_array_equal(load_model(tmp_path).predict(TEST), adapter_for(booster).predict(booster, TEST))


@given(st.floats(allow_nan=False))
def test_floor32_is_the_largest_float32_not_above(value: float) -> None:
    floor = floor32(value)
    assert float(np.float32(floor)) == floor or np.isinf(floor)
    assert floor <= value
    with np.errstate(over="ignore"):
        above = float(np.nextafter(np.float32(floor), np.float32(np.inf)))
    assert above > value or np.isposinf(floor)


def test_a_nearest_threshold_would_flip_rows() -> None:
    # The float32 of 0.1 lies above 0.1: rounding the threshold to nearest would send the value left.
    value = np.float32(0.1)
    assert float(value) > 0.1
    assert floor32(0.1) < float(value)


def test_saving_twice_gives_the_same_bytes_and_loading_the_same_model(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        save_model(trained(objective="binary"), tmp_path / name)
    for file in ("model.json", "model.txt"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    loaded = load_model(tmp_path / "a")
    booster = trained(objective="binary")
    np.testing.assert_array_equal(loaded.predict(TEST), booster.predict(TEST, num_threads=1))
    assert loaded.task == "binary"
    assert loaded.framework == "lightgbm"
    assert loaded.versions == {"lightgbm": lightgbm.__version__}
    assert serialize(loaded.to_onnx()) == serialize(adapter_for(booster).to_onnx(booster, loaded.signature))
    assert len(loaded.predict(TEST[:0])) == 0


def test_what_cannot_be_exported_is_refused_with_what_can() -> None:
    def custom(scores: Any, data: Any) -> Any:
        return scores - data.get_label(), np.ones_like(scores)

    refused = [
        (trained(labels=LABELS + TRAIN[:, 5] % 2, objective="multiclass", num_class=3), "has 3 outputs"),
        (trained(objective=custom), "objective 'of your own' is not supported"),
        (lightgbm.LGBMClassifier(), "is not a fitted LightGBM model"),
    ]
    for model, says in refused:
        with pytest.raises(UnsupportedModelError, match=says) as caught:
            adapter_for(model).signature(model)
        assert caught.value.hint
    linear = trained(objective="regression", linear_tree=True, categorical=())
    with pytest.raises(UnsupportedModelError, match="linear models in their leaves"):
        adapter_for(linear).to_onnx(linear, adapter_for(linear).signature(linear))
