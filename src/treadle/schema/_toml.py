"""The text of a schema, written; ``_toml_read`` reads the same TOML back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields as dataclass_fields
from typing import TYPE_CHECKING, Any

from treadle.schema._feature import DRIFT, Feature
from treadle.schema._rule import RowLimits, Rule
from treadle.schema._toml_values import inline, key, value

if TYPE_CHECKING:
    from treadle.schema._schema import Schema

FORMATS = ("treadle.schema/1", "treadle.schema/2", "treadle.schema/3")
"""What is read. What is written is the oldest format that has all the words that are used."""

ROLES = ("event_time", "key", "label", "entities")
"""What names features, in the order in which it is written."""
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
_FIRST_FORMAT = {
    *("type", "description", "required", "min_fraction", "values", "min", "max", "min_domain_mass", "not_in"),
    *("drift", "severity", "l_infinity", "jensen_shannon", "missing"),
}
_DEFAULTS = {field.name: field.default for field in dataclass_fields(Feature)}


def render(schema: Schema) -> str:
    """The text of a schema; ``parse(render(schema)) == schema``."""
    lines = [f"format = {value(schema_format(schema))}"]
    lines += [f"{name} = {value(getattr(schema, name))}" for name in ROLES if getattr(schema, name)]
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


def _rule_lines(rule: Rule) -> Iterator[str]:
    for name in ("rows", "statistics", "check", "min_share", "not_in", "severity", "description"):
        default = Rule.__dataclass_fields__[name].default
        if getattr(rule, name) not in (None, default):
            yield f"{name} = {value(getattr(rule, name))}"
