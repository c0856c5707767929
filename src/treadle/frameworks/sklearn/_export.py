"""A linear model as ONNX, in float64 until the last cast."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from treadle.frameworks._adapter import ModelSignature
from treadle.graph import make_model


def to_onnx(model: Any, signature: ModelSignature) -> onnx.ModelProto:
    """``features`` ``[N, F]`` float32 to ``prediction`` ``[N, 1]`` float32."""
    weights = np.asarray(model.coef_, dtype=np.float64).reshape(-1, 1)
    bias = np.asarray(model.intercept_, dtype=np.float64).reshape(-1)
    is_binary = signature.task == "binary"
    nodes = [
        helper.make_node("Cast", ["features"], ["x"], to=TensorProto.DOUBLE),
        helper.make_node("Gemm", ["x", "weights", "bias"], ["raw"]),
        *([helper.make_node("Sigmoid", ["raw"], ["probability"])] if is_binary else []),
        helper.make_node("Cast", ["probability" if is_binary else "raw"], ["prediction"], to=TensorProto.FLOAT),
    ]
    given = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", signature.num_features])
    output = helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["N", 1])
    tensors = [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(bias, "bias")]
    return make_model("linear", nodes, [given], [output], tensors)
