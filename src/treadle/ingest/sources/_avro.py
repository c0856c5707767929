"""Avro object container files (specification 1.11), with all its codecs.

Own reader: the format is small, and a library would be one more for everybody. Records are decoded one by one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from treadle.errors import ColumnTypeError, CorruptFileError
from treadle.ingest.sources._avro_codecs import CODECS, ERRORS, unpack
from treadle.ingest.sources._avro_values import Cursor, arrow_type, decoder
from treadle.ingest.sources._promise import Opened, Reading, Refused

SUFFIXES = (".avro",)
SCHEMES = ()

_MAGIC = b"Obj\x01"


def is_format(head: bytes) -> bool:
    """Whether the bytes are the magic of a container file."""
    return head.startswith(_MAGIC)


def open_source(path: Path, reading: Reading) -> Opened:
    """The records of a container file whose schema is a record."""
    reading.only(path)
    return AvroSource(path, reading)


class AvroSource:
    """The records of one file. Made by :func:`open_source`."""

    def __init__(self, path: Path, reading: Reading) -> None:
        self.path = path
        self.refused: tuple[Refused, ...] = ()
        self._limit = reading.group_bytes
        data = Cursor(memoryview(path.read_bytes()))
        try:
            if bytes(data.take(4)) != _MAGIC:
                raise ValueError("it does not begin as one")
            head = decoder({"type": "map", "values": "bytes"}, {})(data)
            self._schema = json.loads(head["avro.schema"])
            self._codec = head.get("avro.codec", b"null").decode()
            self._sync = bytes(data.take(16))
        except (ValueError, KeyError, IndexError) as error:
            raise self._corrupt(error) from error
        if not isinstance(self._schema, dict) or self._schema.get("type") != "record":
            raise CorruptFileError("The file's records are no records: they have no fields.", where={"file": path})
        if self._codec not in CODECS:
            raise CorruptFileError(
                f"The codec {self._codec!r} is not read.", where={"file": path}, hint=f"Read are {', '.join(CODECS)}."
            )
        self._start = data.place
        named: dict[str, Any] = {}
        self._decode = decoder(self._schema, named)
        fields = self._schema["fields"]
        try:
            kinds: dict[str, pa.DataType] = {}
            self.schema = pa.schema([(field["name"], arrow_type(field["type"], kinds)) for field in fields])
        except ValueError as error:
            raise ColumnTypeError(f"A field cannot be a column: {error}.", where={"file": path}) from error
        self.num_rows = sum(count for count, _ in self._blocks())

    def batches(
        self,
        columns: list[str],
        batch_rows: int,
        *,
        dictionary: bool = False,  # noqa: ARG002
    ) -> Iterator[pa.RecordBatch]:
        """The records in order."""
        kinds = pa.schema([self.schema.field(name) for name in columns])
        for count, block in self._blocks():
            data = Cursor(memoryview(block))
            try:
                rows = [self._decode(data) for _ in range(count)]
                if data.place != len(data.data):
                    raise ValueError("a block holds more than its records")
            except (ValueError, IndexError, UnicodeDecodeError, RecursionError) as error:
                raise self._corrupt(error) from error
            for start in range(0, count, batch_rows):
                part = rows[start : start + batch_rows]
                yield pa.RecordBatch.from_arrays([self._column(part, field) for field in kinds], schema=kinds)

    def _column(self, rows: list[Any], field: pa.Field) -> pa.Array:
        try:
            return pa.array([row[field.name] for row in rows], field.type)
        except (pa.ArrowInvalid, OverflowError) as error:  # a whole number that its column's type would round
            raise ColumnTypeError(
                f"A value does not fit into the column: {error}.", where={"file": self.path, "column": field.name}
            ) from error

    def _blocks(self) -> Iterator[tuple[int, bytes]]:
        """The number of records and the unpacked bytes of every block."""
        data = Cursor(memoryview(self.path.read_bytes()), self._start)
        try:
            while data.place < len(data.data):
                count, size = data.long(), data.long()
                if count < 0 or size < 0:
                    raise ValueError("a block has an impossible size")
                block = bytes(data.take(size))
                if bytes(data.take(16)) != self._sync:
                    raise ValueError("a block does not end with the file's mark")
                yield count, unpack(self._codec, block, self._limit)
        except (*ERRORS, IndexError) as error:
            raise self._corrupt(error) from error

    def _corrupt(self, error: Exception) -> CorruptFileError:
        reason = str(error) if isinstance(error, ERRORS) else f"{type(error).__name__} {error}"
        return CorruptFileError(
            f"The file is not a whole Avro file: {reason}.",
            where={"file": self.path},
            hint="It was probably cut off while it was written or copied: fetch or write it again.",
        )
