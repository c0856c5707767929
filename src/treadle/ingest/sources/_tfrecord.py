"""TFRecord files of ``tf.train.Example`` messages, without TensorFlow.

A feature of at most one value in every row is a column of values, any other a column of lists; bytes are text where
all of them are UTF-8 and the schema does not say otherwise; a float is the double of the float32 in the file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from treadle.errors import CorruptFileError
from treadle.ingest.sources._crc32c import masked_crc32c
from treadle.ingest.sources._promise import Opened, Reading, Refused, TableSource, shown

SUFFIXES = (".tfrecord", ".tfrecords")
SCHEMES = ()

_BATCH = 4096
_KINDS = {"int64_list": pa.int64(), "float_list": pa.float64(), "bytes_list": pa.binary()}


def is_format(head: bytes) -> bool:
    """Whether the first twelve bytes are a length and its checksum."""
    return len(head) >= 12 and int(masked_crc32c([head[:8]])[0]) == int.from_bytes(head[8:12], "little")


def open_source(path: Path, reading: Reading) -> Opened:
    """The examples of a file; ``.gz`` is unpacked on the way."""
    from google.protobuf.message import DecodeError

    reading.only(path)
    columns = _Columns(path)
    refused: list[Refused] = []
    number = 0
    for records in _records(path, refused, lenient=reading.lenient):
        for number, record in records:
            try:
                columns.add(number, _example().FromString(record))
            except (ValueError, DecodeError) as error:
                if not reading.lenient:
                    raise CorruptFileError(
                        f"The record is not a tf.train.Example: {error}.", where={"file": path, "row": number}
                    ) from error
                refused.append(Refused(number, "malformed", None, shown(record[:200])))
    if not number:
        raise CorruptFileError("The file holds no record.", where={"file": path})
    features = reading.schema.features if reading.schema else {}
    binary = {name for name, feature in features.items() if feature.type == "bytes"}
    return TableSource(columns.table(binary), sorted(refused, key=lambda fault: fault.row))


def _records(path: Path, refused: list[Refused], *, lenient: bool) -> Iterator[list[tuple[int, bytes]]]:
    """The records with their numbers, a few thousand at a time, their checksums compared."""
    number = 0
    waiting: list[tuple[int, bytes, bytes, bytes, int]] = []
    try:
        with pa.input_stream(str(path), compression="detect") as stream:
            while header := stream.read(12):
                number += 1
                if len(header) < 12:
                    raise _cut_off(path, number)
                length = int.from_bytes(header[:8], "little")
                # an impossible length must not be asked of memory before it is held against its checksum
                if length > 1 << 20 and not _sound(header):
                    raise _damaged(path, number, "length")
                body = stream.read(length + 4)
                if len(body) < length + 4:
                    raise _cut_off(path, number) if _sound(header) else _damaged(path, number, "length")
                waiting.append((number, header[:8], body[:-4], body[-4:], int.from_bytes(header[8:], "little")))
                if len(waiting) == _BATCH:
                    yield _checked(waiting, path, refused, lenient=lenient)
                    waiting = []
    except (pa.ArrowInvalid, OSError) as error:
        if isinstance(error, CorruptFileError):
            raise
        raise CorruptFileError(f"The file cannot be unpacked: {error}.", where={"file": path}) from error
    yield _checked(waiting, path, refused, lenient=lenient)


def _sound(header: bytes) -> bool:
    return int(masked_crc32c([header[:8]])[0]) == int.from_bytes(header[8:], "little")


def _checked(
    waiting: list[tuple[int, bytes, bytes, bytes, int]], path: Path, refused: list[Refused], *, lenient: bool
) -> list[tuple[int, bytes]]:
    lengths = masked_crc32c([item[1] for item in waiting])
    bodies = masked_crc32c([item[2] for item in waiting])
    kept = []
    for (number, _, body, stored, of_length), length_crc, crc in zip(waiting, lengths, bodies, strict=True):
        if int(length_crc) != of_length:
            raise _damaged(path, number, "length")  # where the next record begins is not known any more
        if int(crc) == struct.unpack("<I", stored)[0]:
            kept.append((number, body))
        elif lenient:
            refused.append(Refused(number, "checksum", None, shown(body[:200])))
        else:
            raise _damaged(path, number, "data")
    return kept


def _damaged(path: Path, number: int, part: str) -> CorruptFileError:
    return CorruptFileError(
        f"The checksum of a record's {part} does not fit: the file is damaged, or is not TFRecord.",
        where={"file": path, "row": number},
        hint="Fetch or write it again.",
    )


def _cut_off(path: Path, number: int) -> CorruptFileError:
    return CorruptFileError(
        "The file ends inside a record.",
        where={"file": path, "row": number},
        hint="It was probably cut off while it was written or copied: fetch or write it again.",
    )


class _Columns:
    """Features gathered row by row."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows = 0
        self._values: dict[str, list[Any]] = {}
        self._kinds: dict[str, str] = {}

    def add(self, number: int, example: Any) -> None:
        """One row."""
        found = {}
        for name, feature in example.features.feature.items():
            kind = feature.WhichOneof("kind")
            if kind is None:
                continue
            known = self._kinds.get(name, kind)
            if kind != known:
                raise ValueError(f"feature {name!r} is {kind} in row {number} and {known} before")
            found[name] = kind, list(getattr(feature, kind).value)
        for name, (kind, values) in found.items():
            self._kinds[name] = kind
            column = self._values.setdefault(name, [])
            column.extend([None] * (self._rows - len(column)))
            column.append(values)
        self._rows += 1

    def table(self, binary: set[str]) -> pa.Table:
        """All rows; columns by name, since an Example has no order of features."""
        return pa.table(
            {name: self._column(name, keep_bytes=name in binary) for name in sorted(self._kinds)}
            or {"__rows__": pa.nulls(self._rows)}
        )

    def _column(self, name: str, *, keep_bytes: bool) -> pa.Array:
        rows = self._values[name] + [None] * (self._rows - len(self._values[name]))
        kind = _KINDS[self._kinds[name]]
        if all(row is None or len(row) <= 1 for row in rows):
            column = pa.array([row[0] if row else None for row in rows], kind)
            return column if keep_bytes else _text(column, pa.string())
        column = pa.array(rows, pa.list_(kind))
        return column if keep_bytes else _text(column, pa.list_(pa.string()))


def _text(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if column.type not in (pa.binary(), pa.list_(pa.binary())):
        return column
    try:
        return column.cast(kind)
    except pa.ArrowInvalid:
        return column


@cache
def _example() -> Any:
    """The message class, from a description of its fields as ``tensorflow/core/example`` numbers them."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="treadle/example.proto", package="treadle.tf", syntax="proto3")

    def add(message: Any, name: str, number: int, kind: int, type_name: str = "", *, repeated: bool = False) -> Any:
        label = field.LABEL_REPEATED if repeated else field.LABEL_OPTIONAL
        added = message.field.add(name=name, number=number, type=kind, label=label)
        if type_name:
            added.type_name = f".treadle.tf.{type_name}"
        return added

    for name, kind in (("Bytes", field.TYPE_BYTES), ("Float", field.TYPE_FLOAT), ("Int64", field.TYPE_INT64)):
        add(file.message_type.add(name=f"{name}List"), "value", 1, kind, repeated=True)
    feature = file.message_type.add(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, name in enumerate(("Bytes", "Float", "Int64"), start=1):
        add(feature, f"{name.lower()}_list", number, field.TYPE_MESSAGE, f"{name}List").oneof_index = 0
    features = file.message_type.add(name="Features")
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    add(entry, "key", 1, field.TYPE_STRING)
    add(entry, "value", 2, field.TYPE_MESSAGE, "Feature")
    add(features, "feature", 1, field.TYPE_MESSAGE, "Features.FeatureEntry", repeated=True)
    add(file.message_type.add(name="Example"), "features", 1, field.TYPE_MESSAGE, "Features")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("treadle.tf.Example"))
