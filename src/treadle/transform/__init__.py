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
from treadle.transform._dates import (
    cyclical,
    day_of_month,
    day_of_year,
    is_weekend,
    minute,
    quarter,
    second,
    week_of_year,
    year,
)
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
from treadle.transform._geo import haversine
from treadle.transform._graph import TransformGraph, analyze
from treadle.transform._hashing import cross, hash_buckets, length
from treadle.transform._scalers import (
    bucketize,
    highest,
    lowest,
    mean,
    scale_to_z_score,
    std_dev,
    vocabulary,
)
from treadle.transform._text import concat, contains, ends_with, is_in, lower, matches, starts_with, upper
from treadle.transform._tokens import (
    Tokens,
    bag_of_words,
    multi_hot,
    ngrams,
    tfidf,
    token_ids,
    tokens,
    unique_tokens,
    word_count,
)

__all__ = [
    "Column",
    "Columns",
    "Tokens",
    "ExamplesSource",
    "TransformGraph",
    "analyze",
    "bag_of_words",
    "bucketize",
    "cast",
    "ceil",
    "clip",
    "concat",
    "contains",
    "cross",
    "cyclical",
    "day_of_month",
    "day_of_week",
    "day_of_year",
    "ends_with",
    "exp",
    "fill_missing",
    "floor",
    "hash_buckets",
    "haversine",
    "highest",
    "hour_of_day",
    "is_in",
    "is_missing",
    "is_weekend",
    "length",
    "log",
    "log1p",
    "lower",
    "lowest",
    "matches",
    "maximum",
    "mean",
    "minimum",
    "minute",
    "month",
    "multi_hot",
    "ngrams",
    "one_hot",
    "quarter",
    "scale_to_z_score",
    "second",
    "sign",
    "sqrt",
    "starts_with",
    "std_dev",
    "tfidf",
    "token_ids",
    "tokens",
    "unique_tokens",
    "upper",
    "vocabulary",
    "week_of_year",
    "where",
    "word_count",
    "write_transformed",
    "year",
]
