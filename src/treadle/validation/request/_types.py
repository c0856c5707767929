"""The types that requests are decoded into, compiled from a schema: decoding and checking are one pass in C."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

import msgspec

from treadle.errors import SchemaError
from treadle.schema import Feature

_UNDECODABLE = re.compile(r'["\\\x00-\x1f]')
"""What the decoder cannot match in a field's name."""


class _Base64(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    b64: bytes


_VALUE_TYPES: dict[str, Any] = {
    "int": Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)],
    "float": float,
    "string": str,
    "bool": bool,
    "bytes": _Base64,
    # naive local time: the schema names no zone, so a zone in the text would be dropped without a word
    "timestamp": Annotated[datetime, msgspec.Meta(tz=False)],
}


def row_type(title: str, features: Iterable[Feature], *, columns: bool = False) -> type[msgspec.Struct]:
    """A struct type with one field for each feature; feature names need not be Python names.

    Args:
        title: What the type is called.
        features: The features of a row, or the fields of a struct inside one.
        columns: Whether each field holds a whole column.

    Raises:
        SchemaError: A feature's name cannot stand in a request.
    """
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    names = {}
    for position, feature in enumerate(features):
        if _UNDECODABLE.search(feature.name):
            raise SchemaError(
                f"The feature {feature.name!r} cannot be served: its name needs escapes in JSON.",
                where={"feature": feature.name},
                hint="Rename the column: no quotes, backslashes or control characters.",
            )
        kind: Any = _value_type(feature)
        if columns:
            kind = list.__class_getitem__(kind)
        names[f"f{position}"] = feature.name
        if feature.required:
            fields.append((f"f{position}", kind))
        else:
            fields.append((f"f{position}", kind | msgspec.UnsetType, msgspec.UNSET))
    return msgspec.defstruct(
        title,
        fields,
        rename=names,
        forbid_unknown_fields=True,
        frozen=True,
        kw_only=True,
        gc=columns,  # a row holds no cycles: the collector need not look at it
    )


def is_wrapped(feature: Feature) -> bool:
    """Whether a value is decoded into an object of ours: bytes and structs are."""
    return feature.type in ("bytes", "struct")


def plain_value(value: Any) -> Any:
    """A decoded value as Python has it: structs as dictionaries, what is not given as ``None``."""
    if isinstance(value, msgspec.Struct):
        if type(value) is _Base64:
            return value.b64
        names, values = type(value).__struct_encode_fields__, msgspec.structs.astuple(value)
        return {name: plain_value(inner) for name, inner in zip(names, values, strict=True)}
    if type(value) is list:
        return [plain_value(item) for item in value]
    return None if value is msgspec.UNSET else value


def _value_type(feature: Feature) -> Any:
    if feature.type == "struct":
        kind: Any = row_type("Fields", feature.fields.values())
    else:
        kind = _VALUE_TYPES[feature.type]
    return list.__class_getitem__(kind | None) | None if feature.list else kind | None
