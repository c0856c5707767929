"""Arrow columns into one ``[N, 1]`` tensor: what ``_values_python`` does, a column at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from treadle.errors import InputValueError
from treadle.graph._ragged import LIST, Ragged, absent_lists, ragged
from treadle.graph._values_python import MISSING_INT, MISSING_TEXT, NUMBER_LIMIT, Tensor, encode_list

_BYTES = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view, pa.types.is_fixed_size_binary)
_TICKS_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def encode_array(name: str, type_: str, tensor: str, array: pa.Array | pa.ChunkedArray) -> Tensor:
    """One feature's column as a ``[N, 1]`` tensor; null is missing.

    Args:
        name: The feature, for messages.
        type_: The schema's type of it.
        tensor: ``float64``, ``int64`` or ``string``.
        array: The column; an all-null column without a type has any type.

    Raises:
        InputValueError: The column's type, or one of its values, does not fit the feature's type.
    """
    array = plain(array)
    if tensor == "bytes":
        return _raw_bytes(name, array)
    if pa.types.is_null(array.type):
        array = array.cast({"float64": pa.float64(), "int64": pa.int64(), "string": pa.string()}[tensor])
        type_ = {"float64": "float", "int64": "int", "string": "string"}[tensor]
    if type_ == "int":
        return _ints(name, tensor, array)
    return _ENCODERS[type_](name, array)


def _raw_bytes(name: str, array: pa.Array) -> Tensor:
    kind = array.type
    if not (pa.types.is_null(kind) or any(is_bytes(kind) for is_bytes in _BYTES)):
        raise InputValueError.wrong_column(name, "bytes", kind)
    values = np.empty((len(array), 1), dtype=object)
    values[:, 0] = array.to_pylist()
    return values


def encode_list_array(name: str, type_: str, tensor: str, array: pa.Array | pa.ChunkedArray) -> Ragged:
    """One feature's lists; raises as :func:`encode_array`, and names the row and the item."""
    array = plain(array)
    kind = array.type
    if pa.types.is_null(kind):
        return absent_lists(tensor, len(array))
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
        raise InputValueError.wrong_column(name, f"list of {type_}", kind)
    lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    missing = pc.is_null(array).to_numpy(zero_copy_only=False)
    items = array.flatten()
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return ragged(name, offsets, missing, lambda: encode_array(name, type_, tensor.removesuffix(LIST), items))


def plain(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The column in one piece and without a dictionary."""
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks() if array.num_chunks != 1 else array.chunk(0)
        if isinstance(array, pa.ChunkedArray):  # too large for one piece of 32-bit offsets
            array = pa.concat_arrays(array.cast(pa.large_string()).chunks)
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def encode_text(name: str, array: pa.Array) -> Tensor:
    """A column of text or bytes as ``[N]`` Python strings, ``MISSING_TEXT`` for null."""
    kind = array.type
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        try:
            array = array.cast(pa.large_string())
        except pa.ArrowInvalid:
            raise _not_utf8(name, array) from None
    elif pa.types.is_string_view(kind):
        array = array.cast(pa.large_string())
    elif not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise InputValueError.wrong_column(name, "string", kind)
    if pc.any(pc.equal(array, MISSING_TEXT)).as_py():
        row = pc.index(array, MISSING_TEXT).as_py()
        raise _wrong(name, "string", "string", row, MISSING_TEXT)
    try:
        values: Tensor = np.array(array.to_numpy(zero_copy_only=False), dtype=object)
    except (UnicodeDecodeError, pa.ArrowException):  # Arrow does not check a string column's bytes
        raise _not_utf8(name, array.cast(pa.large_binary())) from None
    if array.null_count:
        values[pc.is_null(array).to_numpy(zero_copy_only=False)] = MISSING_TEXT
    return values


def _texts(name: str, array: pa.Array) -> Tensor:
    return encode_text(name, array).reshape(-1, 1)


def _floats(name: str, array: pa.Array) -> Tensor:
    kind = array.type
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)):
        raise InputValueError.wrong_column(name, "float", kind)
    return _with_nan(array.cast(pa.float64(), safe=False))


def _bools(name: str, array: pa.Array) -> Tensor:
    if not pa.types.is_boolean(array.type):
        raise InputValueError.wrong_column(name, "bool", array.type)
    return _with_nan(array.cast(pa.int8()).cast(pa.float64()))


def _with_nan(array: pa.Array) -> Tensor:
    """A float64 column with NaN for null."""
    array = pc.fill_null(array, np.nan) if array.null_count else array
    return np.asarray(array.to_numpy(zero_copy_only=False)).reshape(-1, 1)


def _ints(name: str, tensor: str, array: pa.Array) -> Tensor:
    kind = array.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        raise InputValueError.wrong_column(name, "int", kind)
    try:
        # Integers with gaps are often read as floats; a NaN there is missing.
        array = _without_nan(array).cast(pa.int64())
    except pa.ArrowInvalid:
        return encode_list(name, "int", tensor, array.to_pylist())  # says which row
    values = pc.fill_null(array, MISSING_INT).to_numpy(zero_copy_only=False)
    missing = pc.is_null(array).to_numpy(zero_copy_only=False) if array.null_count else None
    if tensor == "int64":
        _check_ints(name, tensor, values, missing, 2**63 - 1)
        return np.asarray(values).reshape(-1, 1)
    _check_ints(name, tensor, values, missing, NUMBER_LIMIT - 1)
    numbers = values.astype(np.float64)
    if missing is not None:
        numbers[missing] = np.nan
    return np.asarray(numbers).reshape(-1, 1)


def _check_ints(name: str, tensor: str, values: Tensor, missing: Tensor | None, largest: int) -> None:
    outside = (values > largest) | (values < -largest)
    if missing is not None:
        outside &= ~missing
    if outside.any():
        row = int(np.argmax(outside))
        raise _wrong(name, "int", tensor, row, int(values[row]))


def _without_nan(array: pa.Array) -> pa.Array:
    if not pa.types.is_floating(array.type):
        return array
    array = array.cast(pa.float64())
    return pc.if_else(pc.is_nan(array), None, array)


def _times(name: str, array: pa.Array) -> Tensor:
    kind = array.type
    if pa.types.is_date(kind):
        array = array.cast(pa.timestamp("ms"))
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return encode_list(name, "timestamp", "int64", array.to_pylist())
    elif not pa.types.is_timestamp(kind):
        raise InputValueError.wrong_column(name, "timestamp", kind)
    if array.type.tz is not None:
        raise InputValueError.wrong_column(name, "timestamp (local time without a zone)", kind)
    ticks = np.asarray(pc.fill_null(array.cast(pa.int64()), 0).to_numpy(zero_copy_only=False))
    factor = _TICKS_PER_SECOND[array.type.unit]
    # Floor, also before 1970.
    micros = ticks // (factor // 10**6) if factor > 10**6 else _scaled(name, ticks, 10**6 // factor)
    if array.null_count:
        micros = np.where(pc.is_null(array).to_numpy(zero_copy_only=False), MISSING_INT, micros)
    return micros.reshape(-1, 1)


def _scaled(name: str, ticks: Tensor, factor: int) -> Tensor:
    limit = (2**63 - 1) // factor
    outside = (ticks > limit) | (ticks < -limit)
    if outside.any():
        row = int(np.argmax(outside))
        raise InputValueError.wrong(
            name, row, "timestamp", int(ticks[row]), "is a time too far from 1970 to count in microseconds"
        )
    return ticks * factor


def _wrong(name: str, type_: str, tensor: str, row: int, value: object) -> InputValueError:
    """What the other path says of the same value, with this path's row."""
    try:
        encode_list(name, type_, tensor, [value])
    except InputValueError as error:
        return InputValueError(error.what, where={"column": name, "row": row}, hint=error.hint)
    raise AssertionError(f"{name} row {row}: {value!r} was refused in bulk only")


def _not_utf8(name: str, array: pa.Array) -> InputValueError:
    for row, value in enumerate(array.to_pylist()):
        try:
            value.decode() if value is not None else None
        except UnicodeDecodeError as error:
            return InputValueError.not_utf8(name, row, error)
    return InputValueError.not_utf8(name, None)


_ENCODERS: dict[str, Callable[[str, Any], Tensor]] = {
    "float": _floats,
    "bool": _bools,
    "timestamp": _times,
    "string": _texts,
    "bytes": _texts,
}
