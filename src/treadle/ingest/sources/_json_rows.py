"""JSON objects one by one: slower than Arrow's reader, and exact about what is wrong and where."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from treadle.errors import ColumnTypeError, CorruptFileError, DataError, TextEncodingError
from treadle.ingest.sources._promise import Reading, Refused, shown

_WORDS = {bool: "bool", int: "int", float: "float", str: "string", list: "list", dict: "struct", bytes: "bytes",
          datetime: "timestamp"}  # fmt: skip
_FITS = {
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "string": (str,),
    "bytes": (str, bytes),
    "timestamp": (str, datetime),
}
_LIMIT = 2**63
_DEEPEST = 200  # Arrow's parser overflows its stack, and takes the process with it
_SPACE = re.compile(r"[ \t\n\r]*")
_TOO_DEEP = f"more than {_DEEPEST} objects and lists are inside of each other"
# never looks back, so that no text takes more time than its length; one that nobody closed ends with its line
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?')


class _TwiceError(ValueError):
    """An object has two values of one name."""


class Row(NamedTuple):
    """One object and the number of its line."""

    number: int
    fields: dict[str, Any]


def parse_lines(chunk: bytes, path: Path, seen: int, *, lenient: bool) -> tuple[list[Row], list[Refused]]:
    """The objects of a piece of text, and in a lenient reading the lines that are none.

    Raises:
        DataError: A line is no object, and the reading is not lenient.
    """
    rows, refused = [], []
    number = seen
    for line in chunk.split(b"\n"):
        if not line.strip():
            continue
        number += 1
        try:
            rows.append(Row(number, parse_object(line)))
        except ValueError as error:
            garbled = isinstance(error, UnicodeDecodeError)
            if not lenient:
                kind = TextEncodingError if garbled else CorruptFileError
                what = "The text is not UTF-8." if garbled else f"The line is not one JSON object: {error}."
                raise kind(what, where={"file": path, "row": number}) from error
            refused.append(Refused(number, "not-utf8" if garbled else "malformed", None, shown(line)))
    return rows, refused


def parse_object(line: bytes | str) -> dict[str, Any]:
    """One JSON object; a name that stands twice is refused. NaN and infinities are numbers, as writers of logs mean.

    Raises:
        ValueError: The text is something else.
    """
    text = line.decode("utf-8") if isinstance(line, bytes) else line
    try:
        value = json.loads(text, object_pairs_hook=_unique)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    except ValueError as error:
        raise _in_words(error) from None
    if text.count("{") + text.count("[") > _DEEPEST and not _is_shallow(value):
        raise ValueError(_TOO_DEEP)
    if not isinstance(value, dict):
        raise ValueError(f"it is {_WORDS.get(type(value), 'null')}")
    return value


def _in_words(error: ValueError) -> ValueError:
    """The error as a reader of data wants it: Python's own speaks of its settings where an integer is too long."""
    if type(error) is not ValueError:  # no JSON, no UTF-8, a name that stands twice
        return error
    return ValueError(f"an integer has more than {sys.get_int_max_str_digits():,} digits")


def may_be_deep(chunk: bytes) -> bool:
    """Whether objects or lists may be inside of more of them than a parser's stack bears, whatever else is wrong.

    Arrow reads an object across the ends of lines, and begins anew at some of them, also at a lone carriage return.
    """
    if chunk.count(b"{") + chunk.count(b"[") <= _DEEPEST:
        return False
    lines = filter(None, map(bytes.strip, chunk.splitlines()))
    return any(line[:1] + line[-1:] != b"{}" or _most_open(line) > _DEEPEST for line in lines)


def _most_open(line: bytes) -> int:
    """The most brackets that are open at one place, not counting those in strings; 0 for a line with few of them."""
    if line.count(b"{") + line.count(b"[") <= _DEEPEST:
        return 0
    letters = np.frombuffer(_STRING.sub(b"", line), np.uint8)
    opened = np.isin(letters, list(b"{[")).astype(np.int32)
    return int(np.cumsum(opened - np.isin(letters, list(b"}]"))).max(initial=0))


def _is_shallow(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            item
            for found in level
            if isinstance(found, dict | list)
            for item in (found.values() if isinstance(found, dict) else found)
        ]
        if not level:
            return True
    return False


def array_lines(text: bytes, path: Path) -> bytes:
    """A file that is one array of objects, as lines."""
    try:
        values = json.loads(text, object_pairs_hook=_unique)
        return "\n".join(json.dumps(value, ensure_ascii=False) for value in values).encode()
    except RecursionError as error:
        raise CorruptFileError(f"The file is not JSON: {error}.", where={"file": path}) from error
    except ValueError as error:
        where = {"file": path, "row": _first_wrong(text)}
        raise CorruptFileError(f"The file is not JSON: {_in_words(error)}.", where=where) from error


def _first_wrong(array: bytes) -> int | None:
    """The number of the first item of an array that is none; nothing where it is no text, or no item is wrong."""
    try:
        text = array.decode(json.detect_encoding(array))
    except UnicodeDecodeError:
        return None
    decoder = json.JSONDecoder(object_pairs_hook=_unique)
    number, end = 0, text.find("[")
    while number == 0 or text[end : end + 1] == ",":
        number += 1
        try:
            _, end = decoder.raw_decode(text, _after_space(text, end + 1))
        except (ValueError, RecursionError):
            return number
        end = _after_space(text, end)
    return None


def _after_space(text: str, start: int) -> int:
    found = _SPACE.match(text, start)
    return found.end() if found else start


def rows_to_table(
    rows: Sequence[Row], path: Path, reading: Reading, text: Sequence[str] = ()
) -> tuple[pa.Table, list[Refused]]:
    """Objects as a table; the columns in the order in which their names first stand.

    Args:
        rows: The objects.
        path: The file, for errors.
        reading: In a lenient reading with a schema, rows with a value of another type are left out and listed.
        text: Columns that are text whatever it looks like.

    Raises:
        DataError: A column holds values of several types.
    """
    refused: list[Refused] = []
    if reading.lenient and reading.schema is not None:
        features = reading.schema.features.items()
        kinds = {name: feature.type for name, feature in features if feature.type in _FITS and not feature.list}
        kept = []
        for row in rows:
            wrong = next((name for name, kind in kinds.items() if not _fits(row.fields.get(name), kind)), None)
            if wrong is None:
                kept.append(row)
            else:
                refused.append(Refused(row.number, "wrong-type", wrong, shown(row.fields[wrong])))
        rows = kept
    names = dict.fromkeys(name for row in rows for name in row.fields)
    if not names:
        return pa.table({"__rows__": pa.nulls(len(rows))}), refused
    return pa.table({name: _column(name, rows, path, declared=name in text) for name in names}), refused


def _fits(value: Any, kind: str) -> bool:
    if value is None:
        return True
    if type(value) not in _FITS[kind]:
        return False
    if kind == "timestamp" and isinstance(value, str):
        try:
            datetime.fromisoformat(value)
        except ValueError:
            return False
    return type(value) is not int or -_LIMIT <= value < _LIMIT


def _column(name: str, rows: Sequence[Row], path: Path, *, declared: bool) -> pa.Array:
    values = [row.fields.get(name) for row in rows]
    kinds = {type(value) for value in values if value is not None}
    if declared and kinds - {str}:
        raise _mixed(name, rows, path, str)
    if kinds == {int, float}:
        return pa.array([_number(name, row, path) for row in rows], pa.float64())
    if kinds == {int} and not all(value is None or -_LIMIT <= value < _LIMIT for value in values):
        return pa.array([None if value is None else str(value) for value in values], pa.string())
    if len(kinds) > 1:
        raise _mixed(name, rows, path, type(next(value for value in values if value is not None)))
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
        raise ColumnTypeError(
            f"The column's values are of several types: {str(error).splitlines()[0]}.",
            where={"file": path, "column": name},
        ) from error


def _number(name: str, row: Row, path: Path) -> float | None:
    value = row.fields.get(name)
    try:
        return None if value is None else float(value)
    except OverflowError as error:
        raise ColumnTypeError(
            "The column holds float and here an integer larger than any float.",
            where={"file": path, "row": row.number, "column": name},
            hint="Write one type throughout, or let such rows be set aside (quarantine).",
        ) from error


def _mixed(name: str, rows: Sequence[Row], path: Path, expected: type) -> DataError:
    alike = (int, float) if expected in (int, float) else (expected,)
    other = next(row for row in rows if row.fields.get(name) is not None and type(row.fields[name]) not in alike)
    return ColumnTypeError(
        f"The column holds {_WORDS[expected]} and here {_WORDS[type(other.fields[name])]}.",
        where={"file": path, "row": other.number, "column": name},
        hint="Write one type throughout, or let such rows be set aside (quarantine).",
    )


def _unique(pairs: Sequence[tuple[str, Any]]) -> Mapping[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        names = [name for name, _ in pairs]
        raise _TwiceError(f"the name {next(name for name in names if names.count(name) > 1)!r} stands twice")
    return fields
