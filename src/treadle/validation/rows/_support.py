"""Feature-space coverage: the share of new rows that lie outside of what the model was trained on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from treadle.schema import plain_type, to_plain
from treadle.statistics import ColumnSource, FeatureStatistics, Statistics
from treadle.validation._values import Mask, as_mask

_CATEGORIES = 100
_BATCH_ROWS = 65536


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many rows lie outside of the support of a baseline."""

    rows: int
    outside: int
    """Rows with at least one value outside."""
    features: dict[str, int]
    """Feature -> rows whose value is outside; of the features that were compared."""
    notes: dict[str, str]
    """Feature -> why it was not compared."""

    @property
    def share(self) -> float | None:
        """The share of rows outside; ``None`` without rows or without a feature to compare."""
        return self.outside / self.rows if self.rows and self.features else None

    def to_json(self) -> dict[str, Any]:
        """The coverage as JSON-able fields."""
        fields = {"rows": self.rows, "outside": self.outside, "share": self.share}
        return {**fields, "features": dict(self.features), "notes": dict(self.notes)}


def outside_support(rows: pa.Table | ColumnSource | Iterable[pa.RecordBatch], baseline: Statistics) -> Coverage:
    """Count the rows outside of the support of a baseline.

    A number is outside below the least or above the largest value of the baseline, an infinity or NaN if the baseline
    has none; a string, truth value, or integer of at most 100 distinct values is outside if the baseline does not have
    it; a missing value if the baseline misses none. Columns of one side only, moments and lists are not compared.

    Args:
        rows: The new rows.
        baseline: Statistics of the training data.
    """
    counts: dict[str, int] = {}
    notes: dict[str, str] = {}
    total = outside = 0
    for batch in _batches(rows):
        any_outside = np.zeros(batch.num_rows, np.bool_)
        for name in batch.schema.names:
            feature = baseline.features.get(name)
            if feature is None:
                continue
            column = batch.column(name)
            note = _incomparable(feature, column)
            if note:
                notes[name] = note
                continue
            wrong = _outside(feature, column)
            counts[name] = counts.get(name, 0) + int(wrong.sum())
            any_outside |= wrong
        total += batch.num_rows
        outside += int(any_outside.sum())
    return Coverage(total, outside, counts, notes)


def _batches(rows: pa.Table | ColumnSource | Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
    if isinstance(rows, pa.Table):
        yield from rows.to_batches(_BATCH_ROWS)
    else:
        yield from rows.batches(batch_rows=_BATCH_ROWS) if isinstance(rows, ColumnSource) else rows


def _incomparable(feature: FeatureStatistics, column: pa.Array) -> str:
    kind = plain_type(column.type)
    if pa.types.is_null(kind):
        return ""
    if feature.type in ("int", "float"):
        fits = pa.types.is_int64(kind) or pa.types.is_float64(kind)
        return "" if fits else f"the types differ: {feature.type} and {kind}"
    if feature.type == "bool":
        return "" if pa.types.is_boolean(kind) else f"the types differ: bool and {kind}"
    if feature.type == "string":
        if not pa.types.is_string(kind):
            return f"the types differ: string and {kind}"
        return "" if feature.exact else "the baseline has too many values to know them all"
    return f"no support is known of type {feature.type}"


def _outside(feature: FeatureStatistics, column: pa.Array) -> Mask:
    absent = as_mask(column.is_null())
    wrong = absent.copy() if not feature.missing else np.zeros(len(column), np.bool_)
    if pa.types.is_null(column.type) or not feature.count:
        return wrong | ~absent
    values = to_plain(column)
    known = feature.value_counts()
    few = known is not None and (feature.type != "int" or len(known) <= _CATEGORIES)
    if few and known is not None and not pa.types.is_float64(values.type):
        listed = pa.array(list(known), values.type)
        return np.asarray(wrong | (~as_mask(pc.is_in(values, listed)) & ~absent))
    numbers = pc.fill_null(pc.cast(values, pa.float64(), safe=False), 0.0).to_numpy(zero_copy_only=False)
    return np.asarray(wrong | (_beyond(feature, numbers) & ~absent))


def _beyond(feature: FeatureStatistics, numbers: Any) -> Mask:
    assert feature.numbers is not None
    low, high = feature.numbers.distribution.extremes()
    finite = np.isfinite(numbers)
    # a baseline without any finite value has no range: every finite value is outside
    beyond = finite & ~((numbers >= low) & (numbers <= high))
    for count, mask in (
        (feature.numbers.nan, np.isnan(numbers)),
        (feature.numbers.positive_infinite, np.isposinf(numbers)),
        (feature.numbers.negative_infinite, np.isneginf(numbers)),
    ):
        if not count:
            beyond |= mask
    return np.asarray(beyond)
