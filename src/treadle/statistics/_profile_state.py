"""Slices, weighted statistics and relations as plain JSON values, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from treadle.statistics._coding import Coding
from treadle.statistics._relations import Relations
from treadle.statistics._slices import Slices
from treadle.statistics._state import (
    categories_state,
    distribution_state,
    fill_categories,
    fill_distribution,
    parse_state,
    statistics_state,
)
from treadle.statistics._statistics import Statistics
from treadle.statistics._weighted import WeightedStatistics
from treadle.statistics._weighted_feature import WeightedFeature

_MOMENTS = ("count", "mean", "square", "product")


def state_of(statistics: Statistics) -> dict[str, Any]:
    """Statistics as plain JSON values."""
    return statistics_state(statistics.num_rows, statistics._features, statistics._measures)


def statistics_of(state: dict[str, Any]) -> Statistics:
    """The statistics behind :func:`state_of`."""
    statistics = Statistics()
    statistics.num_rows, statistics._features, statistics._measures = parse_state(state)
    return statistics


def slices_state(slices: Slices) -> dict[str, Any]:
    """Slices as plain JSON values."""
    parts = {name: state_of(part) for name, part in slices.parts.items()}
    return {"by": [list(columns) for columns in slices.by], "limit": slices.limit, "parts": parts}


def slices_of(state: dict[str, Any]) -> Slices:
    """The slices behind :func:`slices_state`."""
    slices = Slices(state["by"], limit=int(state["limit"]))
    slices.restore({name: statistics_of(part) for name, part in state["parts"].items()})
    return slices


def weighted_state(weighted: WeightedStatistics) -> dict[str, Any]:
    """Weighted statistics as plain JSON values; weights in their units."""
    features = [_weighted_feature_state(name, feature) for name, feature in weighted.features.items()]
    return {"weight": weighted.weight, "num_rows": weighted.num_rows, "units": weighted._units, "features": features}


def _weighted_feature_state(name: str, feature: WeightedFeature) -> dict[str, Any]:
    fields: dict[str, Any] = {"name": name, "type": feature.type}
    fields["units"] = [getattr(feature, counter) for counter in WeightedFeature.COUNTERS]
    if feature.distribution is not None:
        fields["distribution"] = distribution_state(feature.distribution)
    if feature.categories is not None:
        fields["categories"] = categories_state(feature.categories)
    if feature.lengths is not None:
        fields["lengths"] = distribution_state(feature.lengths)
    if feature.inside is not None:
        fields["inside"] = [_weighted_feature_state(name, part) for name, part in feature.inside.items()]
    return fields


def weighted_of(state: dict[str, Any]) -> WeightedStatistics:
    """The weighted statistics behind :func:`weighted_state`."""
    weighted = WeightedStatistics(state["weight"])
    weighted.num_rows, weighted._units = int(state["num_rows"]), int(state["units"])
    weighted._features = {fields["name"]: _weighted_feature_of(fields) for fields in state["features"]}
    return weighted


def _weighted_feature_of(fields: dict[str, Any]) -> WeightedFeature:
    feature = WeightedFeature(fields["type"])
    for counter, units in zip(WeightedFeature.COUNTERS, fields["units"], strict=True):
        setattr(feature, counter, int(units))
    if feature.distribution is not None:
        fill_distribution(feature.distribution, fields["distribution"])
    if feature.categories is not None:
        fill_categories(feature.categories, fields["categories"])
    if feature.inside is not None and "inside" not in fields:
        feature.inside = feature.lengths = None  # saved by the first format
    if feature.inside is not None:
        feature.inside = {part["name"]: _weighted_feature_of(part) for part in fields["inside"]}
    if feature.lengths is not None:
        fill_distribution(feature.lengths, fields["lengths"])
    return feature


def relations_state(relations: Relations) -> dict[str, Any]:
    """Relations as plain JSON values."""
    codings = []
    for name, each in relations.codings.items():
        fields: dict[str, Any] = {"name": name, "labels": list(each.labels)}
        if each.values is not None:
            fields["values"] = each.values.to_pylist()
            fields["type"] = str(each.values.type)
        if each.edges is not None:
            fields["edges"] = each.edges.tolist()
        codings.append(fields)
    moments = {name: _numbers(getattr(relations.comoments, name)) for name in _MOMENTS}
    tables = [[x, y, table.tolist()] for (x, y), table in relations.tables.items()]
    names: dict[str, Any] = {"label": relations.label, "numeric": relations.numeric}
    if relations.weight is not None:
        names["weight"] = relations.weight
    return {**names, "codings": codings, "moments": moments, "tables": tables}


def relations_of(state: dict[str, Any]) -> Relations:
    """The relations behind :func:`relations_state`."""
    kinds = {"string": pa.string(), "int64": pa.int64(), "bool": pa.bool_()}
    codings = {}
    for fields in state["codings"]:
        values = pa.array(fields["values"], kinds[fields["type"]]) if "values" in fields else None
        edges = np.array(fields["edges"], np.float64) if "edges" in fields else None
        codings[fields["name"]] = Coding(tuple(fields["labels"]), values, edges)
    relations = Relations(state["numeric"], codings, state["label"], state.get("weight"))
    columns = len(relations.numeric)
    for name in _MOMENTS:
        array = np.array(state["moments"][name], np.float64).reshape(columns, columns)
        setattr(relations.comoments, name, array)
    for x, y, table in state["tables"]:
        counts = np.array(table, np.int64)
        if (x, y) not in relations.tables or counts.shape != relations.tables[x, y].shape:
            raise ValueError(f"the counts of {x} and {y} do not fit their values")
        relations.tables[x, y] = counts
    return relations


def _numbers(array: Any) -> list[list[float | None]]:
    # what is beyond the largest float has no JSON; numpy reads null as NaN
    return [[float(each) if np.isfinite(each) else None for each in row] for row in array]
