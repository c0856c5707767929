"""Fusing: the transform graph and the model behind it become one graph, raw features in, predictions out."""

from __future__ import annotations

import onnx
from onnx import compose, version_converter

from treadle.errors import ModelFormatError
from treadle.graph._emitter import unused
from treadle.graph._model import check
from treadle.graph._wire import IR_VERSION, ML_OPSET, OPSET, PRODUCER


def fuse(features: onnx.ModelProto, model: onnx.ModelProto) -> onnx.ModelProto:
    """One graph that does what ``features`` and then ``model`` do.

    Args:
        features: Raw features in, one output ``features`` of ``[N, F]`` float32.
        model: One input of ``[N, F]`` float32 in, one output of ``[N, 1]`` float32, which becomes ``prediction``.

    Raises:
        ModelFormatError: The two do not fit together.
    """
    features, model = normalize(features), normalize(model)
    if len(features.graph.output) != 1 or len(model.graph.input) != 1 or len(model.graph.output) != 1:
        raise ModelFormatError("A feature graph has one output, and a model one input and one output.")
    given, wanted = features.graph.output[0], model.graph.input[0]
    width, expected = _width(given), _width(wanted)
    if width is not None and expected is not None and width != expected:
        raise ModelFormatError(
            f"The transform graph gives {width} features, the model takes {expected}.",
            hint="Export the model that was trained behind this transform graph.",
        )
    raw = {node.name for node in features.graph.input}
    prefix = _free_prefix(features)
    behind = compose.add_prefix(model, prefix)
    fused = compose.merge_models(features, behind, io_map=[(given.name, prefix + wanted.name)])
    _rename_output(fused, prefix + model.graph.output[0].name, unused("prediction", raw))
    fused.graph.name = "treadle"
    fused.graph.ClearField("value_info")
    fused.producer_name = PRODUCER
    check(fused)
    return fused


def _free_prefix(model: onnx.ModelProto) -> str:
    """A prefix that no name of the model has: a raw feature may be called anything."""
    names = {name for node in model.graph.node for name in (*node.input, *node.output, node.name)}
    names |= {node.name for node in model.graph.input}
    prefix = "model/"
    while any(name.startswith(prefix) for name in names):
        prefix = "/" + prefix
    return prefix


def normalize(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model in our opset and IR version; merging refuses models that differ in them."""
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    if opsets.get("", OPSET) != OPSET:
        try:
            model = version_converter.convert_version(model, OPSET)
        except Exception as error:  # the converter raises bare RuntimeErrors of its own
            raise ModelFormatError(f"The model cannot be brought to ONNX opset {OPSET}: {error}") from error
    normal = onnx.ModelProto()
    normal.CopyFrom(model)
    normal.ir_version = IR_VERSION
    del normal.opset_import[:]
    others = {d: v for d, v in opsets.items() if d not in ("", "ai.onnx.ml")}
    for domain, version in sorted({"": OPSET, "ai.onnx.ml": ML_OPSET, **others}.items()):
        normal.opset_import.add(domain=domain, version=version)
    return normal


def _width(value: onnx.ValueInfoProto) -> int | None:
    dims = value.type.tensor_type.shape.dim
    return dims[1].dim_value if len(dims) == 2 and dims[1].HasField("dim_value") else None


def _rename_output(model: onnx.ModelProto, old: str, new: str) -> None:
    for node in model.graph.node:
        for index, name in enumerate(node.output):
            if name == old:
                node.output[index] = new
        for index, name in enumerate(node.input):
            if name == old:
                node.input[index] = new
    for output in model.graph.output:
        if output.name == old:
            output.name = new
