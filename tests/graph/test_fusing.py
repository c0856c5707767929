"""Fusing models, the string frontier, and names that could clash."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pyarrow as pa
import pytest
from onnx import TensorProto, helper
from ops import SCHEMA, many_rows

from treadle import transform as tt
from treadle.errors import ModelFormatError
from treadle.graph import Bulk, InputSpec, Output, Session, encode_table, fuse, lower, serialize
from treadle.graph import nodes as n
from treadle.schema import Schema

ROWS = many_rows(100)


def features(**columns: Any) -> tt.TransformGraph:
    def preprocess(x: Any) -> dict[str, tt.Column]:
        return {name: column(x) for name, column in columns.items()}

    return tt.analyze(preprocess, SCHEMA, lambda names: iter(ROWS.select(names).to_batches()))


def summing(width: int, *, opset: int = 21, ir_version: int = 10, outputs: int = 1) -> onnx.ModelProto:
    """A model that another exporter might have written: sums its features."""
    nodes = [helper.make_node("ReduceSum", ["input", "axes"], ["sum"], keepdims=1)]
    axes = helper.make_tensor("axes", TensorProto.INT64, [1], [1])
    given = helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", width])
    results = [helper.make_tensor_value_info("sum", TensorProto.FLOAT, ["batch", 1])] * outputs
    graph = helper.make_graph(nodes, "other", [given], results, [axes])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)


@pytest.mark.parametrize(("opset", "ir_version"), [(21, 10), (15, 8), (17, 4), (20, 9)])
def test_models_of_other_opsets_are_brought_to_ours(opset: int, ir_version: int) -> None:
    graph = features(f=lambda x: tt.fill_missing(x["f"], 0) * 0 + 1, g=lambda x: x["i"] > 0)
    fused = fuse(graph.feature_model(), summing(2, opset=opset, ir_version=ir_version))
    assert [output.name for output in fused.graph.output] == ["prediction"]
    assert fused.ir_version == 10
    assert {entry.domain: entry.version for entry in fused.opset_import} == {"": 21, "ai.onnx.ml": 5}
    session = Session(serialize(fused))
    specs = [InputSpec(name, SCHEMA.features[name].type, tensor) for name, tensor in session.inputs.items()]
    got = session.run(encode_table(specs, ROWS))[0][:, 0]
    np.testing.assert_array_equal(got, graph.feature_matrix(ROWS).sum(axis=1))


def test_models_that_do_not_fit_are_refused() -> None:
    model = features(f=lambda x: x["f"], g=lambda x: x["g"]).feature_model()
    with pytest.raises(ModelFormatError, match="gives 2 features, the model takes 3"):
        fuse(model, summing(3))
    with pytest.raises(ModelFormatError, match="one input and one output"):
        fuse(model, summing(2, outputs=2))


def test_what_is_no_model_is_refused() -> None:
    for data in (b"", b"nonsense", b"\x00" * 100):
        with pytest.raises(ModelFormatError, match="refuses the model"):
            Session(data)


def test_a_feed_that_does_not_fit_is_refused() -> None:
    session = Session(serialize(features(f=lambda x: x["f"]).feature_model()))
    with pytest.raises(ModelFormatError, match="cannot run the graph"):
        session.run({"f": np.zeros((1, 1), dtype=np.float32)})


@pytest.mark.parametrize(
    "name", ["features", "prediction", "/out", "/add_0", "model/input", "//model/x", "a b", "é", "N", "Fahrt\x00"]
)
def test_a_raw_feature_may_be_called_anything(name: str) -> None:
    schema = Schema.loads('[features.x]\ntype = "float"\n')
    schema = Schema({name: type(schema.features["x"])(name=name, type="float")})
    table = pa.table({name: [1.0, 2.0, None]})
    graph = tt.analyze(
        lambda x: {"a": tt.scale_to_z_score(x[name] + 1), "b": x[name]},
        schema,
        lambda names: iter(table.select(names).to_batches()),
    )
    np.testing.assert_array_equal(graph.feature_matrix(table)[:, 1], [1, 2, np.nan])
    session = Session(serialize(fuse(graph.feature_model(), summing(2))))
    got = session.run(encode_table([InputSpec(name, "float", "float64")], table))[0]
    np.testing.assert_array_equal(got[:, 0], [0, 3, np.nan])


def test_in_bulk_text_ends_at_the_dictionary() -> None:
    inputs = {name: n.Input(name, "string", n.Kind.TEXT) for name in ("s", "r")}
    known = n.Tokens(("a", "b"))
    looked_up = n.Lookup(n.FillMissing(inputs["s"], n.Text("?")), known, has_oov=True)
    outputs = [
        Output("ids", (n.OneHot(looked_up), n.IsMissing(inputs["r"]))),
        Output("same", (n.Comparison("equal", inputs["s"], n.Text("a")),)),
    ]
    bulk = Bulk(outputs)
    assert bulk._session is not None
    assert "string" not in bulk._session.inputs.values()
    assert bulk.columns == ("s", "r")
    session = Session(serialize(lower(outputs)))
    assert list(session.inputs.values()) == ["string", "string"]
    feed = encode_table([InputSpec(name, "string", "string") for name in session.inputs], ROWS)
    for got, expected in zip(bulk.run(ROWS), session.run(feed), strict=True):
        np.testing.assert_array_equal(got, expected)


def test_an_operation_on_two_texts_takes_the_plain_path() -> None:
    equal = n.Comparison("equal", n.Input("s", "string", n.Kind.TEXT), n.Input("r", "string", n.Kind.TEXT))
    bulk = Bulk([Output("equal", (equal,))])
    assert bulk._session is not None
    assert list(bulk._session.inputs.values()) == ["string", "string"]
    pairs = zip(ROWS["s"].to_pylist(), ROWS["r"].to_pylist(), strict=True)
    assert bulk.run(ROWS)[0][:, 0].tolist() == [a == b and a is not None for a, b in pairs]


def test_a_graph_of_no_columns_is_refused() -> None:
    empty = n.OneHot(n.Lookup(n.Input("s", "string", n.Kind.TEXT), n.Tokens(()), has_oov=False))
    with pytest.raises(ModelFormatError, match="has no columns"):
        lower([Output("features", (empty,))])


def test_like_columns_become_one_operation() -> None:
    columns = {f"f{i}": n.Input(f"f{i}", "float", n.Kind.NUMBER) for i in range(50)}
    scaled = tuple(
        n.Arithmetic("divide", n.Arithmetic("subtract", x, n.Number(float(i))), n.Number(2.0 + i))
        for i, x in enumerate(columns.values())
    )
    model = lower([Output("features", scaled)])
    assert [node.op_type for node in model.graph.node] == ["Concat", "Sub", "Div", "Cast"]


def test_the_same_part_is_computed_once() -> None:
    x = n.Input("x", "float", n.Kind.NUMBER)
    again = [n.Function("log1p", n.Input("x", "float", n.Kind.NUMBER)) for _ in range(3)]
    model = lower([Output("features", (n.Arithmetic("add", again[0], again[1]), again[2], x))])
    assert [node.op_type for node in model.graph.node].count("Log") == 1
    assert [node.name for node in model.graph.input] == ["x"]


def test_dictionaries_of_any_layout_are_the_same_text() -> None:
    words = n.Lookup(n.Input("s", "string", n.Kind.TEXT), n.Tokens(("a", "b")), has_oov=True)
    bulk = Bulk([Output("id", (words, n.IsMissing(n.Input("s", "string", n.Kind.TEXT))))])
    expected = [[0, 0], [2, 1], [1, 0], [0, 0], [2, 0]]
    texts = ["a", None, "b", "a", "x"]
    plain = pa.array(texts)
    chunks = [pa.array(texts[:3]).dictionary_encode(), pa.array(texts[3:]).dictionary_encode()]
    holes = pa.DictionaryArray.from_arrays([0, 1, 2, 0, 3], pa.array(["a", None, "b", "x"]))
    for column in (plain, plain.dictionary_encode(), pa.chunked_array(chunks), holes, pa.chunked_array([holes])):
        assert bulk.run(pa.table({"s": column}))[0].tolist() == expected
        assert bulk.run(pa.table({"s": column}).slice(2))[0].tolist() == expected[2:]
    empty = pa.chunked_array([], pa.dictionary(pa.int32(), pa.string()))
    assert bulk.run(pa.table({"s": empty}))[0].shape == (0, 2)


def test_outputs_may_share_their_parts() -> None:
    x = n.Input("f", "float", n.Kind.NUMBER)
    log, flag = n.Function("log1p", x), n.Comparison("greater", x, n.Number(0.0))
    outputs = [
        Output("a", (log,), as_float32=False),
        Output("b", (log,), as_float32=False),
        Output("c", (x,), as_float32=False),
        Output("d", (log, flag)),
        Output("e", (log, flag)),
        Output("f", (flag, log, n.Arithmetic("add", log, n.Number(1.0)))),
    ]
    session = Session(serialize(lower(outputs)))
    assert list(session.outputs) == ["a", "b", "c", "d", "e", "f_"]
    served = session.run(encode_table([InputSpec("f", "float", "float64")], ROWS))
    with np.errstate(invalid="ignore", divide="ignore"):
        raw = np.array([np.nan if value is None else value for value in ROWS["f"].to_pylist()])
        expected = np.log1p(raw)
    for got in (served, Bulk(outputs).run(ROWS)):
        for index in (0, 1):
            np.testing.assert_allclose(got[index][:, 0], expected, rtol=1e-12, atol=3e-16)
        np.testing.assert_array_equal(got[2][:, 0], raw)
        np.testing.assert_array_equal(got[3], got[4])
        np.testing.assert_array_equal(got[5][:, :2], got[3][:, ::-1])
        np.testing.assert_array_equal(got[3][:, 1], raw > 0)


@pytest.mark.parametrize(
    ("op", "value", "expected"), [("subtract", 1e-126, 1e-126), ("multiply", 1.0 + 1e-12, 1.0 + 1e-12)]
)
def test_what_is_nothing_in_float32_is_still_computed(op: str, value: float, expected: float) -> None:
    """ONNX Runtime would leave the operation out where it is alone, and not where it is beside another."""
    x = n.Function("floor", n.Input("f", "float", n.Kind.NUMBER))
    outputs = [Output("y", (n.Function("absolute", n.Arithmetic(op, x, n.Number(value))),), as_float32=False)]
    rows = pa.table({"f": [0.0 if op == "subtract" else -1.0]})
    feed = encode_table([InputSpec("f", "float", "float64")], rows)
    for found in (Bulk(outputs).run(rows)[0], Session(serialize(lower(outputs))).run(feed)[0]):
        assert found.tolist() == [[expected]]
