"""From raw columns to features: ``preprocess`` is ordinary Python over symbolic columns, traced once.

Functions that need a full pass over the training data (``scale_to_z_score``, ``vocabulary``, ...) become constants;
the row-local rest becomes one ONNX graph that materialises training data and answers requests.

Examples:
    >>> from treadle import transform as tt
    >>> def preprocess(x):
    ...     return {
    ...         "fare": tt.scale_to_z_score(tt.log1p(x["fare_amount"])),
    ...         "hour": tt.hour_of_day(x["pickup_datetime"]),
    ...         "big_tip": x["tip_amount"] > 0.2 * x["fare_amount"],
    ...     }
"""

from treadle.transform._column import Column, Columns
from treadle.transform._examples import ExamplesSource, write_transformed
from treadle.transform._functions import (
    cast,
    ceil,
    clip,
    day_of_week,
    exp,
    fill_missing,
    floor,
    hour_of_day,
    is_missing,
    log,
    log1p,
    maximum,
    minimum,
    month,
    one_hot,
    sign,
    sqrt,
    where,
)
from treadle.transform._graph import TransformGraph, analyze
from treadle.transform._scalers import (
    bucketize,
    highest,
    lowest,
    mean,
    scale_to_z_score,
    std_dev,
    vocabulary,
)

__all__ = [
    "Column",
    "Columns",
    "ExamplesSource",
    "TransformGraph",
    "analyze",
    "bucketize",
    "cast",
    "ceil",
    "clip",
    "day_of_week",
    "exp",
    "fill_missing",
    "floor",
    "highest",
    "hour_of_day",
    "is_missing",
    "log",
    "log1p",
    "lowest",
    "maximum",
    "mean",
    "minimum",
    "month",
    "one_hot",
    "scale_to_z_score",
    "sign",
    "sqrt",
    "std_dev",
    "vocabulary",
    "where",
    "write_transformed",
]
