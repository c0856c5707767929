"""Arrow's many types brought to the six that features have, without changing a value.

Integers become int64, floats and decimals double, text string, days and moments microseconds of wall-clock time
(a moment with a zone keeps the clock of its zone). A column without any value keeps Arrow's ``null``. Nested
columns and times of day are left as they are.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from treadle.errors import ColumnTypeError
from treadle.schema._feature import Feature

_WORDS = {
    "int": pa.int64(),
    "float": pa.float64(),
    "string": pa.string(),
    "bool": pa.bool_(),
    "bytes": pa.binary(),
    "timestamp": pa.timestamp("us"),
}
_TYPES = {arrow: word for word, arrow in _WORDS.items()}


def plain_type(kind: pa.DataType) -> pa.DataType:
    """The plain type that values of ``kind`` are held in; ``kind`` itself if there is none."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_integer(kind):
        return pa.int64()
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return pa.float64()
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return pa.timestamp("us")
    if (
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
        or pa.types.is_binary_view(kind)
    ):
        return pa.binary()
    return kind


def type_word(kind: pa.DataType) -> str:
    """The word people read for an Arrow type: a feature type, or Arrow's own name."""
    return _TYPES.get(plain_type(kind), str(kind))


def to_plain(column: pa.ChunkedArray | pa.Array, *, dictionary: bool = False) -> pa.ChunkedArray | pa.Array:
    """The same values in the plain type.

    Args:
        column: Values of any Arrow type.
        dictionary: Leave dictionary-encoded strings encoded.

    Raises:
        pa.ArrowInvalid: An unsigned integer does not fit into int64.
    """
    kind, plain = column.type, plain_type(column.type)
    if kind == plain or (dictionary and pa.types.is_dictionary(kind) and pa.types.is_string(plain)):
        return column
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        column = pc.local_timestamp(column)
    # Only sub-microseconds and the last digits of a decimal may be lost; an integer never.
    return pc.cast(column, plain, safe=pa.types.is_integer(kind) or pa.types.is_dictionary(kind))


def to_feature(column: pa.ChunkedArray, feature: Feature) -> pa.ChunkedArray:
    """The column as its feature's type, if not one value changes by it.

    Integers may stand for floats (up to 2**53) and for bools (0 and 1 only); floats without a fraction may stand
    for integers, and a NaN among them for a missing one, as data frames write them. Text is never parsed.

    Raises:
        ColumnTypeError: The values are of another type.
    """
    target = _WORDS[feature.type]
    try:
        if feature.list:
            return _to_list(column, pa.list_(target))
        plain = to_plain(column)
        if plain.type == target:
            return plain
        if pa.types.is_null(plain.type):
            return pc.cast(plain, target)
        if pa.types.is_int64(plain.type) and feature.type == "float":
            return pc.cast(plain, target, safe=True)
        if pa.types.is_float64(plain.type) and feature.type == "int":
            missing = pa.scalar(None, pa.float64())
            return pc.cast(pc.if_else(pc.is_nan(plain), missing, plain), target, safe=True)
        if pa.types.is_int64(plain.type) and feature.type == "bool":
            wrong = pc.any(pc.invert(pc.is_in(plain, pa.array([0, 1, None], pa.int64())))).as_py()
            if not wrong:
                return pc.not_equal(plain, 0)
        if pa.types.is_string(plain.type) and feature.type == "bytes":
            return pc.cast(plain, target)
        reason = None
    except (pa.ArrowInvalid, _NoListError) as error:
        reason = str(error).splitlines()[0] if str(error) else None
    declared = f"lists of {feature.type}" if feature.list else feature.type
    raise ColumnTypeError(
        f"The column holds {type_word(column.type)} where the schema declares {declared}"
        + (f": {reason}." if reason else "."),
        where={"column": feature.name},
        hint="Convert the column, or change the feature's type in the schema.",
    )


class _NoListError(TypeError):
    """A column that holds no lists, or lists of another type."""


def _to_list(column: pa.ChunkedArray, target: pa.DataType) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_null(kind):
        return pc.cast(column, target)
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
        raise _NoListError
    items = plain_type(kind.value_type)
    may_stand = items == target.value_type or pa.types.is_null(items)
    if not may_stand and not (pa.types.is_int64(items) and pa.types.is_float64(target.value_type)):
        raise _NoListError
    return pc.cast(column, target)
