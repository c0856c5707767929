"""The text of a schema, read: what it does not say as it should is an error with its place."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from treadle.errors import SchemaError
from treadle.schema._feature import DRIFT, Feature
from treadle.schema._rule import RowLimits, Rule
from treadle.schema._schema import Schema
from treadle.schema._toml import FORMATS, PLAIN, ROLES
from treadle.schema._toml_values import key

_TOP = ("format", *ROLES, "severity", "rows", "environments", "features", "rules")
_FIELDS = (*PLAIN, "drift", "severity", "fields")
_TUPLES = ("values", "vocabulary", "not_in", "tags", "shape")
_WORDS = ("type", "description", "lifecycle", "semantic", "format", "unit", "pii", "produced_by", "pattern")
_FLAGS = ("list", "required", "unique")
_KINDS: dict[str, type] = {
    **dict.fromkeys(_WORDS, str),
    **dict.fromkeys(_FLAGS, bool),
    **dict.fromkeys(_TUPLES, list),
    **dict.fromkeys(("drift", "severity", "fields"), dict),
}
_TOP_KINDS = {
    **dict.fromkeys(("event_time", "key", "label"), str),
    "entities": list,
    **dict.fromkeys(("severity", "rows", "environments", "features", "rules"), dict),
}
_RULE_KINDS = {
    **dict.fromkeys(("rows", "statistics", "check", "severity", "description"), str),
    "min_share": (int, float),
    "not_in": list,
}


def parse(text: str) -> Schema:
    """The schema that the text says."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SchemaError(f"The schema is not TOML: {error}.") from error
    _refuse_unknown(document, _TOP, {})
    version = document.get("format", FORMATS[0])
    if version not in FORMATS:
        raise SchemaError(
            f"This schema has the format {version!r}; this Treadle reads {' and '.join(map(repr, FORMATS))}.",
            where={"field": "format"},
            hint="Upgrade Treadle, or use the version that wrote the schema.",
        )
    _check_kinds(document, _TOP_KINDS, {})
    rows = document.get("rows", {})
    _refuse_unknown(rows, ("min", "max", "min_ratio", "max_ratio"), {"field": "rows"})
    return Schema(
        {name: _parse_feature(name, fields, name) for name, fields in document.get("features", {}).items()},
        event_time=document.get("event_time"),
        key=document.get("key"),
        label=document.get("label"),
        entities=tuple(document.get("entities", ())),
        severity=document.get("severity", {}),
        rows=RowLimits(**rows),
        environments={name: _parse_environment(name, f) for name, f in document.get("environments", {}).items()},
        rules={name: _parse_rule(name, fields) for name, fields in document.get("rules", {}).items()},
    )


def _parse_feature(name: str, fields: Any, path: str) -> Feature:
    where = {"feature": path}
    if not isinstance(fields, dict):
        hint = f"Write [features.{key(name)}]." if path == name else "Write a table of its own for each field."
        raise SchemaError("Schema: a feature is a table.", where=where, hint=hint)
    _refuse_unknown(fields, _FIELDS, where)
    if "type" not in fields:
        raise SchemaError("Schema: the feature has no type.", where=where)
    _check_kinds(fields, _KINDS, where)
    drift = fields.get("drift", {})
    _refuse_unknown(drift, DRIFT, {**where, "field": "drift"})
    plain = {field: fields[field] for field in PLAIN if field in fields}
    for field in _TUPLES:
        if field in plain:
            plain[field] = tuple(plain[field])
    for field in ("min", "max"):
        bound = plain.get(field)
        if isinstance(bound, date) and not isinstance(bound, datetime):
            plain[field] = datetime(bound.year, bound.month, bound.day)
    inside = f"{path}[]" if plain.get("list") else path
    inner = {
        field: _parse_feature(field, said, f"{inside}.{field}") for field, said in fields.get("fields", {}).items()
    }
    try:
        return Feature(name=name, **plain, **drift, severity=dict(fields.get("severity", {})), fields=inner)
    except SchemaError as error:
        raise SchemaError(error.what, where={**error.where, **where}, hint=error.hint) from error


def _parse_environment(name: str, fields: Any) -> dict[str, str]:
    where = {"environment": name}
    if not isinstance(fields, dict):
        raise SchemaError("Schema: an environment is a table.", where=where)
    _refuse_unknown(fields, ("severity",), where)
    _check_kinds(fields, {"severity": dict}, where)
    return dict(fields.get("severity", {}))


def _parse_rule(name: str, fields: Any) -> Rule:
    where = {"rule": name}
    if not isinstance(fields, dict):
        raise SchemaError("Schema: a rule is a table.", where=where, hint=f"Write [rules.{key(name)}].")
    _refuse_unknown(fields, tuple(_RULE_KINDS), where)
    _check_kinds(fields, _RULE_KINDS, where)
    try:
        return Rule(**{**fields, "not_in": tuple(fields.get("not_in", ()))})
    except SchemaError as error:
        raise SchemaError(error.what, where={**where, **error.where}, hint=error.hint) from error


def _check_kinds(fields: Mapping[str, Any], kinds: Mapping[str, Any], where: Mapping[str, object]) -> None:
    words = {str: "string", bool: "boolean", list: "list", dict: "table"}
    for name, kind in kinds.items():
        if name in fields and not isinstance(fields[name], kind):
            what = f"Schema: {name} is not a {words.get(kind, 'number')}."
            raise SchemaError(what, where={**where, "field": name})


def _refuse_unknown(fields: Mapping[str, Any], known: tuple[str, ...], where: Mapping[str, object]) -> None:
    for name in fields:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            raise SchemaError(
                f"Schema: {name!r} is not a field here.",
                where=where,
                hint=f"Did you mean {close[0]!r}?" if close else f"The fields are {', '.join(known)}.",
            )
