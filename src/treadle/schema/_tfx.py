"""Schemas of TensorFlow Metadata (`schema.pbtxt`) as ours; what has no counterpart is said, not dropped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from treadle.errors import SchemaError
from treadle.schema._feature import Feature, is_reserved
from treadle.schema._protobuf_text import Message, parse_message
from treadle.schema._rule import RowLimits, Rule
from treadle.schema._schema import Schema
from treadle.schema._time_format import unread

_STAGES = {
    **{name: name.lower() for name in ("PLANNED", "ALPHA", "BETA", "PRODUCTION", "DEPRECATED", "DISABLED")},
    "DEBUG_ONLY": "debug",
    "UNKNOWN_STAGE": "production",
}
_KINDS = {"INT": "int", "FLOAT": "float", "BYTES": "string", "STRUCT": "struct"}
_TIME_UNITS = {
    "UNIX_DAYS": "unix_days",
    "UNIX_SECONDS": "unix_seconds",
    "UNIX_MILLISECONDS": "unix_milliseconds",
    "UNIX_MICROSECONDS": "unix_microseconds",
    "UNIX_NANOSECONDS": "unix_nanoseconds",
}
# said by us in another way, or of no consequence
_READ = {
    *("name", "type", "presence", "shape", "value_count", "domain", "distribution_constraints", "lifecycle_stage"),
    *(
        "drift_comparator",
        "skew_comparator",
        "not_in_environment",
        "in_environment",
        "unique_constraints",
        "annotation",
    ),
    *("int_domain", "float_domain", "string_domain", "bool_domain", "natural_language_domain", "image_domain"),
    *("url_domain", "time_domain", "mid_domain", "deprecated", "struct_domain"),
}


@dataclass(frozen=True, slots=True)
class Imported:
    """A schema from elsewhere."""

    schema: Schema
    notes: tuple[str, ...]
    """What it said that this schema does not, a sentence each."""


def from_tfx(text: str) -> Imported:
    """The schema in a ``schema.pbtxt`` (or the baseline in anomalies).

    ``BYTES`` become strings, unless they are images; one value a row is a plain column, several are a list; a
    boolean among integers becomes the values 0 and 1; a ``struct_domain`` becomes the fields of a struct.

    Raises:
        SchemaError: The text is not in the format, or says something impossible.
    """
    message = parse_message(text)
    if "feature" not in message and "baseline" in message:
        message = message["baseline"][0]
    return _Importer(message).run()


class _Importer:
    def __init__(self, message: Message) -> None:
        self.message = message
        self.notes: list[str] = []
        self.domains = {_text(one(domain, "name")): domain for domain in message.get("string_domain", [])}
        self.defaults = [_text(name) for name in message.get("default_environment", [])]
        features = list(_all_features(message))
        opted = [_text(n) for f in features for n in (*f.get("in_environment", []), *f.get("not_in_environment", []))]
        self.environments = list(dict.fromkeys([*self.defaults, *opted]))

    def run(self) -> Imported:
        features = self.features(self.message, "")
        rules = {**dict(self.pairs("weighted_feature")), **dict(self.pairs("sparse_feature"))}
        for name in ("tensor_representation_group", "float_domain", "int_domain"):
            if name in self.message:
                self.notes.append(f"{name} of the whole schema has no counterpart.")
        schema = Schema(features, rows=self.rows(), rules=rules)
        return Imported(schema, tuple(self.notes))

    def features(self, message: Message, within: str) -> dict[str, Feature]:
        """The features of the schema, or of the domain of a struct whose path is ``within``."""
        found = {}
        for each in message.get("feature", []):
            feature = self.feature(each, within)
            if feature is not None:
                found[feature.name] = feature
        return found

    def feature(self, message: Message, within: str) -> Feature | None:
        name, kind = _text(one(message, "name", b"")), one(message, "type", "")
        path = within + name
        if not name or is_reserved(name):
            self.notes.append(f"A feature named {path!r} was left out: the name cannot be used.")
            return None
        if kind not in _KINDS:
            self.notes.append(f"{path}: type {kind or 'unknown'} has no counterpart and was left out.")
            return None
        for field in message:
            if field not in _READ:
                self.notes.append(f"{path}: {field} has no counterpart.")
        said: dict[str, Any] = {"type": _KINDS[kind]}
        self.presence(message, said)
        self.items(path, message, said)
        if kind == "STRUCT":
            inside = f"{path}[]." if said.get("list") else f"{path}."
            said["fields"] = self.features(one(message, "struct_domain", {}), inside)
            if not said["fields"]:
                self.notes.append(f"{path}: a struct of which no field is known was left out.")
                return None
        self.domain(path, message, said)
        self.drift(path, message, said)
        stage = one(message, "lifecycle_stage", "PRODUCTION")
        if stage not in _STAGES:
            self.notes.append(f"{path}: the stage {stage} has no counterpart.")
        said["lifecycle"] = "deprecated" if one(message, "deprecated") == "true" else _STAGES.get(stage, "production")
        said["not_in"] = self.not_in(message)
        mass = one(one(message, "distribution_constraints", {}), "min_domain_mass")
        if mass is not None:
            said["min_domain_mass"] = mass
        unique = one(message, "unique_constraints", {})
        said["min_unique"], said["max_unique"] = one(unique, "min"), one(unique, "max")
        annotation = one(message, "annotation", {})
        said["tags"] = tuple(_text(tag) for tag in annotation.get("tag", []))
        said["description"] = " ".join(_text(comment) for comment in annotation.get("comment", []))
        return Feature(name=name, **said)

    def presence(self, message: Message, said: dict[str, Any]) -> None:
        presence = one(message, "presence", {})
        fraction, count = one(presence, "min_fraction", 0.0), one(presence, "min_count", 0)
        said["required"] = bool(fraction or count)
        said["min_fraction"] = float(fraction)
        if count and not (count == 1 and fraction == 1):
            said["min_count"] = count

    def items(self, path: str, message: Message, said: dict[str, Any]) -> None:
        if "shape" in message:
            sizes = tuple(one(dim, "size", 0) for dim in message["shape"][0].get("dim", []))
            if all(size == 1 for size in sizes):
                return
            said["list"] = True
            if all(sizes):
                said["shape"] = sizes
            else:
                self.notes.append(f"{path}: the shape {sizes} is not fixed and was left out.")
        elif "value_count" in message:
            least, most = (one(message["value_count"][0], end) for end in ("min", "max"))
            if (least, most) != (1, 1):
                said.update(list=True, min_items=least, max_items=most)

    def domain(self, path: str, message: Message, said: dict[str, Any]) -> None:
        domain = one(message, "string_domain")
        if "domain" in message:
            domain = self.domains.get(_text(one(message, "domain")))
            if domain is None:
                raise SchemaError("Schema: a domain that is not there.", where={"feature": path, "field": "domain"})
        if domain is not None:
            values = tuple(dict.fromkeys(_text(value) for value in domain.get("value", [])))
            said["values"] = values or None
        for field, take in (
            ("int_domain", self.number_domain),
            ("float_domain", self.number_domain),
            ("bool_domain", self.bool_domain),
        ):
            if field in message:
                take(path, message[field][0], said)
        for field, semantic in (
            ("natural_language_domain", "text"),
            ("url_domain", "url"),
            ("image_domain", "image"),
            ("mid_domain", "identifier"),
            ("time_domain", "time"),
        ):
            if field in message:
                said["semantic"] = semantic
        if said.get("semantic") == "image":
            said["type"] = "bytes"
            said["max_length"] = one(message["image_domain"][0], "max_image_byte_size")
        if said.get("semantic") == "time":
            time = message["time_domain"][0]
            text, unit = one(time, "string_format"), one(time, "integer_format")
            said["format"] = _text(text) if text is not None else _TIME_UNITS.get(unit)
            if text is not None and said["type"] == "string" and (wrong := unread(_text(text))):
                self.notes.append(f"{path}: the format of times {_text(text)!r} was left out; {wrong[0]} is not read.")
                said["format"] = None

    def number_domain(self, path: str, domain: Message, said: dict[str, Any]) -> None:
        if said["type"] == "string":
            self.notes.append(f"{path}: a range of numbers written as strings was left out; read them as numbers.")
            return
        for end in ("min", "max"):
            bound = one(domain, end)
            if bound is not None and abs(bound) != float("inf"):
                said[end] = bound
        if one(domain, "is_categorical") == "true":
            said["semantic"] = "category"
        if "true" in (one(domain, "disallow_nan"), one(domain, "disallow_inf")):
            said["severity"] = {"NOT_FINITE": "error"}
        if one(domain, "is_embedding") == "true":
            said.update(semantic="embedding", list=True)
            said.setdefault("shape", (one(domain, "embedding_dim"),) if "embedding_dim" in domain else None)
            said.pop("min_items", None)
            said.pop("max_items", None)

    def bool_domain(self, path: str, domain: Message, said: dict[str, Any]) -> None:
        tokens = tuple(_text(one(domain, end)) for end in ("true_value", "false_value") if end in domain)
        if said["type"] == "string":
            said["values"] = tokens or None
        elif said["type"] == "int":
            said["values"] = (0, 1)
        else:
            self.notes.append(f"{path}: truth values as floats were taken for a range.")
            said.update(min=0.0, max=1.0)

    def drift(self, path: str, message: Message, said: dict[str, Any]) -> None:
        # drift is measured of what is served against what was trained on, too: that is what they call skew
        drift, skew = one(message, "drift_comparator", {}), one(message, "skew_comparator", {})
        comparator = drift or skew
        if drift and skew:
            self.notes.append(f"{path}: skew_comparator was left out; the thresholds of drift hold for both.")
        for field, threshold in (("infinity_norm", "l_infinity"), ("jensen_shannon_divergence", "jensen_shannon")):
            limit = one(one(comparator, field, {}), "threshold")
            if limit is None:
                continue
            if said["type"] == "struct" or (threshold == "l_infinity" and said["type"] == "float"):
                self.notes.append(f"{path}: the threshold of {field} can never fire there and was left out.")
            else:
                said[threshold] = limit
        if "normalized_abs_difference" in comparator:
            self.notes.append(f"{path}: normalized_abs_difference has no counterpart; limit the number of rows.")

    def not_in(self, message: Message) -> tuple[str, ...]:
        out = [_text(name) for name in message.get("not_in_environment", [])]
        into = [_text(name) for name in message.get("in_environment", [])]
        others = [name for name in self.environments if name not in self.defaults and name not in into]
        # a schema without default environments has every feature in all of them, but where one says otherwise
        opted_out = [name for name in others if self.defaults or into]
        return tuple(name for name in self.environments if name in out or name in opted_out)

    def rows(self) -> RowLimits:
        constraints = one(self.message, "dataset_constraints", {})
        ratio = one(constraints, "num_examples_drift_comparator", {})
        return RowLimits(
            min=one(constraints, "min_examples_count"),
            max=one(constraints, "max_examples_count"),
            min_ratio=one(ratio, "min_fraction_threshold"),
            max_ratio=one(ratio, "max_fraction_threshold"),
        )

    def pairs(self, field: str) -> Iterator[tuple[str, Rule]]:
        """Values and weights, or values and indices, must have as many items in every row."""
        for message in self.message.get(field, []):
            parts = [
                _text(one(message[part][0], "step", b"")) for part in ("feature", "weight_feature") if part in message
            ]
            if field == "sparse_feature":
                indices = [_text(one(index, "name", b"")) for index in message.get("index_feature", [])]
                parts = [_text(one(one(message, "value_feature", {}), "name", b"")), *indices]
            if len(parts) < 2 or not all(parts):
                self.notes.append(f"{field} {_text(one(message, 'name', b''))!r} was left out.")
                continue
            first, *rest = (f"coalesce(len({_quoted(part)}), 0)" for part in parts)
            condition = " AND ".join(f"{first} = {other}" for other in rest)
            yield _text(one(message, "name", b"")), Rule(rows=condition, description=f"From {field} of the TFX schema.")


def _all_features(message: Message) -> Iterator[Message]:
    for feature in message.get("feature", []):
        yield feature
        yield from _all_features(one(feature, "struct_domain", {}))


def one(message: Message, name: str, default: Any = None) -> Any:
    """The value of a field; the last one, as the format wants it."""
    return message[name][-1] if message.get(name) else default


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise SchemaError(f"The schema holds text that is not UTF-8: {value[:40]!r}.") from error
    return str(value)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
