"""Advice that takes the rows: duplicates, and columns that give the label away."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from treadle.schema import is_reserved, to_plain

_TELLS = 0.99
_BASE = 0.95
_BINS = 64
_MOST_CLASSES = 100
_LEAST_IN_GROUP = 5

Codes = npt.NDArray[np.int64]


def duplicates(rows: pa.Table) -> int:
    """How many rows are the same as a row before, in every column that is no list or struct."""
    codes = np.zeros(rows.num_rows, np.int64)
    names = [name for name in rows.column_names if not is_reserved(name)]
    names = [name for name in names if not pa.types.is_nested(rows.schema.field(name).type)]
    if not names:
        return 0
    distinct = 1
    for name in names:
        column = _codes(rows[name])
        _, codes = np.unique(codes * (int(column.max()) + 1) + column, return_inverse=True)
        distinct = int(codes.max()) + 1
        if distinct == rows.num_rows:
            return 0
    return int(rows.num_rows - distinct)


def leaks(rows: pa.Table, label: str) -> Iterator[tuple[str, float]]:
    """The columns that tell the label nearly always, and in which share of the rows.

    A column tells the label by the most frequent label of each of its values; numbers of many values by 64 groups of
    equal mass. Groups of fewer than five rows tell nothing: they would know every label by heart.
    """
    known = np.asarray(rows[label].is_valid().to_numpy(), np.bool_)
    rows = rows.filter(pa.array(known))
    if not rows.num_rows or pa.types.is_nested(rows.schema.field(label).type):
        return
    labels = _codes(rows[label])
    classes = int(labels.max()) + 1
    if classes < 2 or classes > _MOST_CLASSES or np.bincount(labels).max() > _BASE * len(labels):
        return
    for name in rows.column_names:
        if name == label or is_reserved(name) or pa.types.is_nested(rows.schema.field(name).type):
            continue
        groups = _groups(rows[name])
        table = np.bincount(groups * classes + labels, minlength=(int(groups.max()) + 1) * classes)
        table = table.reshape(-1, classes)
        large = table.sum(axis=1) >= _LEAST_IN_GROUP
        share = float(table[large].max(axis=1).sum() / len(labels)) if large.any() else 0.0
        if share >= _TELLS:
            yield name, share


def _codes(column: pa.ChunkedArray) -> Codes:
    plain = to_plain(column)
    combined = plain.combine_chunks() if isinstance(plain, pa.ChunkedArray) else plain
    if isinstance(combined, pa.ChunkedArray):
        combined = pa.concat_arrays(combined.chunks)
    encoded = combined.dictionary_encode(null_encoding="encode")
    return np.asarray(encoded.indices.to_numpy(zero_copy_only=False), np.int64)


def _groups(column: pa.ChunkedArray) -> Codes:
    codes = _codes(column)
    kind = to_plain(column).type
    if int(codes.max()) < _BINS or not (pa.types.is_int64(kind) or pa.types.is_float64(kind)):
        return codes
    numbers = pc.fill_null(pc.cast(to_plain(column), pa.float64(), safe=False), float("nan")).to_numpy()
    present = numbers[np.isfinite(numbers)]
    if not len(present):
        return codes
    edges = np.unique(np.quantile(present, np.linspace(0, 1, _BINS + 1)[1:-1]))
    return np.asarray(np.searchsorted(edges, numbers, side="left"), np.int64)
