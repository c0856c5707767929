"""Features and what is inside them by path, as statistics name it: ``home.city``, ``orders[].price``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from treadle.schema._feature import Feature

Chain = tuple[Feature, ...]
"""A feature and the structs around it, the outermost first."""


def chains(features: Mapping[str, Feature]) -> Iterator[tuple[str, Chain]]:
    """Every feature, each before what is inside it: path -> chain."""
    for name, feature in features.items():
        yield from _chains(name, (feature,))


def _chains(path: str, chain: Chain) -> Iterator[tuple[str, Chain]]:
    yield path, chain
    for deeper, feature in chain[-1].inside(path):
        yield from _chains(deeper, (*chain, feature))


def put(features: Mapping[str, Feature], path: str, feature: Feature, within: str = "") -> dict[str, Feature]:
    """The features with that one at the path: in its place, or the last of its struct.

    Args:
        features: Columns, or the fields of a struct.
        path: Where; it ends with the feature's name.
        feature: What.
        within: What the paths of these features begin with.
    """
    if path == within + feature.name:
        return {**features, feature.name: feature}
    found = {}
    for name, each in features.items():
        inside = f"{within}{name}{'[]' if each.list else ''}."
        is_way = bool(each.fields) and path.startswith(inside)
        found[name] = replace(each, fields=put(each.fields, path, feature, inside)) if is_way else each
    return found


def without(features: Mapping[str, Feature], environment: str) -> dict[str, Feature]:
    """The features that an environment has; a struct that keeps no field is gone, too."""
    kept = {}
    for name, feature in features.items():
        if environment in feature.not_in:
            continue
        if feature.fields:
            fields = without(feature.fields, environment)
            if not fields:
                continue
            kept[name] = replace(feature, fields=fields)
        else:
            kept[name] = feature
    return kept
