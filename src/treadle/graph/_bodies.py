"""A user's ONNX as part of our graph: read, checked, and kept as text that a node can hold."""

from __future__ import annotations

import base64

import onnx
from onnx import TensorProto, helper, inliner

from treadle.errors import ModelFormatError
from treadle.graph._fuse import normalize
from treadle.graph._model import check
from treadle.graph._wire import IR_VERSION, ML_OPSET, OPSET, serialize

_DOMAINS = ("", "ai.onnx", "ai.onnx.ml")
_NUMBERS = (TensorProto.DOUBLE, TensorProto.FLOAT)


def read_body(given: onnx.ModelProto | onnx.GraphProto, inputs: int) -> str:
    """A body, normalized and checked, as text; :func:`body_graph` reads it.

    Args:
        given: Columns ``[N, 1]`` of double or float in, in the order of the function's, and one such column out. Only
            standard operators. A graph alone is taken to be of our opset.
        inputs: How many columns the function has.

    Raises:
        ModelFormatError: It is not such a body.
    """
    model = _model_of(given)
    graph = model.graph
    own = {tensor.name for tensor in graph.initializer}
    taken = [value for value in graph.input if value.name not in own]
    if len(taken) != inputs or len(graph.output) != 1:
        raise ModelFormatError(
            f"The ONNX body has {len(taken)} inputs and {len(graph.output)} outputs, and the function {inputs} and 1."
        )
    for value in (*taken, *graph.output):
        if value.type.tensor_type.elem_type not in _NUMBERS:
            raise ModelFormatError(f"{value.name!r} of the ONNX body is not of double or float.")
    if graph.sparse_initializer:
        raise ModelFormatError("The ONNX body has sparse constants.")
    foreign = sorted({node.domain for node in graph.node} - set(_DOMAINS))
    if foreign:
        raise ModelFormatError(f"The ONNX body has operators of {foreign[0]!r}, which not every runtime knows.")
    del graph.input[:]
    graph.input.extend(taken)
    graph.ClearField("value_info")
    check(model)
    return base64.b64encode(serialize(model)).decode()


def body_graph(text: str) -> onnx.GraphProto:
    """The graph of a body."""
    return onnx.ModelProto.FromString(base64.b64decode(text)).graph


def _model_of(given: onnx.ModelProto | onnx.GraphProto) -> onnx.ModelProto:
    if isinstance(given, onnx.GraphProto):
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
        given = helper.make_model(given, opset_imports=opsets, ir_version=IR_VERSION)
    return normalize(inliner.inline_local_functions(given) if given.functions else given)
