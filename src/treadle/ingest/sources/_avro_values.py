"""Avro's binary encoding: values, and the Arrow types that hold them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

Decode = Callable[["Cursor"], Any]

_NUMBERS = ("int", "long", "float", "double")
_EPOCH = datetime(1970, 1, 1)
_PRIMITIVES = {
    "null": pa.null(),
    "boolean": pa.bool_(),
    "int": pa.int64(),
    "long": pa.int64(),
    "float": pa.float64(),
    "double": pa.float64(),
    "bytes": pa.binary(),
    "string": pa.string(),
    "enum": pa.string(),
    "fixed": pa.binary(),
}
_MOMENTS = {
    "timestamp-millis": 1000,
    "timestamp-micros": 1,
    "local-timestamp-millis": 1000,
    "local-timestamp-micros": 1,
}


class Cursor:
    """A place in bytes; whatever reads beyond the end raises ValueError."""

    __slots__ = ("data", "place")

    def __init__(self, data: memoryview, place: int = 0) -> None:
        self.data = data
        self.place = place

    def take(self, count: int) -> memoryview:
        """The next bytes."""
        end = self.place + count
        if count < 0 or end > len(self.data):
            raise ValueError("it ends in the middle of a value")
        part = self.data[self.place : end]
        self.place = end
        return part

    def long(self) -> int:
        """A whole number of variable length, in zigzag code."""
        shift = result = 0
        while True:
            if self.place >= len(self.data) or shift > 63:
                raise ValueError("it ends in the middle of a number")
            byte = self.data[self.place]
            self.place += 1
            result |= (byte & 0x7F) << shift
            if byte < 0x80:
                return (result >> 1) ^ -(result & 1)
            shift += 7


def decoder(schema: Any, named: dict[str, Any]) -> Decode:
    """The function that reads one value of an Avro schema.

    Args:
        schema: The schema, parsed from JSON.
        named: Functions of the named types read so far; filled.
    """
    if isinstance(schema, list):
        return _union([decoder(branch, named) for branch in schema], _members(schema))
    if isinstance(schema, str):
        if schema in _SIMPLE:
            return _SIMPLE[schema]
        # a name may be used inside its own definition
        return lambda data: named[schema](data)  # noqa: PLW0108
    return _logical(schema, _complex(schema, named))


def arrow_type(schema: Any, named: dict[str, pa.DataType]) -> pa.DataType:
    """The Arrow type that holds values of an Avro schema.

    Raises:
        ValueError: None does: a record inside itself.
    """
    if isinstance(schema, list):
        members = _members(schema)
        branches = {name: arrow_type(branch, named) for name, branch in zip(members, schema, strict=True) if name}
        if branches:
            return pa.struct(list(branches.items()))
        kinds = {arrow_type(branch, named) for branch in schema} - {pa.null()}
        return pa.float64() if len(kinds) > 1 else next(iter(kinds), pa.null())
    if isinstance(schema, str):
        found = _PRIMITIVES.get(schema, named.get(schema))
        if found is None:
            raise ValueError(f"the type {schema!r} is used inside itself, or is not known")
        return found
    kind = schema["type"]
    if not isinstance(kind, str):
        return arrow_type(kind, named)
    found = _logical_type(schema) or _nested_type(schema, kind, named)
    if "name" in schema:
        named[schema["name"]] = found
    return found


def _logical_type(schema: dict[str, Any]) -> pa.DataType | None:
    logical = schema.get("logicalType")
    if logical in _MOMENTS:
        return pa.timestamp("us", None if logical.startswith("local") else "UTC")
    if logical == "date":
        return pa.date32()
    if logical == "decimal":
        return pa.decimal128(schema["precision"], schema.get("scale", 0))
    return None


def _nested_type(schema: dict[str, Any], kind: str, named: dict[str, pa.DataType]) -> pa.DataType:
    if kind == "array":
        return pa.list_(arrow_type(schema["items"], named))
    if kind == "map":
        return pa.map_(pa.string(), arrow_type(schema["values"], named))
    if kind == "record":
        return pa.struct([(field["name"], arrow_type(field["type"], named)) for field in schema["fields"]])
    return arrow_type(kind, named)


def _complex(schema: dict[str, Any], named: dict[str, Any]) -> Decode:
    kind = schema["type"]
    if kind == "array":
        return _blocks(decoder(schema["items"], named), list)
    if kind == "map":
        value = decoder(schema["values"], named)
        return _blocks(lambda data: (_string(data), value(data)), dict)
    if kind == "record":
        return _record(schema, named)
    if kind == "enum":
        symbols = schema["symbols"]
        read: Decode = lambda data: symbols[data.long()]  # noqa: E731
    elif kind == "fixed":
        size = schema["size"]
        read = lambda data: bytes(data.take(size))  # noqa: E731
    else:
        return decoder(kind, named)
    named[schema["name"]] = read
    return read


def _record(schema: dict[str, Any], named: dict[str, Any]) -> Decode:
    fields: list[tuple[str, Decode]] = []

    def read(data: Cursor) -> dict[str, Any]:
        return {name: field(data) for name, field in fields}

    named[schema["name"]] = read
    fields += [(field["name"], decoder(field["type"], named)) for field in schema["fields"]]
    return read


def _members(union: list[Any]) -> list[str]:
    """What each branch of a union is called in the struct that holds it; empty names where no struct is needed.

    One type beside null, or numbers of several widths, are a plain column. Other types stand side by side, as in
    Avro's own JSON: ``{"long": null, "string": "x"}``.
    """
    branches = [branch for branch in union if branch != "null"]
    if len(branches) < 2 or all(branch in _NUMBERS for branch in branches):
        return [""] * len(union)
    return ["" if branch == "null" else _name_of(branch) for branch in union]


def _name_of(branch: Any) -> str:
    return branch if isinstance(branch, str) else str(branch.get("name", branch["type"]))


def _union(branches: list[Decode], members: list[str]) -> Decode:
    def read(data: Cursor) -> Any:
        index = data.long()
        if not 0 <= index < len(branches):
            raise ValueError("a union has no such branch")
        value = branches[index](data)
        return {members[index]: value} if members[index] else value

    return read


def _blocks(item: Decode, gather: Callable[[list[Any]], Any]) -> Decode:
    def read(data: Cursor) -> Any:
        items: list[Any] = []
        while count := data.long():
            if count < 0:  # the size of the block in bytes follows
                count = -count
                data.long()
            if count > len(data.data):
                raise ValueError("a list has more items than there are bytes")
            items += [item(data) for _ in range(count)]
        return gather(items)

    return read


def _logical(schema: dict[str, Any], read: Decode) -> Decode:
    logical = schema.get("logicalType")
    if logical in _MOMENTS:
        factor = _MOMENTS[logical]
        zone = None if logical.startswith("local") else UTC
        return lambda data: (_EPOCH + timedelta(microseconds=read(data) * factor)).replace(tzinfo=zone)
    if logical == "date":
        return lambda data: date(1970, 1, 1) + timedelta(days=read(data))
    if logical == "decimal":
        scale = schema.get("scale", 0)
        return lambda data: Decimal(int.from_bytes(read(data), "big", signed=True)).scaleb(-scale)
    return read


def _bytes(data: Cursor) -> bytes:
    return bytes(data.take(data.long()))


def _string(data: Cursor) -> str:
    return _bytes(data).decode("utf-8")


_SIMPLE: dict[str, Decode] = {
    "null": lambda _: None,
    "boolean": lambda data: data.take(1)[0] == 1,
    "int": Cursor.long,
    "long": Cursor.long,
    "float": lambda data: struct.unpack("<f", data.take(4))[0],
    "double": lambda data: struct.unpack("<d", data.take(8))[0],
    "bytes": _bytes,
    "string": _string,
}
