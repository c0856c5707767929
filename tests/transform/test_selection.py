"""Feature selection: scores against scikit-learn and scipy, choices that hold, a list that is applied and stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats
from sklearn.feature_selection import f_classif
from sklearn.metrics import mutual_info_score

from treadle import transform as tt
from treadle.errors import ModelFormatError, TransformError
from treadle.schema import Schema
from treadle.transform.selection._association import anova_f, chi_squared, mutual_information, pearson, spearman

RANDOM = np.random.default_rng(4)
X = RANDOM.normal(size=400)
CLASSES = (X + RANDOM.normal(size=400) > 0).astype(float)
FEW = RANDOM.integers(0, 4, 400).astype(float)
SCHEMA = Schema.loads(
    "".join(
        f'[features.{n}]\ntype = "{k}"\n'
        for n, k in {"good": "float", "bad": "float", "hot": "string", "y": "float"}.items()
    )
)
TABLE = pa.table(
    {
        "good": pa.array(X, mask=RANDOM.random(400) < 0.1),
        "bad": RANDOM.normal(size=400),
        "hot": np.where(CLASSES > 0, RANDOM.choice(["a", "b"], 400), "a"),
        "y": CLASSES,
    }
)


@pytest.fixture(scope="module")
def graph() -> tt.TransformGraph:
    def preprocess(x: Any) -> dict[str, Any]:
        return {
            "bad": x["bad"],
            "hot": tt.one_hot(tt.vocabulary(x["hot"])),
            "good": x["good"],
            "y": x["y"] > 0,
            "never": x["bad"] * 0,
        }

    return tt.analyze(preprocess, SCHEMA, lambda columns: iter(TABLE.select(columns).to_batches()), label="y")


def test_scores_are_those_of_others() -> None:
    assert pearson(X, CLASSES) == pytest.approx(abs(stats.pearsonr(X, CLASSES).statistic))
    assert spearman(FEW, CLASSES) == pytest.approx(abs(stats.spearmanr(FEW, CLASSES).statistic))
    assert anova_f(X, CLASSES) == pytest.approx(f_classif(X.reshape(-1, 1), CLASSES)[0][0])
    table = np.array([[((f == FEW) & (c == CLASSES)).sum() for c in (0, 1)] for f in range(4)])
    assert chi_squared(FEW, CLASSES) == pytest.approx(stats.chi2_contingency(table, correction=False).statistic)
    assert mutual_information(FEW, CLASSES) == pytest.approx(mutual_info_score(FEW, CLASSES))
    assert mutual_information(X, X) == pytest.approx(np.log(10))  # deciles


@pytest.mark.parametrize("score", [pearson, spearman, anova_f, chi_squared, mutual_information])
def test_what_does_not_vary_says_nothing(score: Any) -> None:
    assert score(np.ones(10), np.arange(10.0)) == 0
    assert score(np.arange(10.0), np.ones(10)) == 0


@pytest.mark.parametrize("method", ["pearson", "spearman", "anova_f", "chi_squared", "mutual_information"])
def test_filters_find_what_matters(graph: tt.TransformGraph, method: str) -> None:
    found = tt.filter_features(graph, TABLE, 2, method=method)
    assert set(found.chosen) == {"good", "hot"}
    assert found.scores["never"] == 0
    assert found.method == f"filter: {method}"
    kept = graph.keeping(found.chosen)
    assert kept.feature_names == ("hot=a", "hot=b", "good")
    assert kept.label == "y"
    assert [node.name for node in kept.feature_model().graph.input] == ["hot", "good"]


def test_wrappers_train_again_and_again() -> None:
    worth = {"a": 3.0, "b": 2.0, "c": 2.0, "d": -1.0}

    def evaluate(names: tuple[str, ...]) -> float:
        return sum(worth[name] for name in names) - (2.0 if {"a", "b"} <= set(names) else 0.0)

    assert tt.wrap_features(list(worth), evaluate, 2).chosen == ("a", "c")
    assert tt.wrap_features(list(worth), evaluate, 2, direction="backward").chosen == ("a", "c")
    assert tt.wrap_features(["a"], evaluate, 5).chosen == ("a",)
    trained: list[tuple[str, ...]] = []

    def importances(names: tuple[str, ...]) -> dict[str, float]:
        trained.append(names)
        return {name: worth[name] for name in names}

    assert tt.eliminate_features(["d", "b", "c", "a"], importances, 2).chosen == ("a", "b")
    assert trained == [("d", "b", "c", "a"), ("b", "c", "a"), ("b", "a")]


def test_a_model_says_what_it_used(graph: tt.TransformGraph) -> None:
    assert graph.feature_names == ("bad", "hot=a", "hot=b", "good", "never")
    found = tt.embedded_features(graph, [0.1, -1.0, 0.5, 1.2, 0.0], 5, method="L1")
    assert found.chosen == ("hot", "good", "bad")
    with pytest.raises(TransformError, match="2 importances for 5 columns"):
        tt.embedded_features(graph, [1, 2], 1, method="L1")


def test_a_selection_is_stored(tmp_path: Path) -> None:
    selection = tt.Selection("filter: anova_f", {"a": float("inf"), "b": 0.25}, ("a",))
    selection.save(tmp_path / "selection.json")
    assert tt.Selection.load(tmp_path / "selection.json") == selection
    for text in ("", "{}", '{"format": "treadle.selection/9"}', "[]"):
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(ModelFormatError, match="no selection here"):
            tt.Selection.load(tmp_path / "bad.json")


def test_mistakes_are_errors(graph: tt.TransformGraph) -> None:
    with pytest.raises(TransformError, match="no filter 'kendall'"):
        tt.filter_features(graph, TABLE, 1, method="kendall")
    with pytest.raises(TransformError, match="count must be"):
        tt.filter_features(graph, TABLE, 0)
    with pytest.raises(TransformError, match="no direction 'up'"):
        tt.wrap_features(["a"], lambda names: 0.0, 1, direction="up")
    with pytest.raises(TransformError, match="no output 'x'"):
        graph.keeping(["x"])
    with pytest.raises(TransformError, match="needs a label"):
        tt.filter_features(tt.TransformGraph({"bad": graph.nodes["bad"]}, None), TABLE, 1)
