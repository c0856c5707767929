"""Statistics as people and programs read them: plain JSON values; what does not apply is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from treadle.statistics._distinct import K
from treadle.statistics._feature import DECILES, FeatureStatistics
from treadle.statistics._quantiles import quantiles

_FIELDS = (
    "type",
    "count",
    "missing",
    "nan",
    "infinite",
    "zeros",
    "empty",
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
    ``median``, ``quantiles``, ``histogram`` and ``top_values`` are estimates, and ``accuracy`` says how good.
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
        if not feature.exact:
            shown["accuracy"] = accuracy(feature)
    if feature.lengths is not None:
        shown["length_quantiles"] = quantiles(feature.lengths, DECILES)
    if deciles := feature.quantiles():
        shown["quantiles"] = _plain(deciles)
    if histogram := feature.histogram():
        shown["histogram"] = _plain(histogram)
    return shown


def accuracy(feature: FeatureStatistics) -> dict[str, dict[str, Any]]:
    """How wrong each estimate may be; statistics that are not named here are exact. Empty where all are.

    ``unique``: the relative standard error. ``quantiles`` (the median, histograms): the width of the interval in which
    the right value lies, as a share of the value for floats, in units for integers, in microseconds for moments.
    ``top_values``: the number by which a count may be too small.
    """
    if feature.exact:
        return {}
    found: dict[str, dict[str, Any]] = {"unique": {"relative_standard_error": round((K - 2) ** -0.5, 4)}}
    if feature.numbers:
        cut = feature.numbers.distribution.cut
        width = {"relative_width": 2.0 ** (cut - 52)} if feature.type == "float" else {"width": 2**cut}
        found["quantiles"] = width
    elif feature.text:
        found["top_values"] = {"too_small_by_at_most": feature.text.categories.shortfall}
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
