"""What a training function is given, and what it may give back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from treadle.artifact import canonical_json
from treadle.errors import TrainingDataError, UnsupportedModelError, UsageError, UserCodeError
from treadle.training import TrainingData, fit, load_split, load_training_data


def write(path: Path, label: Any = (0.0, 1.0, 1.0, 0.0), splits: Any = None, **manifest: Any) -> Path:
    rows = len(label)
    splits = {"train": rows, "eval": rows} if splits is None else splits
    table = pa.table(
        {
            "big": pa.array(label, pa.float32()),
            "fare": pa.array(np.arange(rows), pa.float32()),
            "zone=7": pa.array([float("nan")] * rows, pa.float32()),
            "__row_id__": [f"{row:032x}" for row in range(rows)],
        }
    )
    for split, count in splits.items():
        (path / split).mkdir()
        pq.write_table(table.slice(0, count), path / split / "part-00000.parquet")
    given = {"format": "treadle.transformed/1", "features": ["fare", "zone=7"], "label": "big", "splits": splits}
    (path / "transformed.json").write_bytes(canonical_json(given | manifest))
    return path


def test_matrices_labels_and_row_ids(tmp_path: Path) -> None:
    data = load_training_data(write(tmp_path))
    assert data.feature_names == ("fare", "zone=7")
    assert data.label == "big"
    assert data.train.features.dtype == data.train.labels.dtype == np.float32
    np.testing.assert_array_equal(data.train.features, [[row, np.nan] for row in range(4)])
    assert data.train.labels.tolist() == [0, 1, 1, 0]
    assert data.train.row_ids.to_pylist()[-1] == f"{3:032x}"
    assert data.train.table.column_names == ["big", "fare", "zone=7", "__row_id__"]
    assert data.eval is not None
    assert len(data.eval.labels) == 4


@pytest.mark.parametrize("splits", [{"train": 4}, {"train": 4, "eval": 0}])
def test_an_eval_split_is_optional(tmp_path: Path, splits: dict[str, int]) -> None:
    assert load_training_data(write(tmp_path, splits=splits)).eval is None


def test_what_cannot_be_trained_on_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingDataError, match="no transformed examples here"):
        load_training_data(tmp_path)
    cases: dict[str, tuple[dict[str, Any], str]] = {
        "empty": ({"splits": {"train": 0}}, "no rows to train on"),
        "unlabelled": ({"label": (0.0, float("nan"))}, "1 of 2 rows of the split 'train' have no label"),
    }
    for name, (given, says) in cases.items():
        (tmp_path / name).mkdir()
        with pytest.raises(TrainingDataError, match=says):
            load_training_data(write(tmp_path / name, **given))
    (tmp_path / "good").mkdir()
    with pytest.raises(TrainingDataError, match="no split 'test'"):
        load_split(write(tmp_path / "good"), "test")
    (tmp_path / "newer").mkdir()
    (tmp_path / "newer" / "transformed.json").write_bytes(canonical_json({"format": "treadle.transformed/9"}))
    with pytest.raises(TrainingDataError, match="reads 'treadle.transformed/2'"):
        load_training_data(tmp_path / "newer")


@pytest.fixture
def data(tmp_path: Path) -> TrainingData:
    return load_training_data(write(tmp_path))


def test_fit_gives_parameters_and_returns_the_model(data: TrainingData) -> None:
    def train(data: TrainingData, strength: float) -> LogisticRegression:
        return LogisticRegression(C=strength).fit(np.nan_to_num(data.train.features), data.train.labels)

    assert fit(train, data, {"strength": 0.5}).C == 0.5


def test_a_train_function_that_raises_keeps_its_traceback(data: TrainingData) -> None:
    def train(data: TrainingData) -> Any:
        return LinearRegression().fit(data.train.features, data.train.labels)  # scikit-learn refuses NaN

    with pytest.raises(UserCodeError, match=r"train \(.*train\) raised ValueError: Input X contains NaN") as caught:
        fit(train, data)
    assert caught.value.where["line"] == f"{Path(__file__)}:{train.__code__.co_firstlineno + 1}"
    assert "scikit-learn refuses NaN" in str(caught.value.where["code"])
    assert isinstance(caught.value.__cause__, ValueError)


def test_an_error_of_treadle_is_passed_on(data: TrainingData) -> None:
    def train(data: TrainingData) -> Any:
        raise UsageError("Not so.")

    with pytest.raises(UsageError, match="Not so"):
        fit(train, data)


def test_models_that_cannot_be_served_are_refused_at_once(data: TrainingData) -> None:
    features = np.nan_to_num(data.train.features)
    refused = [
        (lambda _: None, "returned nothing"),
        (lambda _: {"weights": [1.0]}, r"No framework adapter knows a model of type builtins\.dict"),
        (lambda d: KNeighborsClassifier(1).fit(features, d.train.labels), "KNeighborsClassifier of scikit-learn"),
        (lambda d: LinearRegression().fit(features[:, :1], d.train.labels), "fitted on 1 columns, and there are 2"),
    ]
    for train, says in refused:
        with pytest.raises(UnsupportedModelError, match=says) as caught:
            fit(train, data)
        assert caught.value.hint
