"""The bytes we write are the bytes that the ``onnx`` package writes for the same model."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from onnx import numpy_helper

from treadle.graph import serialize
from treadle.graph._wire import IR_VERSION, Element, Operation, Value, model_bytes, tensor_bytes

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
INTEGER = st.integers(-(2**63), 2**63 - 1)
ATTRIBUTES = st.dictionaries(
    st.text(min_size=1, max_size=8), INTEGER | TEXT | st.lists(INTEGER, min_size=1, max_size=4).map(tuple), max_size=3
)
ARRAYS = [
    np.arange(6, dtype=np.float64).reshape(2, 3),
    np.array([[np.nan, -0.0, np.inf]], np.float32),
    np.array([-(2**63), 2**63 - 1]),
    np.array(2**64 - 1, np.uint64),
    np.array([-1, 1], np.int8),
    np.array([-300], np.int16),
    np.array([[True], [False]]),
    np.array(["", "a\0", "é", "\U0010ffff"], object),
    np.zeros((0, 3)),
]


@given(op=TEXT, names=st.lists(TEXT, min_size=1, max_size=3), attributes=ATTRIBUTES, domain=TEXT)
def test_operations(op: str, names: list[str], attributes: dict[str, object], domain: str) -> None:
    written = bytes(Operation(op, names, names[::-1], attributes, domain))  # type: ignore[arg-type]
    node = onnx.NodeProto.FromString(written)
    assert (node.op_type, list(node.input), list(node.output), node.domain) == (op, names, names[::-1], domain)
    assert node.name == names[-1]
    found = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
    expected = {name: value.encode() if isinstance(value, str) else value for name, value in attributes.items()}
    assert {name: tuple(v) if isinstance(v, list) else v for name, v in found.items()} == expected
    assert node.SerializeToString(deterministic=True) == written


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: str(array.dtype))
def test_tensors(array: np.ndarray) -> None:
    written = tensor_bytes("x", array)
    tensor = onnx.TensorProto.FromString(written)
    assert tensor.name == "x"
    assert tensor.SerializeToString(deterministic=True) == written
    if array.dtype == object:
        assert [text.decode() for text in tensor.string_data] == array.tolist()
        return
    found = numpy_helper.to_array(tensor)
    assert found.dtype == array.dtype
    assert_array_equal(found, array)


def test_models() -> None:
    operations = [Operation("Add", ["x", "one"], ["y"]), onnx.helper.make_node("Neg", ["y"], ["z"]).SerializeToString()]
    constants = [tensor_bytes("one", np.array([[1.0]]))]
    given, made = Value("x", Element.DOUBLE, 1), Value("z", Element.DOUBLE, 300)
    written = model_bytes("g", operations, [given], [made], constants, metadata={"a": "b", "é": ""})
    model = onnx.ModelProto.FromString(written)
    assert (model.ir_version, model.producer_name, model.graph.name) == (IR_VERSION, "treadle", "g")
    assert {each.domain: each.version for each in model.opset_import} == {"": 21, "ai.onnx.ml": 5}
    assert {each.key: each.value for each in model.metadata_props} == {"a": "b", "é": ""}
    assert [node.op_type for node in model.graph.node] == ["Add", "Neg"]
    assert model.graph.input[0] == onnx.helper.make_tensor_value_info("x", onnx.TensorProto.DOUBLE, ["N", 1])
    assert model.graph.output[0] == onnx.helper.make_tensor_value_info("z", onnx.TensorProto.DOUBLE, ["N", 300])
    assert serialize(model) == written
