"""The text of a schema: TOML in, the same TOML out."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import fields as dataclass_fields
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from treadle.errors import SchemaError
from treadle.schema._feature import DRIFT, Feature
from treadle.schema._rule import RowLimits, Rule
from treadle.schema._toml_values import inline, key, value

if TYPE_CHECKING:
    from treadle.schema._schema import Schema

FORMATS = ("treadle.schema/1", "treadle.schema/2", "treadle.schema/3")
"""What is read. What is written is the oldest format that has all the words that are used."""

_ROLES = ("event_time", "key", "label", "entities")
_TOP = ("format", *_ROLES, "severity", "rows", "environments", "features", "rules")
PLAIN = (
    "type",
    "list",
    "description",
    "lifecycle",
    "semantic",
    "format",
    "unit",
    "tags",
    "pii",
    "produced_by",
    "required",
    "min_fraction",
    "min_count",
    "values",
    "min",
    "max",
    "pattern",
    "min_length",
    "max_length",
    "min_words",
    "max_words",
    "vocabulary",
    "min_coverage",
    "min_word_length",
    "min_items",
    "max_items",
    "shape",
    "unique",
    "min_unique",
    "max_unique",
    "min_class_share",
    "min_domain_mass",
    "not_in",
)
"""The fields of a feature that are not tables, in the order in which they are written."""
_FIELDS = (*PLAIN, "drift", "severity", "fields")
_FIRST_FORMAT = {
    *("type", "description", "required", "min_fraction", "values", "min", "max", "min_domain_mass", "not_in"),
    *("drift", "severity", "l_infinity", "jensen_shannon", "missing"),
}
_DEFAULTS = {field.name: field.default for field in dataclass_fields(Feature)}
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
    from treadle.schema._schema import Schema

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


def render(schema: Schema) -> str:
    """The text of a schema; ``parse(render(schema)) == schema``."""
    lines = [f"format = {value(schema_format(schema))}"]
    lines += [f"{name} = {value(getattr(schema, name))}" for name in _ROLES if getattr(schema, name)]
    if schema.severity:
        lines.append(f"severity = {inline(schema.severity)}")
    limits = row_limits(schema.rows)
    if limits:
        lines.append(f"rows = {inline(limits)}")
    for name, policy in schema.environments.items():
        lines += ["", f"[environments.{key(name)}]", f"severity = {inline(policy)}"]
    for feature in schema.features.values():
        lines += ["", *feature_lines(feature, ("features",))]
    for name, rule in schema.rules.items():
        lines += ["", f"[rules.{key(name)}]", *_rule_lines(rule)]
    return "\n".join(lines) + "\n"


def schema_format(schema: Schema) -> str:
    """The oldest format that can say this schema."""
    if any(feature.fields for feature in schema.features.values()):
        return FORMATS[2]
    words = {name for feature in schema.features.values() for name in _written(feature)}
    words |= {name for feature in schema.features.values() for name in DRIFT if getattr(feature, name) is not None}
    parts = (schema.environments, schema.rules, schema.entities, schema.label, row_limits(schema.rows))
    policies = [schema.severity, *(feature.severity for feature in schema.features.values())]
    later = any(parts) or any("quarantine" in policy.values() for policy in policies)
    return FORMATS[1] if later or not words <= _FIRST_FORMAT else FORMATS[0]


def feature_lines(feature: Feature, table: tuple[str, ...]) -> list[str]:
    """A feature's table, which stands in another, and the tables of what is inside it."""
    path = (*table, feature.name)
    lines = [f"[{'.'.join(map(key, path))}]", *(f"{name} = {text}" for name, text in feature_fields(feature).items())]
    for field in feature.fields.values():
        lines += ["", *feature_lines(field, (*path, "fields"))]
    return lines


def feature_fields(feature: Feature) -> dict[str, str]:
    """What is said of a feature itself, as it is written: name -> TOML value; defaults left out."""
    written = {name: value(getattr(feature, name)) for name in _written(feature)}
    drift = {name: getattr(feature, name) for name in DRIFT if getattr(feature, name) is not None}
    if drift:
        written["drift"] = inline(drift)
    if feature.severity:
        written["severity"] = inline(feature.severity)
    return written


def row_limits(rows: RowLimits) -> dict[str, Any]:
    """The limits that are set."""
    limits = {name: getattr(rows, name) for name in ("min", "max", "min_ratio", "max_ratio")}
    return {name: limit for name, limit in limits.items() if limit is not None}


def _written(feature: Feature) -> Iterator[str]:
    for name in PLAIN:
        default = feature.stops if name == "required" else _DEFAULTS[name]
        if name == "type" or getattr(feature, name) not in (None, default):
            yield name


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


def _rule_lines(rule: Rule) -> Iterator[str]:
    for name in ("rows", "statistics", "check", "min_share", "not_in", "severity", "description"):
        default = Rule.__dataclass_fields__[name].default
        if getattr(rule, name) not in (None, default):
            yield f"{name} = {value(getattr(rule, name))}"


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
