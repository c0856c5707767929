"""A small servable over real taxi rows, built by hand: two numbers, a category and a time into a linear model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from onnx import TensorProto, helper, numpy_helper

from treadle.graph._model import make_model
from treadle.schema import Schema
from treadle.servable import build_servable

DATA = Path(__file__).parents[2] / "examples" / "taxi" / "data"
FEATURES = ["fare_amount", "trip_distance", "is_rate_1", "late"]
WEIGHTS = np.array([[-0.01], [0.05], [0.3], [0.2]])
SCHEMA = """
event_time = "pickup_datetime"
[features.vendor_id]
type = "int"
values = [1, 2]
[features.pickup_datetime]
type = "timestamp"
[features.trip_distance]
type = "float"
min = 0.0
[features.rate_code_id]
type = "int"
[features.store_and_fwd_flag]
type = "string"
[features.fare_amount]
type = "float"
[features.congestion_surcharge]
type = "float"
required = false
[features.tip_amount]
type = "float"
not_in = ["SERVING"]
"""


def taxi_rows(month: str = "2018-10", count: int = 200) -> pa.Table:
    return pq.read_table(DATA / f"yellow_tripdata_sample_{month}.parquet").slice(0, count)


def build_taxi_servable(path: Path, *, bias: float = 0.5, **changes: Any) -> dict[str, Any]:
    """Build it at ``path``; another ``bias`` makes another version. ``changes`` override build arguments."""
    arguments: dict[str, Any] = {
        "feature_model": _features(),
        "model_onnx": _model(bias),
        "feature_names": FEATURES,
        "native_predict": lambda matrix: 1 / (1 + np.exp(-(matrix.astype(np.float64) @ WEIGHTS + bias)))[:, 0],
        "transform_rows": _matrix,
        "schema": Schema.loads(SCHEMA),
        "rows": taxi_rows(),
        "task": "binary",
        **changes,
    }
    return build_servable(path, **arguments)


def _features() -> Any:
    constants = {"one": np.array([[1]]), "day": np.array([[86_400_000_000]]), "six": np.array([[64_800_000_000]])}
    nodes = [
        helper.make_node("Equal", ["rate_code_id", "one"], ["rate"]),
        helper.make_node("Mod", ["pickup_datetime", "day"], ["time"]),
        helper.make_node("Greater", ["time", "six"], ["late"]),
        helper.make_node("Cast", ["rate"], ["rate_f"], to=TensorProto.DOUBLE),
        helper.make_node("Cast", ["late"], ["late_f"], to=TensorProto.DOUBLE),
        helper.make_node("Concat", ["fare_amount", "trip_distance", "rate_f", "late_f"], ["all"], axis=1),
        helper.make_node("Cast", ["all"], ["features"], to=TensorProto.FLOAT),
    ]
    double, integer = TensorProto.DOUBLE, TensorProto.INT64
    kinds = {"fare_amount": double, "trip_distance": double, "rate_code_id": integer, "pickup_datetime": integer}
    inputs = [helper.make_tensor_value_info(name, kind, ["N", 1]) for name, kind in kinds.items()]
    output = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", 4])
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    return make_model("features", nodes, inputs, [output], tensors)


def _model(bias: float) -> Any:
    nodes = [
        helper.make_node("Cast", ["features"], ["x"], to=TensorProto.DOUBLE),
        helper.make_node("Gemm", ["x", "weights", "bias"], ["raw"]),
        helper.make_node("Sigmoid", ["raw"], ["p"]),
        helper.make_node("Cast", ["p"], ["prediction"], to=TensorProto.FLOAT),
    ]
    tensors = [numpy_helper.from_array(WEIGHTS, "weights"), numpy_helper.from_array(np.array([bias]), "bias")]
    given = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", 4])
    output = helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["N", 1])
    return make_model("linear", nodes, [given], [output], tensors)


def _matrix(rows: pa.Table) -> np.ndarray[Any, Any]:
    micros = rows["pickup_datetime"].cast(pa.int64()).to_numpy() % 86_400_000_000
    columns = [
        rows["fare_amount"].to_numpy(),
        rows["trip_distance"].to_numpy(),
        rows["rate_code_id"].to_numpy() == 1,
        micros > 64_800_000_000,
    ]
    return np.stack([np.asarray(column, dtype=np.float32) for column in columns], axis=1)
