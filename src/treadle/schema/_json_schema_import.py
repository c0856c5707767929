"""Schemas from JSON Schema: of ours, and of others as far as it says what a row is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from treadle.errors import SchemaError
from treadle.schema._feature import Feature, is_reserved
from treadle.schema._json_schema import OURS
from treadle.schema._rule import RowLimits, Rule
from treadle.schema._schema import Schema
from treadle.schema._tfx import Imported

_WORDS = {"integer": "int", "number": "float", "boolean": "bool", "string": "string"}
_TUPLES = ("values", "vocabulary", "not_in", "tags", "shape")
_DEEPEST = 30


def from_json_schema(document: Mapping[str, Any]) -> Imported:
    """The schema in a JSON Schema of an object, or of an array of objects.

    References inside the document are followed. ``null`` beside another type means that a value may be missing.

    Raises:
        SchemaError: It does not describe an object with properties, or says something impossible.
    """
    top = _resolved(document, document)
    if top.get("type") == "array" and isinstance(top.get("items"), Mapping):
        top = _resolved(top["items"], document)
    properties = top.get("properties")
    if not isinstance(properties, Mapping):
        raise SchemaError("The JSON Schema has no properties: it does not describe a row.")
    importer = _Importer(document)
    features = importer.features(top)
    ours = top.get(OURS, {})
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
    return Imported(schema, tuple(importer.notes))


class _Importer:
    """Reads properties; what has no counterpart is a sentence in ``notes``."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.notes: list[str] = []

    def features(self, said: Mapping[str, Any], within: tuple[str, ...] = ()) -> dict[str, Feature]:
        """The properties of an object, of those that can be features."""
        if len(within) > _DEEPEST:
            raise SchemaError("The JSON Schema's objects go in a circle, or too deep.", where={"feature": within[0]})
        required = set(said.get("required", ()))
        found = {}
        for name, property in said.get("properties", {}).items():
            feature = self.feature((*within, name), property, name in required)
            if feature is not None:
                found[name] = feature
        return found

    def feature(self, path: tuple[str, ...], said: Any, required: bool) -> Feature | None:
        """One property; nothing, and a note, if it can be none."""
        if isinstance(said, Mapping) and OURS in said:
            return self.ours(path, said, required)
        place = ".".join(path)
        if not isinstance(said, Mapping):
            self.notes.append(f"{place}: {said!r} says nothing about the type and was left out.")
            return None
        if is_reserved(path[-1]) or not path[-1]:
            self.notes.append(f"{place}: the name belongs to Treadle; the property was left out.")
            return None
        said, nullable = self.present(said)
        fields: dict[str, Any] = {"required": required, "min_fraction": 0.0 if nullable or not required else 1.0}
        fields["description"] = str(said.get("description", said.get("title", "")))
        if said.get("deprecated") is True:
            fields["lifecycle"] = "deprecated"
        if said.get("type") == "array":
            fields.update(list=True, min_items=said.get("minItems"), max_items=said.get("maxItems"))
            said, _ = self.present(said.get("items", {}))
        if isinstance(said.get("properties"), Mapping):
            fields["fields"] = self.features(said, path)
        type = "struct" if fields.get("fields") else _type(said)
        if type is None:
            self.notes.append(f"{place}: {said.get('type', 'no type')} is not a type of a feature and was left out.")
            return None
        fields["type"] = type
        self.notes += [f"{place}: {note}" for note in (*_values(said, fields), *_bounds(said, fields))]
        if type == "string":
            _text(said, fields)
        return Feature(name=path[-1], **fields)

    def ours(self, path: tuple[str, ...], said: Mapping[str, Any], required: bool) -> Feature:
        """A property that we wrote."""
        ours = {key: _bound(key, value) for key, value in _tuples(said[OURS]).items()}
        ours["fields"] = self.features(said.get("items", said) if ours.get("list") else said, path)
        try:
            return Feature(name=path[-1], description=said.get("description", ""), required=required, **ours)
        except TypeError as error:
            what = f"The JSON Schema's {OURS} is not understood: {error}."
            raise SchemaError(what, where={"feature": ".".join(path)}) from error

    def present(self, said: Any) -> tuple[Mapping[str, Any], bool]:
        """What is said of values that are there, and whether null is allowed beside them."""
        said = _resolved(said, self.document)
        for word in ("anyOf", "oneOf"):
            options = [_resolved(option, self.document) for option in said.get(word, ())]
            others = [option for option in options if option.get("type") != "null"]
            if len(others) == 1:
                rest = {key: value for key, value in said.items() if key != word}
                return {**others[0], **rest}, len(options) > 1
        kinds = said.get("type")
        if isinstance(kinds, list):
            others = [kind for kind in kinds if kind != "null"]
            return {**said, "type": others[0] if len(others) == 1 else others}, "null" in kinds
        return said, said.get("nullable") is True


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


def _values(said: Mapping[str, Any], fields: dict[str, Any]) -> Iterator[str]:
    options = said.get("enum", [said["const"]] if "const" in said else None)
    if options is None:
        return
    options = tuple(dict.fromkeys(option for option in options if option is not None))
    if fields["type"] in ("int", "string", "bool") and options:
        fields["values"] = options
    else:
        yield f"a list of values of type {fields['type']} was left out; use a range."


def _bounds(said: Mapping[str, Any], fields: dict[str, Any]) -> Iterator[str]:
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
        yield "multipleOf has no counterpart; write a rule."


def _text(said: Mapping[str, Any], fields: dict[str, Any]) -> None:
    fields.update(min_length=said.get("minLength"), max_length=said.get("maxLength"))
    if "pattern" in said:
        # JSON Schema looks for a pattern anywhere; here the whole string must match
        fields["pattern"] = f"(?s:.*)(?:{said['pattern']})(?s:.*)"
    if said.get("format") in ("uri", "iri"):
        fields["semantic"] = "url"
    if said.get("format") in ("email", "idn-email"):
        fields["pii"] = "email"


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


def _tuples(said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if name in _TUPLES else value for name, value in said.items()}


def _bound(name: str, value: Any) -> Any:
    return datetime.fromisoformat(value) if name in ("min", "max") and isinstance(value, str) else value
