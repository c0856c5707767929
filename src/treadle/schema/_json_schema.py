"""Schemas as JSON Schema (draft 2020-12); ``_json_schema_import`` reads them back.

A row is an object. What JSON Schema has no word for stands under ``x-treadle``, which other tools skip, so that our
own schemas come back as they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields as dataclass_fields
from datetime import datetime
from typing import Any

from treadle.schema._feature import Feature
from treadle.schema._rule import RowLimits, Rule
from treadle.schema._schema import Schema

DRAFT = "https://json-schema.org/draft/2020-12/schema"
OURS = "x-treadle"
_TYPES = {"int": "integer", "float": "number", "bool": "boolean"}
_BOUNDS = {"min": "minimum", "max": "maximum"}
_LIMITS = {"min_length": "minLength", "max_length": "maxLength"}


def to_json_schema(schema: Schema) -> dict[str, Any]:
    r"""The schema of one row, as JSON values.

    Examples:
        >>> schema = Schema.loads('[features.fare]\ntype = "float"\nmin = 0')
        >>> to_json_schema(schema)["properties"]["fare"]["minimum"]
        0
    """
    document: dict[str, Any] = {
        "$schema": DRAFT,
        **_object(schema.features),
    }
    roles = {name: getattr(schema, name) for name in ("event_time", "key", "label") if getattr(schema, name)}
    rules = {name: _set_fields(rule) for name, rule in schema.rules.items()}
    parts = {"entities": list(schema.entities), "severity": dict(schema.severity), "rows": _set_fields(schema.rows)}
    environments = {name: dict(policy) for name, policy in schema.environments.items()}
    ours = {**roles, **parts, "environments": environments, "rules": rules}
    if any(ours.values()):
        document[OURS] = {name: value for name, value in ours.items() if value}
    return document


def _object(features: Mapping[str, Feature]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: _property(feature) for name, feature in features.items()},
        "required": [name for name, feature in features.items() if feature.required],
    }


def _property(feature: Feature) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if feature.type == "struct":
        said = _object(feature.fields)
    elif feature.type in _TYPES:
        said["type"] = _TYPES[feature.type]
    else:
        said["type"] = "string"
        if feature.type == "timestamp":
            said["format"] = "date-time"
        if feature.type == "bytes":
            said["contentEncoding"] = "base64"
        if feature.semantic == "url":
            said["format"] = "uri"
    for name, word in _BOUNDS.items():
        bound = getattr(feature, name)
        if bound is not None and feature.type != "timestamp":
            said[word] = bound
    if feature.pattern is not None:
        said["pattern"] = f"^(?:{feature.pattern})$"
    if feature.type == "string":
        limits = ("min_length", "max_length")
        said.update({_LIMITS[name]: getattr(feature, name) for name in limits if getattr(feature, name) is not None})
    if feature.values is not None:
        said["enum"] = list(feature.values)
    if feature.list:
        said = {"type": "array", "items": said}
        for word, limit in zip(("minItems", "maxItems"), feature.items, strict=True):
            if limit is not None:
                said[word] = limit
    if feature.min_fraction < 1:
        said["type"] = [said["type"], "null"]
        if "enum" in said:
            said["enum"] = [*said["enum"], None]
    if feature.description:
        said["description"] = feature.description
    if feature.lifecycle == "deprecated":
        said["deprecated"] = True
    ours = _set_fields(feature)
    for name in ("name", "description", "required", "fields"):
        ours.pop(name, None)
    return {**said, OURS: ours}


def _set_fields(said: Feature | Rule | RowLimits) -> dict[str, Any]:
    """The fields that are not at their defaults, as JSON values."""
    found = {}
    for field in dataclass_fields(said):
        value = getattr(said, field.name)
        if value is None or value in (field.default, {}):
            continue
        if isinstance(value, datetime):
            value = value.isoformat()
        found[field.name] = (
            list(value) if isinstance(value, tuple) else dict(value) if isinstance(value, Mapping) else value
        )
    return found
