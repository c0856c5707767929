"""Authoring: mistakes are errors while tracing, with the user's own line."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from treadle import transform as tt
from treadle.errors import NoLoweringError, TransformError, TreadleError, UserCodeError
from treadle.schema import Schema

SCHEMA = Schema.loads(
    """
    [features.fare]
    type = "float"
    [features.rides]
    type = "int"
    [features.flag]
    type = "string"
    [features.when]
    type = "timestamp"
    [features.card]
    type = "bool"
    [features.prices]
    type = "float"
    list = true
    max_items = 4
    [features.tip]
    type = "float"
    not_in = ["SERVING"]
    """
)
ROWS = pa.table(
    {
        "fare": [1.0, None, 3.0],
        "rides": [1, 2, None],
        "flag": ["N", "Y", None],
        "when": pa.array([0, 1, None], pa.timestamp("us")),
        "card": [True, None, False],
        "tip": [1.0, 2.0, 3.0],
    }
)


def analyzed(preprocess: Callable[[Any], Any], label: str | None = None) -> tt.TransformGraph:
    return tt.analyze(preprocess, SCHEMA, lambda columns: iter(ROWS.select(columns).to_batches()), label=label)


def out(column: Callable[[Any], Any]) -> tt.TransformGraph:
    return analyzed(lambda x: {"out": column(x)})


MISTAKES: list[tuple[Callable[[Any], Any], type[TreadleError], str]] = [
    (lambda x: tt.mean(x["fare"]), TransformError, "the same for every row"),
    (lambda x: tt.where(tt.mean(x["fare"]) > 3, 1.0, 2.0), TransformError, "the same for every row"),
    (lambda x: x["fair"], TransformError, "no feature 'fair'"),
    (lambda x: x["fare"] if x["fare"] > 0 else 0, TransformError, "neither true nor false"),
    (lambda x: 0 < x["fare"] < 1, TransformError, "neither true nor false"),
    (lambda x: math.log(x["fare"]), TransformError, "not one number"),
    (lambda x: float(x["fare"]), TransformError, "not one number"),
    (lambda x: [0, 1][x["rides"]], TransformError, "not one number"),
    (lambda x: sum(x["fare"]), TransformError, "cannot be looped over"),
    (lambda x: x["fare"][0], TransformError, "cannot be looped over"),
    (lambda x: len(x["fare"]), TransformError, "cannot be looped over"),
    (lambda x: np.array(x["fare"]), TransformError, "not an array"),
    (lambda x: x["flag"].lower(), NoLoweringError, "has no 'lower'"),
    (lambda x: x["fare"].fillna(0), NoLoweringError, "has no 'fillna'"),
    (lambda x: np.sin(x["fare"]), NoLoweringError, "numpy.sin has no ONNX lowering"),
    (lambda x: np.cumsum(x["fare"]), NoLoweringError, "numpy.cumsum has no ONNX lowering"),
    (lambda x: np.add.reduce(x["fare"]), NoLoweringError, "in this form"),
    (lambda x: x["flag"] < "N", NoLoweringError, "Text has no order"),
    (lambda x: tt.cast(x["flag"], "float"), NoLoweringError, "Text cannot be cast"),
    (lambda x: tt.vocabulary(x["flag"], num_oov_buckets=-1), TransformError, "num_oov_buckets must be"),
    (lambda x: x["flag"] + 1, TransformError, "a number is needed, and this column holds text"),
    (lambda x: x["when"] * 2, TransformError, "a number is needed, and this column holds a timestamp"),
    (lambda x: x["fare"] + "1", TransformError, "a number is needed, and this is '1'"),
    (lambda x: x["fare"] == None, TransformError, "a number is needed, and this is None"),  # noqa: E711
    (lambda x: x["flag"] == 1, TransformError, "text is needed, and this is 1"),
    (lambda x: x["fare"] & x["card"], TransformError, "a condition is needed"),
    (lambda x: ~x["fare"], TransformError, "a condition is needed"),
    (lambda x: tt.where(x["fare"], 1, 0), TransformError, "a condition is needed"),
    (lambda x: tt.where(x["card"], 1, "a"), TransformError, "text is needed"),
    (lambda x: tt.hour_of_day(x["fare"]), TransformError, "a timestamp is needed"),
    (lambda x: tt.vocabulary(x["fare"]), TransformError, "a category is needed"),
    (lambda x: tt.vocabulary(x["flag"], top_k=0), TransformError, "top_k must be a whole number"),
    (lambda x: tt.one_hot(x["flag"]), TransformError, "needs to know the categories"),
    (lambda x: tt.one_hot(x["flag"], values=[1]), TransformError, "must be distinct and of type str"),
    (lambda x: tt.one_hot(x["rides"], values=[1, 1]), TransformError, "must be distinct and of type int"),
    (lambda x: tt.one_hot(tt.hour_of_day(x["when"])) + 1, TransformError, "one_hot makes several columns"),
    (lambda x: tt.bucketize(x["fare"]), TransformError, "either num_buckets or boundaries"),
    (lambda x: tt.bucketize(x["fare"], boundaries=[2, 1]), TransformError, "must ascend"),
    (lambda x: tt.bucketize(x["fare"], 1), TransformError, "num_buckets must be"),
    (lambda x: tt.fill_missing(x["flag"], 0), TransformError, "text is needed"),
    (lambda x: tt.is_missing(x["fare"] > 0), TransformError, "a column that can be missing"),
    (lambda x: tt.cast(x["fare"], "number"), TransformError, "not a type to cast to"),
    (lambda x: x.fare, TransformError, "named in brackets"),
    (lambda x: x["fare"].mean(), NoLoweringError, "has no 'mean'"),
    (lambda x: round(x["fare"]), TransformError, "not one number"),
    (lambda x: max(x["fare"], 0), TransformError, "neither true nor false"),
    (lambda x: x["fare"] in (1, 2), TransformError, "neither true nor false"),
    (lambda x: x["flag"] + "_" + x["flag"], TransformError, "Texts are not added"),
    (lambda x: np.where(x["fare"], 1, 0), TransformError, "a condition is needed"),
    (lambda x: np.where(x["fare"] > 0), NoLoweringError, "numpy.where has no ONNX lowering in this form"),
    (lambda x: x["prices"] + 1, TransformError, "this is the list 'prices'"),
    (lambda x: -x["prices"], TransformError, "this is the list 'prices'"),
    (lambda x: x["tip"] + 1, TransformError, "needs 'tip', which a request does not have"),
    (lambda x: x["flag"], TransformError, "is text; features are numbers"),
    (lambda x: x["when"], TransformError, "is a timestamp; features are numbers"),
]


@pytest.mark.parametrize(("mistake", "kind", "says"), MISTAKES)
def test_a_mistake_names_the_users_own_line(mistake: Callable[[Any], Any], kind: type[TreadleError], says: str) -> None:
    with pytest.raises(kind, match=says) as caught:
        out(mistake)
    line = mistake.__code__.co_firstlineno
    assert caught.value.where["line"] == f"{Path(__file__)}:{line}"
    assert caught.value.code in ("TRANSFORM", "TRANSFORM_NO_LOWERING")


@pytest.mark.parametrize(
    ("mistake", "hint"),
    [
        (lambda x: x.fare, "x['fare']"),
        (lambda x: x["fare"].fillna(0), "tt.fill_missing(x, 0)"),
        (lambda x: x["when"].dt, "tt.hour_of_day"),
        (lambda x: x["fare"].mean(), "tt.mean(x)"),
        (lambda x: x["fare"].plot(), "those of treadle.transform"),
        (lambda x: x["flag"] + "_", "tt.concat(a, b)"),
        (lambda x: tt.tokens(x["flag"]), "tt.token_ids"),
    ],
)
def test_what_to_write_is_said(mistake: Callable[[Any], Any], hint: str) -> None:
    with pytest.raises(TreadleError) as caught:
        out(mistake)
    assert hint in str(caught.value.hint)


def test_a_close_name_of_a_function_is_suggested() -> None:
    with pytest.raises(UserCodeError, match="Did you mean 'scale_to_z_score'") as caught:
        out(lambda x: tt.scale_to_zscore(x["fare"]))  # type: ignore[attr-defined]
    assert str(caught.value.where["line"]).startswith(__file__)


def test_a_close_name_is_suggested() -> None:
    with pytest.raises(TransformError) as caught:
        out(lambda x: x["fair"])
    assert caught.value.hint == "Did you mean 'fare'?"


@pytest.mark.parametrize(
    ("preprocess", "says"),
    [
        (lambda x: None, "must return a dict"),
        (lambda x: {}, "must return a dict"),
        (lambda x: {"out": 1.0}, "is not a column"),
        (lambda x: {1: x["fare"]}, "cannot be the name of an output"),
        (lambda x: {"__row_id__": x["fare"]}, "cannot be the name of an output"),
        (lambda x: {"out=N": x["fare"], "out": tt.one_hot(x["flag"], values=["N"])}, "Two outputs have a column"),
        (lambda x: {"tip": x["tip"]}, "needs 'tip', which a request does not have"),
    ],
)
def test_outputs_that_cannot_be_are_refused(preprocess: Callable[[Any], Any], says: str) -> None:
    with pytest.raises(TransformError, match=says):
        analyzed(preprocess)


def test_a_label_must_be_an_output() -> None:
    with pytest.raises(TransformError, match="no output 'tips' to be the label"):
        analyzed(lambda x: {"fare": x["fare"]}, label="tips")


def test_a_label_may_use_what_requests_do_not_have() -> None:
    graph = analyzed(lambda x: {"big": x["tip"] > 0.2 * x["fare"], "fare": x["fare"]}, label="big")
    assert graph.feature_names == ("fare",)
    assert [node.name for node in graph.feature_model().graph.input] == ["fare"]
    assert graph.inputs_for(["big"]) == ("tip", "fare")
    assert graph.transform(ROWS, outputs=["big"])["big"].to_pylist() == [1.0, 0.0, 1.0]


def test_a_preprocess_that_raises_keeps_its_traceback() -> None:
    def preprocess(x: Any) -> Any:
        return {"out": x["fare"] / (1 // 0)}

    with pytest.raises(UserCodeError, match=r"preprocess \(.*preprocess\) raised ZeroDivisionError") as caught:
        analyzed(preprocess)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    line = preprocess.__code__.co_firstlineno + 1
    assert caught.value.where["line"] == f"{Path(__file__)}:{line}"


def test_columns_read_like_numpy() -> None:
    graph = analyzed(
        lambda x: {
            "log": np.log1p(x["fare"]),
            "scaled": np.float64(2) * x["fare"],
            "more": np.float32(1) < x["fare"],
            "gone": np.isnan(x["fare"]) | ~(np.absolute(x["fare"]) >= 2),
            "both": x["card"] & (x["fare"] > 0),
            "chosen": np.where(x["fare"] > 2, x["fare"], -1),
            "clipped": np.clip(x["fare"], 0, 2),
        }
    )
    got = graph.transform(ROWS).to_pydict()
    np.testing.assert_allclose(got["log"], np.log1p([1, np.nan, 3]), rtol=1e-7)
    np.testing.assert_array_equal(got["scaled"], [2, np.nan, 6])
    assert got["more"] == [0, 0, 1]
    assert got["gone"] == [1, 1, 0]
    assert got["both"] == [1, 0, 0]
    assert got["chosen"] == [-1, -1, 3]
    np.testing.assert_array_equal(got["clipped"], [1, np.nan, 2])


def test_columns_know_their_features() -> None:
    columns = tt.Columns(SCHEMA)
    assert list(columns) == list(SCHEMA.features)
    assert "fare" in columns
    assert len(columns) == 7
    assert repr(columns["fare"]) == "<Column of a number>"
    with pytest.raises(TypeError, match="unhashable"):
        hash(columns["fare"])
