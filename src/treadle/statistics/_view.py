"""Statistics as people and programs read them: plain JSON values; what does not apply is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from treadle.statistics._feature import DECILES, FeatureStatistics
from treadle.statistics._quantiles import quantiles

_FIELDS = (
    "type",
    "count",
    "missing",
    "nan",
    "infinite",
    "zeros",
    "mean",
    "std_dev",
    "min",
    "median",
    "max",
    "unique",
    "avg_length",
    "min_length",
    "max_length",
    "top_values",
)


def to_json(num_rows: int, features: Mapping[str, FeatureStatistics]) -> dict[str, Any]:
    """``{"num_rows": n, "features": {name: {...}}}``.

    What is inside lists and structs follows them, by path. ``exact`` is false where a column has more distinct values
    than are counted one by one; then ``unique``,
    ``median``, ``quantiles``, ``histogram`` and ``top_values`` are estimates.
    """
    return {"num_rows": num_rows, "features": {path: _feature(feature) for path, feature in by_path(features)}}


def by_path(features: Mapping[str, FeatureStatistics]) -> Iterator[tuple[str, FeatureStatistics]]:
    """Every feature, and after each what is inside it."""
    for name, feature in features.items():
        yield name, feature
        if feature.nested:
            yield from feature.nested.paths(name)


def _feature(feature: FeatureStatistics) -> dict[str, Any]:
    fields = {name: _plain(getattr(feature, name)) for name in _FIELDS}
    shown = {name: value for name, value in fields.items() if value is not None}
    if feature.numbers or feature.text:
        shown["exact"] = feature.exact
    if feature.lengths is not None:
        shown["length_quantiles"] = quantiles(feature.lengths, DECILES)
    if deciles := feature.quantiles():
        shown["quantiles"] = _plain(deciles)
    if histogram := feature.histogram():
        shown["histogram"] = _plain(histogram)
    return shown


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
