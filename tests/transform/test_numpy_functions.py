"""Numpy functions: held to their ONNX body wherever a graph is made or built, and refused without one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from treadle import transform as tt
from treadle.errors import NoLoweringError, ParityError, TransformError, TreadleError, UserCodeError
from treadle.graph import body_nodes, serialize, walk
from treadle.schema import Schema
from treadle.servable import Servable, build_servable
from treadle.transform.analysis._agreement import AgreementOf

SCHEMA = Schema.loads('[features.a]\ntype = "float"\n[features.i]\ntype = "int"\n[features.s]\ntype = "string"\n')
random = np.random.default_rng(0)
ROWS = pa.table(
    {
        "a": pa.array(random.normal(0, 3, 500), mask=random.random(500) < 0.1),
        "i": random.integers(-5, 5, 500),
        "s": ["x"] * 500,
    }
)
FLOAT, DOUBLE = TensorProto.FLOAT, TensorProto.DOUBLE


def smooth(a: Any, i: Any) -> Any:
    return np.log1p(np.exp(a)) * i


def smooth_body(a: Any, i: Any) -> Any:
    return tt.log1p(tt.exp(a)) * i


def ports(names: str, kind: int, columns: int = 1) -> list[onnx.ValueInfoProto]:
    return [helper.make_tensor_value_info(name, kind, ["N", columns]) for name in names]


def graph_of(*nodes: onnx.NodeProto, inputs: str = "ai", kind: int = DOUBLE, constants: Any = ()) -> onnx.GraphProto:
    return helper.make_graph(list(nodes), "body", ports(inputs, kind), ports("y", kind), list(constants))


SOFTPLUS = graph_of(helper.make_node("Softplus", ["a"], ["s"]), helper.make_node("Mul", ["s", "i"], ["y"]), kind=FLOAT)
DOUBLED = graph_of(helper.make_node("Add", ["a", "a"], ["y"]), inputs="a")


def analyzed(preprocess: Callable[[Any], Any], rows: pa.Table = ROWS, size: int = 100) -> tt.TransformGraph:
    return tt.analyze(preprocess, SCHEMA, lambda columns: iter(rows.select(columns).to_batches(size)))


def of(function: Any, *names: str, **settings: Any) -> tt.TransformGraph:
    return analyzed(lambda x: {"y": tt.numpy_function(function, *(x[name] for name in names), **settings)})


@pytest.mark.parametrize(
    "body", [smooth_body, SOFTPLUS, helper.make_model(SOFTPLUS, opset_imports=[helper.make_opsetid("", 13)])]
)
def test_the_body_computes_what_the_function_says(body: Any, tmp_path: Path) -> None:
    graph = of(smooth, "a", "i", body=body, tolerance=1e-5)
    wanted = smooth(ROWS["a"].to_numpy(), ROWS["i"].to_numpy())
    np.testing.assert_allclose(graph.transform(ROWS)["y"].to_numpy(), wanted, rtol=1e-5, atol=1e-6)
    (proof,) = graph.function_proofs()
    assert proof["function"] == "smooth"
    assert (proof["rows"], proof["witnesses"]) == (500, 64)
    assert 0 < proof["max_difference_of_witnesses"] <= proof["max_difference"] <= 1e-5
    graph.save(tmp_path)
    loaded = tt.TransformGraph.load(tmp_path)
    assert loaded.function_proofs() == [proof]
    assert serialize(loaded.feature_model()) == serialize(graph.feature_model())


def test_other_functions_and_analyses_go_on_from_it() -> None:
    def preprocess(x: Any) -> dict[str, Any]:
        inner = tt.numpy_function(np.square, x["a"] - tt.mean(x["a"]), body=lambda a: a * a)
        return {"y": tt.scale_to_z_score(tt.numpy_function(lambda v: v + v, inner, body=DOUBLED))}

    values = ROWS["a"].to_numpy()
    squares = np.square(values - np.nanmean(values)) * 2
    wanted = (squares - np.nanmean(squares)) / np.nanstd(squares)
    np.testing.assert_allclose(analyzed(preprocess).transform(ROWS)["y"].to_numpy(), wanted, rtol=1e-5, atol=1e-6)


def test_a_body_that_differs_is_an_error_with_the_row_and_the_line() -> None:
    with pytest.raises(TransformError, match="The body gives 2 and the function 1 for 1") as caught:
        analyzed(
            lambda x: {"y": tt.numpy_function(lambda a: a, x["a"], body=lambda a: a + a)},
            pa.table({"a": [0.0, 1.0, None]}),
        )
    assert caught.value.where["line"].startswith(__file__)  # type: ignore[attr-defined]
    assert of(lambda a: a, "a", body=lambda a: a + 1e-3, tolerance=1e-2).function_proofs()[0]["tolerance"] == 1e-2


def test_missing_values_are_compared_too() -> None:
    with pytest.raises(TransformError, match="The body gives nan and the function 0 for nan"):
        of(np.nan_to_num, "a", body=lambda a: a)


@settings(deadline=None, max_examples=20)
@given(st.permutations(range(200)), st.integers(20, 90))
def test_the_rows_that_are_kept_do_not_depend_on_order_and_batches(order: list[int], size: int) -> None:
    def witnesses(columns: list[Any], size: int) -> Any:
        states = []
        for start in range(0, len(columns[0]), size):
            states.append(AgreementOf(np.negative, 0.0, ()).create())
            states[-1].add_columns([column[start : start + size] for column in columns])
        for other in states[1:]:
            states[0].merge(other)
        evidence = states[0].result()["evidence"]
        assert isinstance(evidence, body_nodes.Evidence)
        return evidence.witnesses

    values = ROWS["a"].to_numpy()[:200]
    kept = witnesses([values, -values], 200)
    assert len(kept) == 64
    mixed = values[np.array(order)]
    assert str(witnesses([mixed, -mixed], size)) == str(kept)


def test_without_a_body_it_can_be_looked_at_and_no_more() -> None:
    def preprocess(x: Any) -> dict[str, Any]:
        inner = tt.numpy_function(np.sin, x["a"] - tt.mean(x["a"]))
        return {"y": tt.scale_to_z_score(tt.numpy_function(np.tanh, inner)), "a": x["a"]}

    values = ROWS["a"].to_numpy()
    wanted = np.tanh(np.sin(values - np.nanmean(values)))
    found = tt.explore(preprocess, SCHEMA, ROWS)
    scaled = (wanted - np.nanmean(wanted)) / np.nanstd(wanted)
    np.testing.assert_allclose(found["y"].to_numpy(), scaled, rtol=1e-5, atol=1e-6)
    assert found.column_names == ["y", "a"]
    with pytest.raises(NoLoweringError, match="'sin' has no ONNX body") as caught:
        analyzed(preprocess)
    assert caught.value.where["line"] == f"{__file__}:{preprocess.__code__.co_firstlineno + 1}"
    with pytest.raises(NoLoweringError, match="no ONNX body"):
        tt.analyze_spans(preprocess, SCHEMA, [])


BAD: list[tuple[Callable[[Any], Any], type[TreadleError], str]] = [
    (lambda x: tt.numpy_function(3, x["a"]), TransformError, "A numpy function is needed"),  # type: ignore[arg-type]
    (lambda x: tt.numpy_function(np.sin), TransformError, "needs the columns"),
    (lambda x: tt.numpy_function(np.sin, x["s"], body=tt.log), TransformError, "a number is needed"),
    (lambda x: tt.numpy_function(np.sin, tt.mean(x["a"]), body=tt.log), TransformError, "the same for every row"),
    (lambda x: tt.numpy_function(np.sin, x["a"], body=tt.log, tolerance=-1), TransformError, "tolerance must be"),
    (lambda x: tt.numpy_function(np.sin, x["a"], body=str), TransformError, "gives .*, and not a column"),
    (lambda x: tt.numpy_function(np.sin, x["a"], body="y = a"), TransformError, "neither a function nor ONNX"),
    (lambda x: tt.numpy_function(np.sin, x["a"], body=SOFTPLUS), TransformError, "2 inputs and 1 outputs"),
    (
        lambda x: tt.numpy_function(np.sin, x["a"], body=graph_of(helper.make_node("Nope", ["a"], ["y"]), inputs="a")),
        TransformError,
        "cannot be used",
    ),
    (
        lambda x: tt.numpy_function(
            np.sin, x["a"], body=graph_of(helper.make_node("Sin", ["a"], ["y"], domain="my"), inputs="a")
        ),
        TransformError,
        "operators of 'my'",
    ),
    (
        lambda x: tt.numpy_function(
            np.sin, x["a"], body=graph_of(helper.make_node("ReduceSum", ["a"], ["y"], keepdims=1), inputs="a")
        ),
        TransformError,
        r"makes \[1, 1\] of 3 rows",
    ),
    (
        lambda x: tt.numpy_function(
            np.sin, x["a"], body=graph_of(helper.make_node("Neg", ["a"], ["y"]), inputs="a", kind=TensorProto.INT64)
        ),
        TransformError,
        "not of double or float",
    ),
    (lambda x: tt.numpy_function(lambda a: a / (1 // 0), x["a"], body=tt.log), UserCodeError, "ZeroDivisionError"),
    (lambda x: tt.numpy_function(np.sum, x["a"], body=tt.log), TransformError, "must give a number a row"),
    (lambda x: tt.numpy_function(np.vectorize(str), x["a"], body=tt.log), TransformError, "must give a number a row"),
]


@pytest.mark.parametrize(("mistake", "kind", "says"), BAD)
def test_mistakes_are_errors_with_the_users_line(
    mistake: Callable[[Any], Any], kind: type[TreadleError], says: str
) -> None:
    with pytest.raises(kind, match=says) as caught:
        analyzed(lambda x: {"y": mistake(x)})
    assert str(caught.value.where["line"]).startswith(__file__)


def test_a_servable_is_refused_where_the_body_no_longer_is_the_function() -> None:
    from treadle.servable._parity import check_functions

    graph = of(np.negative, "a", body=lambda a: -a)
    check_functions(graph.function_proofs())
    proven = next(node for node in walk(graph.nodes.values()) if isinstance(node, body_nodes.Proven))
    other = tt.TransformGraph({"y": replace(proven, x=proven.xs[0])}, None)
    with pytest.raises(ParityError, match="'negative' differs from it by up to"):
        check_functions(other.function_proofs())
    empty = analyzed(lambda x: {"y": tt.numpy_function(np.negative, x["a"], body=lambda a: -a)}, ROWS.slice(0, 0))
    with pytest.raises(ParityError, match="compared over no rows"):
        check_functions(empty.function_proofs())


def test_a_servable_holds_the_proof(tmp_path: Path) -> None:
    graph = of(smooth, "a", "i", body=smooth_body)
    same = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])], "model", ports("x", FLOAT), ports("y", FLOAT)
    )
    build_servable(
        tmp_path / "model",
        feature_model=graph.feature_model(),
        model_onnx=helper.make_model(same),
        feature_names=graph.feature_names,
        native_predict=lambda matrix: matrix[:, 0],
        transform_rows=graph.feature_matrix,
        schema=SCHEMA,
        rows=ROWS,
        task="regression",
        functions=graph.function_proofs(),
    )
    (proof,) = json.loads((tmp_path / "model" / "parity.json").read_text())["functions"]
    assert proof == graph.function_proofs()[0]
    found = Servable.load(tmp_path / "model").predict_rows([{"a": 1.5, "i": 2, "s": None}])
    np.testing.assert_allclose(found, [smooth(1.5, 2)], rtol=1e-6)
