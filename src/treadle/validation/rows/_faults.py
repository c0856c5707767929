"""What is wrong with a column, row by row, and with what is inside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from treadle.errors import ColumnTypeError
from treadle.schema import Feature, to_feature, to_plain
from treadle.validation._anomaly import Reason
from treadle.validation._values import Mask, as_mask, value_faults
from treadle.validation.rows._repeats import Remembers

Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Fault:
    """Rows that are guilty of one thing."""

    path: str
    reason: Reason
    rows: Places | None
    """Which rows of the batch, each once, in order; ``None``: all of them, the column is of another type."""
    values: pa.Array
    """What holds the values: the column, or what is inside it."""
    places: Places
    """Where in ``values`` the first of each row's is."""


def column_faults(
    path: str, feature: Feature, column: pa.Array, repeats: Mapping[str, Remembers] | None = None
) -> Iterator[Fault]:
    """The faults of a column, or of a field in structs that are there.

    Args:
        path: Where the values stand (``home.city``).
        feature: What they should be.
        column: The values.
        repeats: Path -> what knows which values occurred before.
    """
    if feature.lifecycle == "disabled":
        return
    absent = as_mask(column.is_null(nan_is_null=pa.types.is_floating(column.type)))
    if feature.min_fraction == 1 and absent.any():
        yield _fault(path, Reason.LOW_PRESENCE, absent, column)
    if feature.type == "struct":
        yield from _struct_faults(path, feature, column)
        return
    try:
        typed = typed_values(feature, column)
    except ColumnTypeError:
        fractions = _fractions(feature, column)
        yield _whole(path, column) if fractions is None else _fault(path, Reason.WRONG_TYPE, fractions, column)
        return
    for reason, mask in _list_faults(feature, typed) if feature.list else _single_faults(path, feature, typed, repeats):
        yield _fault(path, reason, mask, column)


def typed_values(feature: Feature, column: pa.Array) -> pa.Array:
    """A batch's column in its feature's type.

    Raises:
        ColumnTypeError: It is of another type.
    """
    typed = to_feature(pa.chunked_array([column]), feature).combine_chunks()
    if isinstance(typed, pa.ChunkedArray):
        typed = pa.concat_arrays(typed.chunks) if typed.num_chunks else pa.array([], typed.type)
    return typed


def _struct_faults(path: str, feature: Feature, column: pa.Array) -> Iterator[Fault]:
    structs, rows = column, np.arange(len(column))
    if feature.list and _is_list(column.type):
        for reason, mask in _length_faults(feature, column):
            yield _fault(path, reason, mask, column)
        structs, rows = pc.list_flatten(column), pc.list_parent_indices(column).to_numpy(zero_copy_only=False)
    is_other = feature.list != _is_list(column.type) or not pa.types.is_struct(structs.type)
    if is_other or pa.types.is_null(structs.type):
        if structs.null_count < len(structs):
            yield _whole(path, column)
        return
    there = structs.is_valid()
    structs, rows = structs.filter(there), rows[as_mask(there)]
    for deeper, field in feature.inside(path):
        place = structs.type.get_field_index(field.name)
        if place >= 0:
            for fault in column_faults(deeper, field, pc.struct_field(structs, place)):
                yield _of_rows(fault, rows)


def _of_rows(fault: Fault, rows: Places) -> Fault:
    """The fault of structs as one of the rows that hold them; of a row with several, the first is shown."""
    if fault.rows is None:
        return fault
    guilty, first = np.unique(rows[fault.rows], return_index=True)
    return Fault(fault.path, fault.reason, guilty, fault.values, fault.places[first])


def _single_faults(
    path: str, feature: Feature, column: pa.Array, repeats: Mapping[str, Remembers] | None
) -> Iterator[tuple[Reason, Mask]]:
    present = np.flatnonzero(as_mask(column.is_valid()))
    values = column.drop_null()
    for reason, wrong in value_faults(feature, values):
        yield reason, _spread(present[wrong], len(column))
    if repeats and path in repeats:
        again = repeats[path].again(values)
        if again.any():
            yield Reason.NOT_UNIQUE, _spread(present[again], len(column))


def _list_faults(feature: Feature, column: pa.ListArray) -> Iterator[tuple[Reason, Mask]]:
    yield from _length_faults(feature, column)
    parents, items = pc.list_parent_indices(column), pc.list_flatten(column)
    rows = parents.filter(items.is_valid()).to_numpy(zero_copy_only=False)
    for reason, wrong in value_faults(feature, items.drop_null()):
        yield reason, _spread(rows[wrong], len(column))


def _length_faults(feature: Feature, column: pa.Array) -> Iterator[tuple[Reason, Mask]]:
    lengths = pc.fill_null(pc.list_value_length(column), -1).to_numpy(zero_copy_only=False)
    least, most = feature.items
    if least is not None and ((lengths >= 0) & (lengths < least)).any():
        yield Reason.FEW_ITEMS, (lengths >= 0) & (lengths < least)
    if most is not None and (lengths > most).any():
        yield Reason.MANY_ITEMS, lengths > most


def _fractions(feature: Feature, column: pa.Array) -> Mask | None:
    """Where floats stand for integers: the rows that have a fraction."""
    if feature.type != "int" or feature.list or not pa.types.is_floating(column.type):
        return None
    numbers = pc.fill_null(to_plain(column), 0.0).to_numpy(zero_copy_only=False)
    with np.errstate(invalid="ignore"):
        whole = np.isnan(numbers) | ((np.trunc(numbers) == numbers) & (np.abs(numbers) < 2.0**63))
    return np.asarray(~whole)


def _fault(path: str, reason: Reason, mask: Mask, column: pa.Array) -> Fault:
    places = np.flatnonzero(mask)
    return Fault(path, reason, places, column, places)


def _whole(path: str, column: pa.Array) -> Fault:
    return Fault(path, Reason.WRONG_TYPE, None, column, np.zeros(0, np.int64))


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _spread(places: Places, rows: int) -> Mask:
    mask = np.zeros(rows, np.bool_)
    mask[places] = True
    return mask
