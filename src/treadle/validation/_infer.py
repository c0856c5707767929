"""A first schema from statistics: a draft for people to curate, which accepts the data it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from treadle.schema import TYPES, Feature, Schema, is_reserved
from treadle.statistics import FeatureStatistics, Statistics

MAX_DOMAIN = 100


def infer_schema(statistics: Statistics, *, max_domain: int = MAX_DOMAIN, event_time: str | None = None) -> Schema:
    """A schema that the data behind the statistics satisfies.

    Strings of at most ``max_domain`` distinct values get them as their domain; a column that is never missing must
    never be. Numbers get no range and no domain: what they have been is not yet what they may be. A column without
    any value becomes an optional string; structs get the fields that were seen; types without a feature type (times of
    day, lists of lists) are left out.

    Args:
        statistics: What was measured.
        max_domain: The largest number of strings that are taken for a closed list.
        event_time: The timestamp column that says when a row happened.
    """
    found = [infer_feature(name, measured, max_domain) for name, measured in statistics.features.items()]
    return Schema({feature.name: feature for feature in found if feature is not None}, event_time=event_time)


def infer_feature(name: str, measured: FeatureStatistics, max_domain: int = MAX_DOMAIN) -> Feature | None:
    """A feature that one column satisfies; ``None`` if its type is none that features have."""
    if measured.type == "list" and measured.nested is not None:
        items = infer_feature(name, measured.nested.inside["[]"], max_domain)
        if items is None or items.list:
            return None
        complete = bool(measured.count) and not measured.missing
        return replace(items, list=True, required=True, min_fraction=1.0 if complete else 0.0)
    if measured.type == "struct" and measured.nested is not None:
        return _struct(name, measured, measured.nested.inside, max_domain)
    if measured.type not in (*TYPES, "null"):
        return None
    if measured.type == "null":
        return Feature(name=name, type="string", required=False, description="No value was seen: the type is a guess.")
    complete = bool(measured.count) and not measured.missing and not measured.nan
    values = None
    if measured.type == "string" and measured.exact and measured.unique and measured.unique <= max_domain:
        values = tuple(sorted(measured.value_counts() or ()))
    return Feature(
        name=name,
        type=measured.type,  # type: ignore[arg-type]
        min_fraction=1.0 if complete else 0.0,
        values=values,
    )


def _struct(
    name: str, measured: FeatureStatistics, inside: Mapping[str, FeatureStatistics], max_domain: int
) -> Feature | None:
    found = [infer_feature(each, field, max_domain) for each, field in inside.items() if each and not is_reserved(each)]
    fields = {feature.name: feature for feature in found if feature is not None}
    complete = bool(measured.count) and not measured.missing
    return Feature(name=name, type="struct", fields=fields, min_fraction=1.0 if complete else 0.0) if fields else None
