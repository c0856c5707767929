"""One schema for what any of several schemas lets through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from treadle.errors import SchemaError
from treadle.schema._feature import Feature
from treadle.schema._schema import Schema

_LEAST = (
    *("min_fraction", "min_count", "min", "min_length", "min_unique"),
    *("min_class_share", "min_domain_mass", "min_words", "min_coverage", "min_word_length"),
)
_DISTANCES = ("l_infinity", "jensen_shannon", "missing", "psi", "kolmogorov_smirnov", "wasserstein", "cramers_v")
_MOST = ("max", "max_length", "max_words", "max_unique", *_DISTANCES)
_ALIKE = ("pattern", "semantic", "format", "lifecycle", "unit", "pii", "produced_by", "description")
_STRICT = {"error": 3, "quarantine": 2, "warning": 1, "ignore": 0}


def merge(first: Schema, *others: Schema) -> Schema:
    """A schema that lets through what any of the schemas lets through.

    A feature that only some have is no longer required. Words for people (description, unit) are the first's, or the
    first that there is. Roles, rules and the number of rows are kept where all agree.

    Raises:
        SchemaError: A feature has types that cannot be one (integers among floats become floats), or units or kinds
            of personal data that differ.
    """
    merged = first
    for other in others:
        merged = _merge_two(merged, other)
    return merged


def _merge_two(first: Schema, second: Schema) -> Schema:
    features = _merge_all(first.features, second.features)
    same: dict[str, Any] = {
        name: getattr(first, name) if getattr(first, name) == getattr(second, name) else empty
        for name, empty in (("event_time", None), ("key", None), ("label", None), ("entities", ()))
    }
    rows = replace(first.rows) if first.rows == second.rows else type(first.rows)()
    rules = {name: rule for name, rule in first.rules.items() if second.rules.get(name) == rule}
    environments = {
        name: _mildest(first.environments.get(name, {}), second.environments.get(name, {}))
        for name in dict.fromkeys([*first.environments, *second.environments])
    }
    severity = _mildest(first.severity, second.severity)
    return Schema(features, severity=severity, environments=environments, rows=rows, rules=rules, **same)


def _merge_all(first: Mapping[str, Feature], second: Mapping[str, Feature]) -> dict[str, Feature]:
    features: dict[str, Feature] = {}
    for name in dict.fromkeys([*first, *second]):
        mine, theirs = first.get(name), second.get(name)
        if mine is not None and theirs is not None:
            features[name] = _merge_features(mine, theirs)
        else:
            only = mine or theirs
            assert only is not None
            features[name] = replace(only, required=False, min_fraction=0.0, min_count=None)
    return features


def _merge_features(first: Feature, second: Feature) -> Feature:
    changed: dict[str, Any] = {"type": _type(first, second), "fields": _merge_all(first.fields, second.fields)}
    for name in ("unit", "pii"):
        one, two = getattr(first, name), getattr(second, name)
        if one and two and one != two:
            raise SchemaError(
                f"Schema: {name} is {one!r} in one schema and {two!r} in the other.",
                where={"feature": first.name, "field": name},
                hint="Bring the data to one of them first.",
            )
    for name in (*_LEAST, *_MOST):
        one, two = getattr(first, name), getattr(second, name)
        chosen = min if name in _LEAST else max
        changed[name] = None if one is None or two is None else chosen(one, two)
    for name in _ALIKE:
        one, two = getattr(first, name), getattr(second, name)
        people = name in ("unit", "pii", "description")
        default = Feature.__dataclass_fields__[name].default
        changed[name] = (one or two) if people else one if one == two else default
    changed["required"] = first.required and second.required
    changed["unique"] = first.unique and second.unique
    changed["values"] = _values(first, second, changed["type"])
    if changed["values"] is not None:
        changed["min"] = changed["max"] = None
    changed["not_in"] = tuple(name for name in first.not_in if name in second.not_in)
    changed["vocabulary"] = tuple(dict.fromkeys([*first.vocabulary, *second.vocabulary]))
    changed["tags"] = (*first.tags, *(tag for tag in second.tags if tag not in first.tags))
    changed["severity"] = _mildest(first.severity, second.severity)
    changed["p_value"] = None
    if first.p_value is not None or second.p_value is not None:
        changed["p_value"] = min(p for p in (first.p_value, second.p_value) if p is not None)
    return replace(first, **_items(first, second), **_fitting(changed))


def _type(first: Feature, second: Feature) -> str:
    if first.list != second.list:
        raise SchemaError("Schema: a list in one schema and none in the other.", where={"feature": first.name})
    if first.type == second.type:
        return first.type
    if {first.type, second.type} == {"int", "float"}:
        return "float"
    raise SchemaError(
        f"Schema: type {first.type} in one schema and {second.type} in the other.", where={"feature": first.name}
    )


def _values(first: Feature, second: Feature, type: str) -> tuple[Any, ...] | None:
    if first.values is None or second.values is None or type == "float":
        return None
    return tuple(dict.fromkeys([*first.values, *second.values]))


def _items(first: Feature, second: Feature) -> dict[str, Any]:
    if first.shape == second.shape:
        limits = [(first.min_items, second.min_items, min), (first.max_items, second.max_items, max)]
    else:
        (least, most), (their_least, their_most) = first.items, second.items
        limits = [(least, their_least, min), (most, their_most, max)]
    low, high = (None if one is None or two is None else choose(one, two) for one, two, choose in limits)
    return {"shape": first.shape if first.shape == second.shape else None, "min_items": low, "max_items": high}


def _fitting(changed: dict[str, Any]) -> dict[str, Any]:
    """Without drift thresholds that the new type cannot have, and without a p-value that stands alone."""
    if changed["type"] == "float":
        changed["l_infinity"] = changed["min_class_share"] = None
    if all(changed[name] is None for name in _DISTANCES):
        changed["p_value"] = None
    return changed


def _mildest(first: Mapping[str, str], second: Mapping[str, str]) -> dict[str, str]:
    """The milder word; where only one has a word, that word unless the other's default may be milder."""
    both = {code: min(first[code], second[code], key=_STRICT.__getitem__) for code in first if code in second}
    either = {**first, **second}
    return {code: both.get(code, word) for code, word in either.items() if code in both or word != "error"}
