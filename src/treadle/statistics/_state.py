"""Statistics as bytes: canonical JSON, so that equal statistics have equal bytes."""

from __future__ import annotations

import base64
import json
import math
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from treadle.artifact import canonical_json
from treadle.errors import StatisticsError, UsageError
from treadle.statistics._categories import Categories
from treadle.statistics._distinct import DistinctSketch
from treadle.statistics._distribution import Distribution
from treadle.statistics._feature import FeatureStatistics
from treadle.statistics._keys import Ints, floats_of_keys, keys_of_floats
from treadle.statistics._measures import Measure, new_measure
from treadle.statistics._moments import Moments
from treadle.statistics._numbers import Numbers
from treadle.statistics._text import Text

FORMAT = "treadle.statistics/1"
# What the first format has no place for (what is inside lists and structs, measures, counts without a limit) is
# written as the second; all else keeps its bytes.
_SECOND_FORMAT = "treadle.statistics/2"
PROFILE_FORMATS = ("treadle.profile/1", "treadle.profile/2")
"""Statistics with slices, weights or relations; who only wants the statistics reads them from there. The second has
weighted statistics of what is inside lists and structs, or relations by weight."""


Measures: TypeAlias = dict[str, dict[str, Measure]]


def dump(num_rows: int, features: dict[str, FeatureStatistics], measures: Measures) -> bytes:
    """The bytes of statistics."""
    return canonical_json(statistics_state(num_rows, features, measures)) + b"\n"


def statistics_state(num_rows: int, features: dict[str, FeatureStatistics], measures: Measures) -> dict[str, Any]:
    """Statistics as plain JSON values."""
    second = bool(measures) or any(feature.nested or feature.unlimited for feature in features.values())
    state: dict[str, Any] = {
        "format": _SECOND_FORMAT if second else FORMAT,
        "num_rows": num_rows,
        "features": [{"name": name, **_feature_state(feature)} for name, feature in features.items()],
    }
    if measures:
        state["measures"] = {
            column: {name: measure.state() for name, measure in of_column.items()}
            for column, of_column in measures.items()
        }
    return state


def parse(data: bytes, where: dict[str, object] | None = None) -> tuple[int, dict[str, FeatureStatistics], Measures]:
    """The statistics behind the bytes.

    Raises:
        StatisticsError: They are not whole, or of another format.
        UsageError: They hold a measure of a package that is not installed.
    """
    try:
        state = json.loads(data)
        version = state["format"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StatisticsError(f"These are not statistics: {error}.", where=where) from error
    if version in PROFILE_FORMATS:
        state = state.get("statistics", {})
    return parse_state(state, where)


def parse_state(
    state: dict[str, Any], where: dict[str, object] | None = None
) -> tuple[int, dict[str, FeatureStatistics], Measures]:
    """The statistics behind plain JSON values; errors as of :func:`parse`."""
    version = state.get("format")
    if version not in (FORMAT, _SECOND_FORMAT):
        raise StatisticsError(
            f"These statistics have the format {version!r}; this Treadle reads {FORMAT!r} and {_SECOND_FORMAT!r}.",
            where=where,
        )
    try:
        features = {fields["name"]: _feature(fields) for fields in state["features"]}
        measures: Measures = {
            column: {name: _measure(name, saved) for name, saved in of_column.items()}
            for column, of_column in state.get("measures", {}).items()
        }
        return int(state["num_rows"]), features, measures
    except UsageError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, pa.ArrowException) as error:
        raise StatisticsError(f"The statistics are damaged: {error!r}.", where=where) from error


def _measure(name: str, saved: dict[str, Any]) -> Measure:
    measure = new_measure(name)
    measure.restore(saved)
    return measure


def _feature_state(feature: FeatureStatistics) -> dict[str, Any]:
    state: dict[str, Any] = {"type": feature.type, "missing": feature.missing}
    if feature.unlimited:
        state["unlimited"] = True
    if feature.numbers:
        numbers = feature.numbers
        counters = ("nan", "positive_infinite", "negative_infinite", "zeros")
        state["numbers"] = {name: getattr(numbers, name) for name in counters if getattr(numbers, name)}
        state["numbers"].update(distribution_state(numbers.distribution))
    elif feature.text:
        state["text"] = _text_state(feature.text)
    elif feature.nested:
        nested = feature.nested
        state["nested"] = {
            "count": nested.count,
            "inside": [{"name": name, **_feature_state(part)} for name, part in nested.inside.items()],
        }
        if nested.lengths is not None:
            state["nested"]["lengths"] = distribution_state(nested.lengths)
    else:
        state["others"] = feature.count
    return state


def _feature(fields: dict[str, Any]) -> FeatureStatistics:
    feature = FeatureStatistics(fields["type"], unlimited=fields.get("unlimited", False))
    feature.missing = fields["missing"]
    if feature.numbers:
        _fill_numbers(feature.numbers, fields["numbers"])
    elif feature.text:
        _fill_text(feature.text, fields["text"])
    elif feature.nested:
        nested = fields["nested"]
        feature.nested.count = nested["count"]
        feature.nested.inside = {part["name"]: _feature(part) for part in nested["inside"]}
        if feature.nested.lengths is not None:
            fill_distribution(feature.nested.lengths, nested["lengths"])
    else:
        feature._others = fields["others"]
    return feature


def distribution_state(distribution: Distribution) -> dict[str, Any]:
    """A distribution as plain JSON values."""
    keys, counts = distribution.keys, distribution.counts
    state: dict[str, Any] = {"counts": counts.tolist()}
    if distribution.cut == 0:
        # the values themselves: short to write, and a person can read them
        state["values"] = (floats_of_keys(keys) if distribution.floats else keys).tolist()
        return state
    state["cut"] = distribution.cut
    state["keys"] = np.diff(keys, prepend=0).tolist()
    state["low"], state["high"] = distribution.low, distribution.high
    moments, distinct = distribution.moments, distribution.distinct
    assert moments is not None
    assert distinct is not None
    state["moments"] = [moments.count, *(_number(part) for part in (moments.mean, moments.spread))]
    state["distinct"] = _sketch_state(distinct)
    return state


def _fill_numbers(numbers: Numbers, state: dict[str, Any]) -> None:
    for name in ("nan", "positive_infinite", "negative_infinite", "zeros"):
        setattr(numbers, name, state.get(name, 0))
    fill_distribution(numbers.distribution, state)


def fill_distribution(distribution: Distribution, state: dict[str, Any]) -> None:
    """Give a distribution a state that was saved."""
    counts = np.array(state["counts"], np.int64)
    if "cut" in state:
        count, mean, spread = state["moments"]
        moments = Moments(count, *(math.nan if part is None else part for part in (mean, spread)))
        distribution.restore(
            np.cumsum(np.array(state["keys"], np.int64)),
            counts,
            cut=state["cut"],
            bounds=(state["low"], state["high"]),
            moments=moments,
            distinct=_sketch(state["distinct"]),
        )
        return
    keys: Ints = (
        keys_of_floats(np.array(state["values"], np.float64))
        if distribution.floats
        else np.array(state["values"], np.int64)
    )
    distribution.restore(keys, counts)


def _text_state(text: Text) -> dict[str, Any]:
    return {**categories_state(text.categories), "lengths": [text.shortest, text.longest, text.total_length]}


def _fill_text(text: Text, state: dict[str, Any]) -> None:
    fill_categories(text.categories, state)
    text.shortest, text.longest, text.total_length = state["lengths"]


def categories_state(categories: Categories) -> dict[str, Any]:
    """Counts of strings as plain JSON values."""
    values = categories.values.to_pylist()
    if pa.types.is_binary(categories.kind):
        values = [base64.b64encode(value).decode() for value in values]
    state: dict[str, Any] = {"values": values, "counts": categories.counts.tolist(), "total": categories.total}
    if categories.distinct is not None:
        state["shortfall"] = categories.shortfall
        state["distinct"] = _sketch_state(categories.distinct)
    return state


def fill_categories(categories: Categories, state: dict[str, Any]) -> None:
    """Give counts of strings a state that was saved."""
    values = state["values"]
    if pa.types.is_binary(categories.kind):
        values = [base64.b64decode(value) for value in values]
    categories.restore(
        pa.array(values, categories.kind),
        np.array(state["counts"], np.int64),
        total=state["total"],
        shortfall=state.get("shortfall", 0),
        distinct=_sketch(state["distinct"]) if "distinct" in state else None,
    )


def _sketch_state(sketch: DistinctSketch) -> str:
    return base64.b64encode(sketch.hashes.astype("<u8").tobytes()).decode()


def _sketch(text: str) -> DistinctSketch:
    return DistinctSketch(np.frombuffer(base64.b64decode(text), "<u8").astype(np.uint64))


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
