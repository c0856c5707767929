"""Arrow's many types brought to those that features have, without changing a value.

Integers become int64, floats and decimals double, text string, days and moments microseconds of wall-clock time
(a moment with a zone keeps the clock of its zone). A column without any value keeps Arrow's ``null``. Nested
columns and times of day are left as they are.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

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


def arrow_type(feature: Feature) -> pa.DataType:
    """The type in which a feature's values are held."""
    if feature.type == "struct":
        kind: pa.DataType = pa.struct([(name, arrow_type(field)) for name, field in feature.fields.items()])
    else:
        kind = _WORDS[feature.type]
    return pa.list_(kind) if feature.list else kind


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
