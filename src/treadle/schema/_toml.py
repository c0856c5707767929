"""The text of a schema: TOML in, the same TOML out."""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from treadle.errors import SchemaError
from treadle.schema._feature import Feature

if TYPE_CHECKING:
    from treadle.schema._schema import Schema

FORMAT = "treadle.schema/1"

_TOP = ("format", "event_time", "key", "severity", "features")
_PLAIN = ("type", "description", "required", "min_fraction", "values", "min", "max", "min_domain_mass", "not_in")
_DRIFT = ("l_infinity", "jensen_shannon", "missing")
_FIELDS = (*_PLAIN, "drift", "severity")
_DEFAULTS = {"required": True, "min_fraction": 0.0, "min_domain_mass": 1.0, "description": "", "not_in": ()}
_KINDS: dict[str, type | tuple[type, ...]] = {
    "type": str,
    "description": str,
    "required": bool,
    "values": list,
    "not_in": list,
    "drift": dict,
    "severity": dict,
}


def parse(text: str) -> Schema:
    """The schema that the text says."""
    from treadle.schema._schema import Schema

    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SchemaError(f"The schema is not TOML: {error}.") from error
    _refuse_unknown(document, _TOP, {})
    version = document.get("format", FORMAT)
    if version != FORMAT:
        raise SchemaError(
            f"This schema has the format {version!r}; this Treadle reads {FORMAT!r}.",
            where={"field": "format"},
            hint="Upgrade Treadle, or use the version that wrote the schema.",
        )
    for name, kind in (("event_time", str), ("key", str), ("severity", dict), ("features", dict)):
        if name in document and not isinstance(document[name], kind):
            raise SchemaError(f"Schema: {name} is not a {_word(kind)}.", where={"field": name})
    return Schema(
        {name: _parse_feature(name, fields) for name, fields in document.get("features", {}).items()},
        event_time=document.get("event_time"),
        key=document.get("key"),
        severity=document.get("severity", {}),
    )


def render(schema: Schema) -> str:
    """The text of a schema; ``parse(render(schema)) == schema``."""
    lines = [f"format = {_value(FORMAT)}"]
    for name in ("event_time", "key"):
        if getattr(schema, name) is not None:
            lines.append(f"{name} = {_value(getattr(schema, name))}")
    if schema.severity:
        lines.append(f"severity = {_inline(schema.severity)}")
    for feature in schema.features.values():
        lines += ["", f"[features.{_key(feature.name)}]", *_feature_lines(feature)]
    return "\n".join(lines) + "\n"


def _parse_feature(name: str, fields: Any) -> Feature:
    if not isinstance(fields, dict):
        raise SchemaError(
            "Schema: a feature is a table.", where={"feature": name}, hint=f"Write [features.{_key(name)}]."
        )
    where = {"feature": name}
    _refuse_unknown(fields, _FIELDS, where)
    if "type" not in fields:
        raise SchemaError("Schema: the feature has no type.", where=where)
    for field, kind in _KINDS.items():
        if field in fields and not isinstance(fields[field], kind):
            raise SchemaError(f"Schema: {field} is not a {_word(kind)}.", where={**where, "field": field})
    drift = fields.get("drift", {})
    _refuse_unknown(drift, _DRIFT, {**where, "field": "drift"})
    plain = {field: fields[field] for field in _PLAIN if field in fields}
    for field in ("values", "not_in"):
        if field in plain:
            plain[field] = tuple(plain[field])
    for field in ("min", "max"):
        bound = plain.get(field)
        if isinstance(bound, date) and not isinstance(bound, datetime):
            plain[field] = datetime(bound.year, bound.month, bound.day)
    return Feature(name=name, **plain, **drift, severity=dict(fields.get("severity", {})))


def _feature_lines(feature: Feature) -> Iterator[str]:
    for name in _PLAIN:
        value = getattr(feature, name)
        if value is not None and value != _DEFAULTS.get(name):
            yield f"{name} = {_value(value)}"
    drift = {name: getattr(feature, name) for name in _DRIFT if getattr(feature, name) is not None}
    if drift:
        yield f"drift = {_inline(drift)}"
    if feature.severity:
        yield f"severity = {_inline(feature.severity)}"


def _refuse_unknown(fields: Mapping[str, Any], known: tuple[str, ...], where: Mapping[str, object]) -> None:
    for name in fields:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            raise SchemaError(
                f"Schema: {name!r} is not a field here.",
                where=where,
                hint=f"Did you mean {close[0]!r}?" if close else f"The fields are {', '.join(known)}.",
            )


def _word(kind: type | tuple[type, ...]) -> str:
    return {str: "string", bool: "boolean", list: "list", dict: "table"}[kind]  # type: ignore[index]


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _value(name)


def _inline(table: Mapping[str, Any]) -> str:
    return "{ " + ", ".join(f"{_key(name)} = {_value(value)}" for name, value in table.items()) + " }"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # a JSON string is a TOML string, but for DEL, which TOML wants escaped
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return repr(value)
