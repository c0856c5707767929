"""Features are chosen as scikit-learn chooses them, in a step of a pipeline; what is left out is gone behind it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.feature_selection import RFE, SelectKBest, SequentialFeatureSelector, f_classif
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import PredefinedSplit

import treadle
from treadle import components as step
from treadle import transform as tt
from treadle.components._choosing import METHODS, choose
from treadle.errors import TransformError
from treadle.runner import run
from treadle.schema import Schema
from treadle.servable import Servable
from treadle.training import SplitData, TrainingData

NAMES = [f"f{i}" for i in range(9)]
FOUND = load_breast_cancer()
X = ((FOUND.data - FOUND.data.mean(axis=0)) / FOUND.data.std(axis=0))[:, 1::3][:, :9].astype(np.float32)
Y = FOUND.target.astype(np.float32)
TEST = np.arange(len(X)) % 3 == 0
SCHEMA = Schema.loads("".join(f'[features.{name}]\ntype = "float"\n' for name in [*NAMES, "y"]))


def preprocess(x: Any) -> dict[str, Any]:
    return {name: x[name] for name in NAMES} | {"y": x["y"] > 0.5}


def fit_logistic(data: Any, **settings: Any) -> Any:
    return LogisticRegression(max_iter=2000, **settings).fit(data.train.features, data.train.labels)


@pytest.fixture(scope="module")
def graph() -> tt.TransformGraph:
    return tt.analyze(preprocess, SCHEMA, lambda columns: iter([]), label="y")


def split(rows: Any) -> SplitData:
    ids = pa.chunked_array([[str(i) for i in np.flatnonzero(rows)]])
    return SplitData(X[rows], Y[rows], ids, pa.table({"y": Y[rows]}))


DATA = TrainingData(split(~TEST), split(TEST), tuple(NAMES), "y")


def names_at(support: Any) -> set[str]:
    return {name for name, kept in zip(NAMES, support, strict=True) if kept}


def test_a_filter_keeps_what_scikit_learn_keeps(graph: tt.TransformGraph) -> None:
    found = choose(DATA, graph, "anova_f", 4, None)
    theirs = SelectKBest(f_classif, k=4).fit(X[~TEST], Y[~TEST])
    assert set(found.chosen) == names_at(theirs.get_support())
    np.testing.assert_allclose([found.scores[name] for name in NAMES], theirs.scores_, rtol=1e-5)


def test_elimination_keeps_what_scikit_learn_keeps(graph: tt.TransformGraph) -> None:
    found = choose(DATA, graph, "elimination", 3, fit_logistic)
    theirs = RFE(LogisticRegression(max_iter=2000), n_features_to_select=3).fit(X[~TEST], Y[~TEST])
    assert set(found.chosen) == names_at(theirs.support_)
    assert set(found.weighed) == set(NAMES)


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_wrappers_keep_what_scikit_learn_keeps(graph: tt.TransformGraph, direction: str) -> None:
    found = choose(DATA, graph, direction, 3, fit_logistic)
    folds = PredefinedSplit(np.where(TEST, 0, -1))  # the one split: trained on the others, scored on the test rows
    theirs = SequentialFeatureSelector(
        LogisticRegression(max_iter=2000), n_features_to_select=3, direction=direction, scoring="roc_auc", cv=folds
    ).fit(X, Y)
    assert set(found.chosen) == names_at(theirs.get_support())


def test_an_l1_penalty_leaves_out_what_it_does_not_need(graph: tt.TransformGraph) -> None:
    def sparse(data: Any) -> Any:
        return fit_logistic(data, l1_ratio=1.0, solver="liblinear", C=0.03, random_state=0)

    found = choose(DATA, graph, "importance", 9, sparse)
    coefficients = np.abs(sparse(DATA).coef_[0])
    assert set(found.chosen) == names_at(coefficients > 0)
    assert 0 < len(found.chosen) < 9
    np.testing.assert_allclose([found.scores[name] for name in NAMES], coefficients)


def test_trees_tell_their_gain(graph: tt.TransformGraph) -> None:
    import lightgbm

    def boosted(data: Any) -> Any:
        dataset = lightgbm.Dataset(data.train.features, data.train.labels)
        return lightgbm.train({"objective": "binary", "verbosity": -1, "num_threads": 1}, dataset, 20)

    found = choose(DATA, graph, "importance", 3, boosted)
    gain = boosted(DATA).feature_importance("gain")
    assert list(found.chosen) == [NAMES[i] for i in np.argsort(-gain)[:3]]


def test_a_number_is_predicted_by_its_error(graph: tt.TransformGraph) -> None:
    found = load_diabetes()
    x, y = found.data[:, :9].astype(np.float32), found.target.astype(np.float32)
    test = np.arange(len(x)) % 3 == 0

    def part(rows: Any) -> SplitData:
        return SplitData(x[rows], y[rows], pa.chunked_array([["a"] * int(rows.sum())]), pa.table({"y": y[rows]}))

    data = TrainingData(part(~test), part(test), tuple(NAMES), "y")
    kept = choose(data, graph, "forward", 2, lambda d: LinearRegression().fit(d.train.features, d.train.labels))
    theirs = SequentialFeatureSelector(
        LinearRegression(),
        n_features_to_select=2,
        scoring="neg_root_mean_squared_error",
        cv=PredefinedSplit(np.where(test, 0, -1)),
    ).fit(x, y)
    assert set(kept.chosen) == names_at(theirs.get_support())
    assert max(kept.scores.values()) < 0


def test_mistakes_are_errors(graph: tt.TransformGraph) -> None:
    with pytest.raises(TransformError, match="no method 'best'") as caught:
        choose(DATA, graph, "best", 3, None)
    assert all(method in str(caught.value.hint) for method in METHODS)
    with pytest.raises(TransformError, match="'forward' trains models"):
        choose(DATA, graph, "forward", 3, None)
    alone = TrainingData(DATA.train, None, DATA.feature_names, "y")
    with pytest.raises(TransformError, match="compares models on an eval split"):
        choose(alone, graph, "backward", 3, fit_logistic)
    with pytest.raises(TransformError, match="does not tell what it used"):
        choose(DATA, graph, "importance", 3, lambda data: object())
    with pytest.raises(TransformError, match="count must be"):
        choose(DATA, graph, "pearson", 0, None)


def fit_in_pipeline(data: Any, strength: float = 1.0) -> Any:
    return LogisticRegression(max_iter=2000, C=strength).fit(data.train.features, data.train.labels)


@pytest.mark.parametrize(("method", "materialize"), [("mutual_information", True), ("elimination", False)])
def test_the_step_leaves_out_features_of_everything_behind_it(tmp_path: Path, method: str, materialize: bool) -> None:
    pq.write_table(pa.table({name: X[:, i] for i, name in enumerate(NAMES)} | {"y": Y}), tmp_path / "rows.parquet")
    schema = tmp_path / "schema.toml"
    schema.write_text(SCHEMA.dumps().replace("[features.y]", '[features.y]\nnot_in = ["SERVING"]'))

    @treadle.pipeline
    def chosen() -> None:
        examples = step.ingest(
            pattern=str(tmp_path / "rows.parquet"), schema=schema, splits={"train": 0.7, "eval": 0.3}
        )
        statistics = step.statistics(examples, schema=schema)
        made = step.transform(examples, schema=schema, preprocess=preprocess, label="y", materialize=materialize)
        raw = None if materialize else examples
        kept = step.select_features(
            made.transformed,
            made.graph,
            raw,
            method=method,
            count=3,
            trainer=fit_in_pipeline,
            parameters={"strength": 0.5},
        )
        model = step.train(kept.selected, raw, trainer=fit_in_pipeline)
        step.package(model, kept.selected_graph, examples, statistics, schema=schema)

    result = run(chosen, home=tmp_path / "home")
    assert result.state == "succeeded", {name: node.error for name, node in result.nodes.items()}
    outputs = result.nodes["select_features"].outputs
    selection = tt.Selection.load(outputs["selection"].path / "selection.json")
    assert len(selection.chosen) == 3
    assert outputs["selection"].properties["chosen"] == list(selection.chosen)
    servable = Servable.load(result.nodes["package"].outputs["servable"].path)
    in_order = [name for name in NAMES if name in selection.chosen]
    assert list(servable.feature_names) == in_order
    assert sorted(spec.name for spec in servable.inputs) == sorted(in_order)
    manifest = json.loads((outputs["selected"].path / "transformed.json").read_text())
    assert manifest["features"] == in_order
    columns = pq.read_schema(outputs["selected"].path / "train" / "part-00000.parquet").names
    assert set(columns) == {"y", "__row_id__", *(in_order if materialize else [])}
    page = (outputs["selection"].path / "report.html").read_text(encoding="utf-8")
    assert "3 of 9 features kept" in page
    assert "http" not in page


def test_a_selection_shows_itself() -> None:
    selection = tt.Selection(
        "filter: <anova>", {"a&b": float("inf"), "b": 2.0, "c": -0.5}, ("a&b", "b"), ("a&b", "b", "c", "d")
    )
    for shown in (selection._repr_html_(), selection.page(rows=3)):
        assert "filter: &lt;anova&gt;: 2 of 4 features kept" in shown
        assert "a&amp;b" in shown
        assert shown.count('<tr class="out">') == 2
