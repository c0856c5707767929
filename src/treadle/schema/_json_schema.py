"""Schemas as JSON Schema (draft 2020-12) and back.

A row is an object. What JSON Schema has no word for stands under ``x-treadle``, which other tools skip, so that our
own schemas come back as they were.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields as dataclass_fields
from datetime import datetime
from typing import Any

from treadle.errors import SchemaError
from treadle.schema._feature import Feature, is_reserved
from treadle.schema._rule import RowLimits, Rule
from treadle.schema._schema import Schema
from treadle.schema._tfx import Imported

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_OURS = "x-treadle"
_TYPES = {"int": "integer", "float": "number", "bool": "boolean"}
_WORDS = {"integer": "int", "number": "float", "boolean": "bool", "string": "string"}
_TUPLES = ("values", "vocabulary", "not_in", "tags", "shape")
_BOUNDS = {"min": "minimum", "max": "maximum"}
_LIMITS = {"min_length": "minLength", "max_length": "maxLength", "min_items": "minItems", "max_items": "maxItems"}


def to_json_schema(schema: Schema) -> dict[str, Any]:
    r"""The schema of one row, as JSON values.

    Examples:
        >>> schema = Schema.loads('[features.fare]\ntype = "float"\nmin = 0')
        >>> to_json_schema(schema)["properties"]["fare"]["minimum"]
        0
    """
    document: dict[str, Any] = {
        "$schema": DRAFT,
        "type": "object",
        "properties": {name: _property(feature) for name, feature in schema.features.items()},
        "required": [name for name, feature in schema.features.items() if feature.required],
    }
    roles = {name: getattr(schema, name) for name in ("event_time", "key", "label") if getattr(schema, name)}
    rules = {name: _set_fields(rule) for name, rule in schema.rules.items()}
    parts = {"entities": list(schema.entities), "severity": dict(schema.severity), "rows": _set_fields(schema.rows)}
    environments = {name: dict(policy) for name, policy in schema.environments.items()}
    ours = {**roles, **parts, "environments": environments, "rules": rules}
    if any(ours.values()):
        document[_OURS] = {name: value for name, value in ours.items() if value}
    return document


def from_json_schema(document: Mapping[str, Any]) -> Imported:
    """The schema in a JSON Schema of an object, or of an array of objects.

    References inside the document are followed. ``null`` beside another type means that a value may be missing.

    Raises:
        SchemaError: It does not describe an object with properties, or says something impossible.
    """
    notes: list[str] = []
    top = _resolved(document, document)
    if top.get("type") == "array" and isinstance(top.get("items"), Mapping):
        top = _resolved(top["items"], document)
    properties = top.get("properties")
    if not isinstance(properties, Mapping):
        raise SchemaError("The JSON Schema has no properties: it does not describe a row.")
    required = set(top.get("required", ()))
    features: dict[str, Feature] = {}
    for name, said in properties.items():
        feature = _feature(name, said, name in required, document, notes)
        if feature is not None:
            features[name] = feature
    ours = top.get(_OURS, {})
    schema = Schema(
        features,
        event_time=ours.get("event_time"),
        key=ours.get("key"),
        label=ours.get("label"),
        entities=tuple(ours.get("entities", ())),
        severity=ours.get("severity", {}),
        environments=ours.get("environments", {}),
        rows=RowLimits(**ours.get("rows", {})),
        rules={name: Rule(**_tuples(rule)) for name, rule in ours.get("rules", {}).items()},
    )
    return Imported(schema, tuple(notes))


def _property(feature: Feature) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if feature.type in _TYPES:
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
    for name in ("name", "description", "required"):
        ours.pop(name, None)
    return {**said, _OURS: ours}


def _feature(name: str, said: Any, required: bool, document: Mapping[str, Any], notes: list[str]) -> Feature | None:
    where = {"feature": name}
    if isinstance(said, Mapping) and _OURS in said:
        ours = {key: _bound(key, value) for key, value in _tuples(said[_OURS]).items()}
        try:
            return Feature(name=name, description=said.get("description", ""), required=required, **ours)
        except TypeError as error:
            raise SchemaError(f"The JSON Schema's {_OURS} is not understood: {error}.", where=where) from error
    if not isinstance(said, Mapping):
        notes.append(f"{name}: {said!r} says nothing about the type and was left out.")
        return None
    if is_reserved(name) or not name:
        notes.append(f"{name}: the name belongs to Treadle; the property was left out.")
        return None
    said, nullable = _without_null(_resolved(said, document), document)
    fields: dict[str, Any] = {"required": required, "min_fraction": 0.0 if nullable or not required else 1.0}
    fields["description"] = str(said.get("description", said.get("title", "")))
    if said.get("deprecated") is True:
        fields["lifecycle"] = "deprecated"
    if said.get("type") == "array":
        fields.update(list=True, min_items=said.get("minItems"), max_items=said.get("maxItems"))
        said, _ = _without_null(_resolved(said.get("items", {}), document), document)
    type = _type(said)
    if type is None:
        notes.append(f"{name}: {said.get('type', 'no type')} is not a type of a feature and was left out.")
        return None
    fields["type"] = type
    _values(name, said, fields, notes)
    _bounds(name, said, fields, notes)
    if type == "string":
        fields.update(min_length=said.get("minLength"), max_length=said.get("maxLength"))
        if "pattern" in said:
            # JSON Schema looks for a pattern anywhere; here the whole string must match
            fields["pattern"] = f"(?s:.*)(?:{said['pattern']})(?s:.*)"
        if said.get("format") in ("uri", "iri"):
            fields["semantic"] = "url"
        if said.get("format") in ("email", "idn-email"):
            fields["pii"] = "email"
    return Feature(name=name, **fields)


def _type(said: Mapping[str, Any]) -> str | None:
    word = said.get("type")
    options = said.get("enum", [said["const"]] if "const" in said else [])
    options = [option for option in options if option is not None]
    if word is None and options:
        kinds = {type(option) for option in options}
        names = {str: "string", bool: "boolean", int: "integer", float: "number"}
        word = names.get(kinds.pop()) if len(kinds) == 1 else None
    if word == "string" and said.get("format") in ("date-time", "date"):
        return "timestamp"
    if word == "string" and said.get("contentEncoding") == "base64":
        return "bytes"
    return _WORDS.get(word) if isinstance(word, str) else None


def _values(name: str, said: Mapping[str, Any], fields: dict[str, Any], notes: list[str]) -> None:
    options = said.get("enum", [said["const"]] if "const" in said else None)
    if options is None:
        return
    options = tuple(dict.fromkeys(option for option in options if option is not None))
    if fields["type"] in ("int", "string", "bool") and options:
        fields["values"] = options
    else:
        notes.append(f"{name}: a list of values of type {fields['type']} was left out; use a range.")


def _bounds(name: str, said: Mapping[str, Any], fields: dict[str, Any], notes: list[str]) -> None:
    if fields["type"] not in ("int", "float") or "values" in fields:
        return
    for end, word, outside, step in (
        ("min", "minimum", "exclusiveMinimum", 1),
        ("max", "maximum", "exclusiveMaximum", -1),
    ):
        bound = said.get(word)
        if said.get(outside) is not None and not isinstance(said[outside], bool):
            bound = said[outside]
            if fields["type"] == "int":
                bound = math.floor(bound) + 1 if step > 0 else math.ceil(bound) - 1
            else:
                bound = math.nextafter(bound, math.inf * step)
        if bound is not None:
            whole = math.ceil if step > 0 else math.floor
            fields[end] = whole(bound) if fields["type"] == "int" else bound
    if "multipleOf" in said:
        notes.append(f"{name}: multipleOf has no counterpart; write a rule.")


def _without_null(said: Mapping[str, Any], document: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """What is said of values that are there, and whether null is allowed beside them."""
    for word in ("anyOf", "oneOf"):
        options = [_resolved(option, document) for option in said.get(word, ())]
        others = [option for option in options if option.get("type") != "null"]
        if len(others) == 1:
            rest = {key: value for key, value in said.items() if key != word}
            return {**others[0], **rest}, len(options) > 1
    kinds = said.get("type")
    if isinstance(kinds, list):
        others = [kind for kind in kinds if kind != "null"]
        return {**said, "type": others[0] if len(others) == 1 else others}, "null" in kinds
    return said, said.get("nullable") is True


def _resolved(said: Any, document: Mapping[str, Any]) -> Mapping[str, Any]:
    for _ in range(20):
        if not isinstance(said, Mapping):
            raise SchemaError(f"This is not a JSON Schema: {said!r} stands where an object should.")
        reference = said.get("$ref")
        if reference is None:
            return said
        target: Any = document
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise SchemaError(f"The JSON Schema refers to {reference!r}, outside of itself.")
        for step in reference[1:].strip("/").split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            if name and (not isinstance(target, Mapping) or name not in target):
                raise SchemaError(f"The JSON Schema refers to {reference!r}, which is not there.")
            target = target[name] if name else target
        said = target
    raise SchemaError("The JSON Schema's references go in a circle.")


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


def _tuples(said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if name in _TUPLES else value for name, value in said.items()}


def _bound(name: str, value: Any) -> Any:
    return datetime.fromisoformat(value) if name in ("min", "max") and isinstance(value, str) else value
