"""Arrow columns into one ``[N, 1]`` tensor: what ``_python`` does, a column at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from treadle.errors import InputValueError
from treadle.graph.values._arrow_memory import gaps_of, texts_of, values_of
from treadle.graph.values._python import MISSING_INT, MISSING_TEXT, NUMBER_LIMIT, Tensor, encode_list
from treadle.graph.values._ragged import LIST, Ragged, absent_lists, ragged

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
    gaps = gaps_of(array)
    missing = np.zeros(len(array), np.bool_) if gaps is None else gaps
    lengths = np.where(missing, 0, values_of(array.value_lengths()).astype(np.int64))
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
    try:
        texts = texts_of(array)
    except UnicodeDecodeError:
        raise _not_utf8(name, array.cast(pa.large_binary())) from None
    if MISSING_TEXT in texts:
        raise _wrong(name, "string", "string", texts.index(MISSING_TEXT), MISSING_TEXT)
    values = np.empty(len(texts), dtype=object)
    values[:] = texts
    gaps = gaps_of(array)
    if gaps is not None:
        values[gaps] = MISSING_TEXT
    return values


def _texts(name: str, array: pa.Array) -> Tensor:
    return encode_text(name, array).reshape(-1, 1)


def _floats(name: str, array: pa.Array) -> Tensor:
    kind = array.type
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)):
        raise InputValueError.wrong_column(name, "float", kind)
    return _with_nan(array.cast(pa.float64(), safe=False) if pa.types.is_decimal(kind) else array)


def _bools(name: str, array: pa.Array) -> Tensor:
    if not pa.types.is_boolean(array.type):
        raise InputValueError.wrong_column(name, "bool", array.type)
    return _with_nan(array.cast(pa.int8()))


def _with_nan(array: pa.Array) -> Tensor:
    """A column of numbers as float64, NaN for null."""
    gaps = gaps_of(array)
    values = values_of(array).astype(np.float64, copy=gaps is not None)
    if gaps is not None:
        values[gaps] = np.nan
    return values.reshape(-1, 1)


def _ints(name: str, tensor: str, array: pa.Array) -> Tensor:
    kind = array.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        raise InputValueError.wrong_column(name, "int", kind)
    if not pa.types.is_int64(kind):
        try:
            # Integers with gaps are often read as floats; a NaN there is missing.
            array = _without_nan(array).cast(pa.int64())
        except pa.ArrowInvalid:
            return encode_list(name, "int", tensor, array.to_pylist())  # says which row
    values, gaps = values_of(array), gaps_of(array)
    if gaps is not None:
        values = np.where(gaps, 0, values)
    if tensor == "int64":
        _check_ints(name, tensor, values, 2**63 - 1)
        return (values if gaps is None else np.where(gaps, MISSING_INT, values)).reshape(-1, 1)
    _check_ints(name, tensor, values, NUMBER_LIMIT - 1)
    numbers = values.astype(np.float64)
    if gaps is not None:
        numbers[gaps] = np.nan
    return numbers.reshape(-1, 1)


def _check_ints(name: str, tensor: str, values: Tensor, largest: int) -> None:
    if len(values) and not -largest <= values.min() <= values.max() <= largest:
        row = int(np.argmax((values > largest) | (values < -largest)))
        raise _wrong(name, "int", tensor, row, int(values[row]))


def _without_nan(array: pa.Array) -> pa.Array:
    if not pa.types.is_floating(array.type):
        return array
    import pyarrow.compute as pc

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
    gaps = gaps_of(array)
    ticks = values_of(array.view(pa.int64()))
    if gaps is not None:
        ticks = np.where(gaps, 0, ticks)
    factor = _TICKS_PER_SECOND[array.type.unit]
    # Floor, also before 1970.
    micros = ticks // (factor // 10**6) if factor > 10**6 else _scaled(name, ticks, 10**6 // factor)
    if gaps is not None:
        micros = np.where(gaps, MISSING_INT, micros)
    return micros.reshape(-1, 1)


def _scaled(name: str, ticks: Tensor, factor: int) -> Tensor:
    limit = (2**63 - 1) // factor
    if len(ticks) and not -limit <= ticks.min() <= ticks.max() <= limit:
        row = int(np.argmax((ticks > limit) | (ticks < -limit)))
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
