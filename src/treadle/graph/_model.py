"""Models as the ``onnx`` package knows them: one opset and IR version, and checked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import onnx
from onnx import helper

from treadle.errors import ModelFormatError
from treadle.graph._wire import IR_VERSION, ML_OPSET, OPSET, PRODUCER


def make_model(
    name: str,
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
    initializers: Iterable[onnx.TensorProto] = (),
) -> onnx.ModelProto:
    """A model of the one opset and IR version, checked.

    Raises:
        ModelFormatError: The ONNX checker refuses it.
    """
    graph = helper.make_graph(list(nodes), name, list(inputs), list(outputs), list(initializers))
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name=PRODUCER)
    check(model)
    return model


def read_model(data: bytes) -> onnx.ModelProto:
    """The model that we wrote, checked.

    Raises:
        ModelFormatError: The ONNX checker refuses it.
    """
    model = onnx.ModelProto.FromString(data)
    check(model)
    return model


def check(model: onnx.ModelProto) -> None:
    """Run the ONNX checker with shape inference.

    Raises:
        ModelFormatError: The checker refuses the model.
    """
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ModelFormatError(f"The ONNX checker refuses the model: {error}") from error
