"""What every model we write has in common: opset, IR version, checks, bytes that do not vary.

Opset 21 with IR 10 is the newest pair that onnxruntime 1.20 and onnxruntime-web 1.20 run; ``ai.onnx.ml`` 5 is
the first with ``TreeEnsemble``.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

import onnx
from onnx import helper

from treadle.errors import ModelFormatError

OPSET = 21
ML_OPSET = 5
IR_VERSION = 10


def make_model(
    name: str,
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
    initializers: Iterable[onnx.TensorProto] = (),
    *,
    checked: bool = True,
) -> onnx.ModelProto:
    """A model of the one opset and IR version, checked unless it never leaves this process.

    Raises:
        ModelFormatError: The ONNX checker refuses it.
    """
    graph = helper.make_graph(list(nodes), name, list(inputs), list(outputs), list(initializers))
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="treadle")
    if checked:
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


def unused(name: str, taken: Container[str]) -> str:
    """``name``, with as many ``_`` behind it as it takes to be none of ``taken``."""
    while name in taken:
        name += "_"
    return name


def serialize(model: onnx.ModelProto) -> bytes:
    """The model's bytes; the same model gives the same bytes."""
    data: bytes = model.SerializeToString(deterministic=True)
    return data
