"""Columns brought to the types of their features, if not one value changes by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from treadle.errors import ColumnTypeError
from treadle.schema._arrow import arrow_type, plain_type, to_plain, type_word
from treadle.schema._feature import Feature


class _OtherTypeError(TypeError):
    """A column whose type as a whole is another."""


def to_feature(column: pa.ChunkedArray, feature: Feature, path: str | None = None) -> pa.ChunkedArray:
    """The column as its feature's type, if not one value changes by it.

    Integers may stand for floats (up to 2**53) and for bools (0 and 1 only); floats without a fraction may stand
    for integers, and a NaN among them for a missing one, as data frames write them. Text is never parsed. Of a struct,
    fields that the feature does not know are left out, and those that are not required may be absent.

    Args:
        column: Values of any Arrow type.
        feature: What they should be.
        path: Where the column stands, if it is inside another (``home.city``).

    Raises:
        ColumnTypeError: The values are of another type, or a struct lacks a field.
    """
    path = path or feature.name
    try:
        return _converted(column, feature, path)
    except (pa.ArrowInvalid, _OtherTypeError) as error:
        reason = f": {str(error).splitlines()[0]}" if str(error) else ""
    word = "structs" if feature.list and feature.type == "struct" else feature.type
    declared = f"lists of {word}" if feature.list else word
    raise ColumnTypeError(
        f"The column holds {type_word(column.type)} where the schema declares {declared}{reason}.",
        where={"column": path},
        hint="Convert the column, or change the feature's type in the schema.",
    )


def _converted(column: pa.ChunkedArray, feature: Feature, path: str) -> pa.ChunkedArray:
    target = arrow_type(feature)
    if pa.types.is_null(column.type):
        return pc.cast(column, target)
    if feature.list:
        return _to_lists(column, feature, path)
    if feature.type == "struct":
        return _by_chunk(column, target, lambda chunk: _to_structs(chunk, feature, path))
    plain = to_plain(column)
    if plain.type == target:
        return plain
    if pa.types.is_null(plain.type):  # a dictionary without a value
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
    raise _OtherTypeError


def _to_lists(column: pa.ChunkedArray, feature: Feature, path: str) -> pa.ChunkedArray:
    kind = column.type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
        raise _OtherTypeError
    target = arrow_type(feature)
    if feature.type == "struct":
        item = replace(feature, list=False, min_items=None, max_items=None)
        return _by_chunk(column, target, lambda chunk: _to_lists_of_structs(chunk, item, path))
    items = plain_type(kind.value_type)
    may_stand = items == target.value_type or pa.types.is_null(items)
    if not may_stand and not (pa.types.is_int64(items) and pa.types.is_float64(target.value_type)):
        raise _OtherTypeError
    return pc.cast(column, target)


def _to_lists_of_structs(chunk: pa.Array, item: Feature, path: str) -> pa.Array:
    lengths = pc.fill_null(pc.list_value_length(chunk), 0).cast(pa.int32())
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum_checked(lengths)])
    items = to_feature(pa.chunked_array([chunk.flatten()]), item, f"{path}[]")
    return pa.ListArray.from_arrays(offsets, _one_array(items), mask=chunk.is_null())


def _to_structs(chunk: pa.Array, feature: Feature, path: str) -> pa.Array:
    if not pa.types.is_struct(chunk.type):
        raise _OtherTypeError
    values = []
    for name, field in feature.fields.items():
        place = chunk.type.get_field_index(name)
        if place >= 0:
            inner = pa.chunked_array([pc.struct_field(chunk, place)])
            values.append(_one_array(to_feature(inner, field, f"{path}.{name}")))
        elif field.required and chunk.null_count < len(chunk):
            raise ColumnTypeError(
                f"The structs have no field {name!r}.",
                where={"column": f"{path}.{name}"},
                hint="Add it to the data, or write required = false in the schema.",
            )
        else:
            values.append(pa.nulls(len(chunk), arrow_type(field)))
    return pa.StructArray.from_arrays(values, fields=list(arrow_type(feature)), mask=chunk.is_null())


def _by_chunk(column: pa.ChunkedArray, target: pa.DataType, convert: Callable[[pa.Array], pa.Array]) -> pa.ChunkedArray:
    return pa.chunked_array([convert(chunk) for chunk in column.chunks], target)


def _one_array(column: pa.ChunkedArray) -> pa.Array:
    found = column.combine_chunks()
    return pa.concat_arrays(found.chunks) if isinstance(found, pa.ChunkedArray) else found
