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

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from treadle.transform._column import Column, Columns
    from treadle.transform._examples import ExamplesSource, write_transformed
    from treadle.transform._explore import explore
    from treadle.transform._graph import TransformGraph, analyze
    from treadle.transform._history import History, Timeline, add_past
    from treadle.transform._kept_examples import keep_transformed
    from treadle.transform._recent import Recent
    from treadle.transform.analysis._analyzers import Coded
    from treadle.transform.analysis._cache import AnalysisCache
    from treadle.transform.analysis._parts import analyze_parts, write_parts
    from treadle.transform.analysis._spans import DataSpan, analyze_spans
    from treadle.transform.fitted._buckets import (
        apply_buckets,
        apply_buckets_with_interpolation,
        bucketize,
        bucketize_per_key,
        quantile,
        quantiles,
    )
    from treadle.transform.fitted._components import covariance, pca
    from treadle.transform.fitted._histogram import Histogram, estimated_probability_density, histogram
    from treadle.transform.fitted._moments import (
        analyzer,
        count,
        highest,
        lowest,
        mean,
        std_dev,
        total,
        tukey_h_params,
        tukey_location,
        tukey_scale,
        variance,
    )
    from treadle.transform.fitted._numpy_function import numpy_function
    from treadle.transform.fitted._scaling import (
        count_per_key,
        mean_per_key,
        scale_by_min_max,
        scale_by_min_max_per_key,
        scale_robustly,
        scale_to_0_1,
        scale_to_0_1_per_key,
        scale_to_gaussian,
        scale_to_z_score,
        scale_to_z_score_per_key,
        std_dev_per_key,
        values_per_key,
    )
    from treadle.transform.fitted._target import target_encode
    from treadle.transform.fitted._vocabulary import lookup, vocabulary
    from treadle.transform.functions._dates import (
        cyclical,
        day_of_month,
        day_of_year,
        elapsed,
        is_weekend,
        minute,
        quarter,
        second,
        unix_time,
        week_of_year,
        year,
    )
    from treadle.transform.functions._embedding import embedding
    from treadle.transform.functions._geo import haversine
    from treadle.transform.functions._hashing import cross, hash_buckets, length
    from treadle.transform.functions._images import image
    from treadle.transform.functions._lists import Items, items
    from treadle.transform.functions._numbers import (
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
    from treadle.transform.functions._pieces import byte_bpe, wordpiece
    from treadle.transform.functions._text import concat, contains, ends_with, is_in, lower, matches, starts_with, upper
    from treadle.transform.functions._text_parts import (
        extract,
        index_of,
        join,
        parse_number,
        parse_time,
        replace,
        replace_pattern,
        strip,
        substring,
        token_at,
    )
    from treadle.transform.functions._tokens import (
        Tokens,
        bag_of_words,
        document_frequency,
        idf,
        multi_hot,
        ngrams,
        tfidf,
        token_ids,
        token_mask,
        tokens,
        unique_tokens,
        word_count,
    )
    from treadle.transform.functions._vector_functions import (
        cosine_similarity,
        dot,
        norm,
        vector_max,
        vector_mean,
        vector_min,
        vector_sum,
    )
    from treadle.transform.functions._vectors import Vector, random_projection, vector
    from treadle.transform.functions._windows import Window, lag, window
    from treadle.transform.selection import (
        Selection,
        eliminate_features,
        embedded_features,
        filter_features,
        filter_matrix,
        wrap_features,
    )

__all__ = [
    "AnalysisCache",
    "Coded",
    "Column",
    "Columns",
    "DataSpan",
    "ExamplesSource",
    "Histogram",
    "History",
    "Items",
    "Recent",
    "Selection",
    "Timeline",
    "Tokens",
    "TransformGraph",
    "Vector",
    "Window",
    "add_past",
    "analyze",
    "analyze_parts",
    "analyze_spans",
    "analyzer",
    "apply_buckets",
    "apply_buckets_with_interpolation",
    "bag_of_words",
    "bucketize",
    "bucketize_per_key",
    "byte_bpe",
    "cast",
    "ceil",
    "clip",
    "concat",
    "contains",
    "cosine_similarity",
    "count",
    "count_per_key",
    "covariance",
    "cross",
    "cyclical",
    "day_of_month",
    "day_of_week",
    "day_of_year",
    "document_frequency",
    "dot",
    "elapsed",
    "eliminate_features",
    "embedded_features",
    "embedding",
    "ends_with",
    "estimated_probability_density",
    "exp",
    "explore",
    "extract",
    "fill_missing",
    "filter_features",
    "filter_matrix",
    "floor",
    "hash_buckets",
    "haversine",
    "highest",
    "histogram",
    "hour_of_day",
    "idf",
    "image",
    "index_of",
    "is_in",
    "is_missing",
    "is_weekend",
    "items",
    "join",
    "keep_transformed",
    "lag",
    "length",
    "log",
    "log1p",
    "lookup",
    "lower",
    "lowest",
    "matches",
    "maximum",
    "mean",
    "mean_per_key",
    "minimum",
    "minute",
    "month",
    "multi_hot",
    "ngrams",
    "norm",
    "numpy_function",
    "one_hot",
    "parse_number",
    "parse_time",
    "pca",
    "quantile",
    "quantiles",
    "quarter",
    "random_projection",
    "replace",
    "replace_pattern",
    "scale_by_min_max",
    "scale_by_min_max_per_key",
    "scale_robustly",
    "scale_to_0_1",
    "scale_to_0_1_per_key",
    "scale_to_gaussian",
    "scale_to_z_score",
    "scale_to_z_score_per_key",
    "second",
    "sign",
    "sqrt",
    "starts_with",
    "std_dev",
    "std_dev_per_key",
    "strip",
    "substring",
    "target_encode",
    "tfidf",
    "token_at",
    "token_ids",
    "token_mask",
    "tokens",
    "total",
    "tukey_h_params",
    "tukey_location",
    "tukey_scale",
    "unique_tokens",
    "unix_time",
    "upper",
    "values_per_key",
    "variance",
    "vector",
    "vector_max",
    "vector_mean",
    "vector_min",
    "vector_sum",
    "vocabulary",
    "week_of_year",
    "where",
    "window",
    "word_count",
    "wordpiece",
    "wrap_features",
    "write_parts",
    "write_transformed",
    "year",
]

_MODULES = {
    "_column": "Column Columns",
    "_examples": "ExamplesSource write_transformed",
    "_explore": "explore",
    "_graph": "TransformGraph analyze",
    "_history": "History Timeline add_past",
    "_kept_examples": "keep_transformed",
    "_recent": "Recent",
    "analysis._analyzers": "Coded",
    "analysis._cache": "AnalysisCache",
    "analysis._parts": "analyze_parts write_parts",
    "analysis._spans": "DataSpan analyze_spans",
    "fitted._buckets": "apply_buckets apply_buckets_with_interpolation bucketize bucketize_per_key quantile quantiles",
    "fitted._components": "covariance pca",
    "fitted._histogram": "Histogram estimated_probability_density histogram",
    "fitted._moments": (
        "analyzer count highest lowest mean std_dev total tukey_h_params tukey_location tukey_scale variance"
    ),
    "fitted._numpy_function": "numpy_function",
    "fitted._scaling": (
        "count_per_key mean_per_key scale_by_min_max scale_by_min_max_per_key scale_robustly scale_to_0_1 "
        "scale_to_0_1_per_key scale_to_gaussian scale_to_z_score scale_to_z_score_per_key std_dev_per_key "
        "values_per_key"
    ),
    "fitted._target": "target_encode",
    "fitted._vocabulary": "lookup vocabulary",
    "functions._dates": (
        "cyclical day_of_month day_of_year elapsed is_weekend minute quarter second unix_time week_of_year year"
    ),
    "functions._embedding": "embedding",
    "functions._geo": "haversine",
    "functions._hashing": "cross hash_buckets length",
    "functions._images": "image",
    "functions._lists": "Items items",
    "functions._numbers": (
        "cast ceil clip day_of_week exp fill_missing floor hour_of_day is_missing log log1p maximum minimum "
        "month one_hot sign sqrt where"
    ),
    "functions._pieces": "byte_bpe wordpiece",
    "functions._text": "concat contains ends_with is_in lower matches starts_with upper",
    "functions._text_parts": (
        "extract index_of join parse_number parse_time replace replace_pattern strip substring token_at"
    ),
    "functions._tokens": (
        "Tokens bag_of_words document_frequency idf multi_hot ngrams tfidf token_ids token_mask tokens "
        "unique_tokens word_count"
    ),
    "functions._vector_functions": "cosine_similarity dot norm vector_max vector_mean vector_min vector_sum",
    "functions._vectors": "Vector random_projection vector",
    "functions._windows": "Window lag window",
    "selection": "Selection eliminate_features embedded_features filter_features filter_matrix wrap_features",
}
"""Where the public names are: a pipeline file imports this room, and only what computes with it loads numpy."""
_LATER = {name: module for module, names in _MODULES.items() for name in names.split()}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        import difflib

        close = difflib.get_close_matches(name, __all__, n=1)
        raise AttributeError(
            f"module {__name__!r} has no attribute {name!r}." + (f" Did you mean {close[0]!r}?" if close else "")
        )
    value = getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = value
    return value
