"""Python values, as JSON gives them, into one ``[N, 1]`` tensor."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from treadle.errors import InputValueError

Tensor: TypeAlias = npt.NDArray[Any]

MISSING_INT = -(2**63)
MISSING_TEXT = "\U0010ffff"
NUMBER_LIMIT = 2**53
"""Integers of this magnitude and beyond are not all exact as float64."""

_EPOCH = datetime(1970, 1, 1)  # naive on purpose: local time
_NONE = type(None)
_FLOATS = frozenset({float, int, _NONE})
_INTS = frozenset({int, _NONE})
_BOOLS = frozenset({bool, _NONE})
_TEXTS = frozenset({str})


def encode_list(name: str, type_: str, tensor: str, values: Sequence[object]) -> Tensor:
    """One feature's values as a ``[N, 1]`` tensor; ``None`` is missing.

    Args:
        name: The feature, for messages.
        type_: The schema's type of it.
        tensor: ``float64``, ``int64`` or ``string``.
        values: Plain Python values, one a row.

    Raises:
        InputValueError: A value is not of the feature's type or beyond what the tensor can hold.
    """
    if type_ == "int":
        return _ints(name, tensor, values)
    if tensor == "bytes":
        return _raw_bytes(name, values)
    return _ENCODERS[type_](name, values)


def _floats(name: str, values: Sequence[object]) -> Tensor:
    if not _FLOATS.issuperset(map(type, values)):
        values = [_number(name, row, value) for row, value in enumerate(values)]
    try:
        return np.array(values, np.float64, ndmin=2).T
    except OverflowError:
        row = next(i for i, value in enumerate(values) if isinstance(value, int) and abs(value) > 2**1000)
        raise _wrong(name, row, "float", values[row], "is beyond what a float can hold") from None


def _number(name: str, row: int, value: object) -> object:
    if value is None or (isinstance(value, float | int | np.floating | np.integer) and not _is_bool(value)):
        return value
    raise _wrong(name, row, "float", value)


def _bools(name: str, values: Sequence[object]) -> Tensor:
    if not _BOOLS.issuperset(map(type, values)):
        for row, value in enumerate(values):
            if value is not None and not _is_bool(value):
                raise _wrong(name, row, "bool", value)
    return np.array(values, np.float64, ndmin=2).T


def _ints(name: str, tensor: str, values: Sequence[object]) -> Tensor:
    if not _INTS.issuperset(map(type, values)):
        values = [_integer(name, row, value) for row, value in enumerate(values)]
    whole: Sequence[int | None] = values  # type: ignore[assignment]
    present = [value for value in whole if value is not None] if None in whole else whole
    limit = 2**63 if tensor == "int64" else NUMBER_LIMIT
    if present and not (-limit < min(present) and max(present) < limit):  # type: ignore[type-var, operator]
        row = next(row for row, value in enumerate(whole) if value is not None and not -limit < value < limit)
        raise _large(name, row, whole[row], tensor)
    if tensor == "int64":
        if len(present) < len(whole):
            whole = [MISSING_INT if value is None else value for value in whole]
        return np.array(whole, np.int64, ndmin=2).T
    return np.array(whole, np.float64, ndmin=2).T


def _integer(name: str, row: int, value: object) -> int | None:
    if value is None or type(value) is int:
        return value
    if isinstance(value, int | np.integer) and not _is_bool(value):
        return int(value)
    if isinstance(value, float | np.floating):
        if value != value:  # noqa: PLR0124 - NaN: a column of integers with gaps, read as float
            return None
        if float(value).is_integer():
            return int(value)
    raise _wrong(name, row, "int", value)


def _times(name: str, values: Sequence[object]) -> Tensor:
    encoded = [_microseconds(name, row, value) for row, value in enumerate(values)]
    return np.array(encoded, np.int64, ndmin=2).T


def _microseconds(name: str, row: int, value: object) -> int:
    if value is None:
        return MISSING_INT
    if type(value) is str:
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise _wrong(name, row, "timestamp", value, "is not an ISO 8601 time, as 2018-09-30T17:45:00") from None
    if not isinstance(value, datetime):
        raise _wrong(name, row, "timestamp", value)
    if value.tzinfo is not None:
        raise _wrong(name, row, "timestamp", value, "names a zone, but the feature is local time without one")
    return microseconds_of(value)


def microseconds_of(value: datetime) -> int:
    """Microseconds since 1970 of a local time."""
    since = value - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _texts(name: str, values: Sequence[object]) -> Tensor:
    if not _TEXTS.issuperset(map(type, values)):
        values = [_text(name, row, value) for row, value in enumerate(values)]
    elif MISSING_TEXT in values:
        raise _reserved(name, values.index(MISSING_TEXT))
    return _text_tensor(name, values)  # type: ignore[arg-type]


def _text(name: str, row: int, value: object) -> str:
    if value is None:
        return MISSING_TEXT
    if not isinstance(value, str):
        raise _wrong(name, row, "string", value)
    if value == MISSING_TEXT:
        raise _reserved(name, row)
    return value


def _text_tensor(name: str, values: Sequence[str]) -> Tensor:
    if not "".join(values).isascii():
        for row, value in enumerate(values):
            try:
                value.encode()
            except UnicodeEncodeError:
                raise _wrong(name, row, "string", value, "holds half of a surrogate pair, which is not text") from None
    return np.array(values, object, ndmin=2).T


def _bytes(name: str, values: Sequence[object]) -> Tensor:
    return _texts(name, [_decoded(name, row, value) for row, value in enumerate(values)])


def _decoded(name: str, row: int, value: object) -> object:
    """Bytes as text: themselves, or base64 in ``{"b64": ...}``, which is how JSON carries them."""
    value = _from_base64(name, row, value)
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise InputValueError.not_utf8(name, row, error) from None
    return value


def _raw_bytes(name: str, values: Sequence[object]) -> Tensor:
    made = np.empty((len(values), 1), dtype=object)
    for row, value in enumerate(values):
        found = _from_base64(name, row, value)
        if not (found is None or isinstance(found, bytes)):
            raise _wrong(name, row, "bytes", value)
        made[row, 0] = found
    return made


def _from_base64(name: str, row: int, value: object) -> object:
    if isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str):
        try:
            return base64.b64decode(value["b64"], validate=True)
        except (binascii.Error, ValueError):
            raise _wrong(name, row, "bytes", value, "is not base64") from None
    return value


def _is_bool(value: object) -> bool:
    return isinstance(value, bool | np.bool_)


def _wrong(name: str, row: int, type_: str, value: object, reason: str | None = None) -> InputValueError:
    return InputValueError.wrong(name, row, type_, value, reason)


def _large(name: str, row: int, value: object, tensor: str) -> InputValueError:
    if tensor == "int64":
        return _wrong(name, row, "int", value, "does not fit into 64 bits")
    return _wrong(name, row, "int", value, "is beyond 2**53, where a number used in arithmetic is no longer exact")


def _reserved(name: str, row: int) -> InputValueError:
    return _wrong(name, row, "string", "U+10FFFF", "is the mark of a missing text and cannot be a value")


_ENCODERS: dict[str, Callable[[str, Sequence[object]], Tensor]] = {
    "float": _floats,
    "bool": _bools,
    "timestamp": _times,
    "string": _texts,
    "bytes": _bytes,
}
