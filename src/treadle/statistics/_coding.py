"""A column as small whole numbers: its values where they are few, its deciles where they are numbers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from treadle.statistics._feature import FeatureStatistics, measurable
from treadle.statistics._keys import Floats, Ints

_BUCKETS = 10


@dataclass(frozen=True, slots=True)
class Coding:
    """How the values of a column become codes; missing values and NaN are -1, unknown ones the last code.

    Attributes:
        labels: What each code stands for.
        values: The values in the order of their codes; ``None`` if the column is cut into buckets.
        edges: The upper edges of all buckets but the last.
    """

    labels: tuple[str, ...]
    values: pa.Array | None
    edges: Floats | None

    def codes(self, column: pa.Array) -> Ints:
        """The codes of a batch."""
        column = measurable(column)
        if pa.types.is_dictionary(column.type):
            column = pc.cast(column, column.type.value_type)
        there = column.is_valid().to_numpy(zero_copy_only=False)
        if self.values is not None:
            found = pc.index_in(pc.cast(column, self.values.type), self.values)
            codes: Ints = found.fill_null(len(self.labels) - 1).to_numpy(zero_copy_only=False).astype(np.int64)
            return np.where(there, codes, -1)
        assert self.edges is not None
        numbers = pc.cast(column, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        placed = np.searchsorted(self.edges, numbers, side="left")
        return np.where(np.isnan(numbers), -1, placed).astype(np.int64)


def coding(feature: FeatureStatistics, most: int) -> Coding | None:
    """The coding of a column; ``None`` where it has too many values and no order, or no value at all.

    Args:
        feature: Its statistics.
        most: The most values that are coded one by one.
    """
    if not feature.count:
        return None
    counts = feature.value_counts()
    if counts is not None and len(counts) <= most:
        values = sorted(counts)
        kinds = {"string": pa.string(), "int": pa.int64(), "bool": pa.bool_()}
        labels = [str(value).lower() if isinstance(value, bool) else str(value) for value in values]
        return Coding((*labels, "(other)"), pa.array(values, kinds[feature.type]), None)
    if feature.type in ("int", "float") and feature.numbers and feature.numbers.distribution.low is not None:
        shares = [part / _BUCKETS for part in range(_BUCKETS + 1)]
        bounds = [float(bound) for bound in feature.quantiles(shares, method="element")]  # type: ignore[arg-type]
        edges = sorted(set(bounds[1:-1]))
        ends = [-np.inf, *edges, np.inf]
        labels = [f"({low:g}, {high:g}]" for low, high in pairwise(ends)]
        return Coding(tuple(labels), None, np.array(edges))
    return None
