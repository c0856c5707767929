"""Statistics in which each row counts by its weight.

Weights are held as whole numbers of 2**-24, so that sums do not depend on the order of rows or of merging. A weight is
therefore taken to the nearest 6e-8, and all weights together may reach 5e11.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from treadle.errors import StatisticsError, UsageError
from treadle.schema import is_reserved
from treadle.statistics._categories import Categories
from treadle.statistics._distribution import Distribution
from treadle.statistics._feature import NUM_TOP_VALUES, measurable, statistics_type
from treadle.statistics._frames import batches_of
from treadle.statistics._generate import is_column_source
from treadle.statistics._keys import Ints
from treadle.statistics._quantiles import equal_width, quantiles
from treadle.statistics._statistics import check_names

UNIT = 2**24
_MOST = 2**62
_NUMBERS = ("int", "float", "bool", "timestamp")


class WeightedFeature:
    """One column; counts are sums of weights."""

    __slots__ = ("_missing", "_nan", "_present", "_zeros", "categories", "distribution", "type")
    COUNTERS = ("_present", "_missing", "_nan", "_zeros")

    def __init__(self, type: str) -> None:
        self.type = type
        self.distribution = Distribution(floats=type == "float") if type in _NUMBERS else None
        kinds = {"string": pa.string(), "bytes": pa.binary()}
        self.categories = Categories(kinds[type]) if type in kinds else None
        self._present = self._missing = self._nan = self._zeros = 0

    @property
    def count(self) -> float:
        """The weight of the rows with a value."""
        return self._present / UNIT

    @property
    def missing(self) -> float:
        """The weight of the rows without a value."""
        return self._missing / UNIT

    @property
    def nan(self) -> float:
        """The weight of the rows whose value is NaN or infinite."""
        return self._nan / UNIT

    @property
    def zeros(self) -> float | None:
        """The weight of the numbers that are zero."""
        return self._zeros / UNIT if self.type in ("int", "float") else None

    @property
    def mean(self) -> float | None:
        """The weighted mean of the finite numbers."""
        return self._moment("mean")

    @property
    def std_dev(self) -> float | None:
        """The weighted standard deviation (of the population)."""
        return self._moment("std_dev")

    @property
    def median(self) -> float | None:
        """The least number that at least half of the weight does not exceed."""
        if self.type not in ("int", "float"):
            return None
        return next(iter(self.quantiles([0.5])), None)

    def quantiles(self, shares: Sequence[float]) -> list[float]:
        """The values at shares of the weight; empty without values."""
        return quantiles(self.distribution, shares, "element") if self.distribution else []

    def histogram(self, buckets: int = 10) -> list[tuple[float, float, float]]:
        """Weights in buckets of equal width."""
        found = equal_width(self.distribution, buckets) if self.distribution else []
        return [(low, high, count / UNIT) for low, high, count in found]

    @property
    def top_values(self) -> list[tuple[str | bytes, float]] | None:
        """The strings of the most weight."""
        if self.categories is None:
            return None
        return [(value, count / UNIT) for value, count in self.categories.top(NUM_TOP_VALUES)]

    def add(self, column: pa.Array, units: Ints) -> None:
        """Count the values of a batch, each by its units of weight."""
        there = column.is_valid().to_numpy(zero_copy_only=False)
        self._missing += int(units[~there].sum())
        column, units = column.drop_null(), units[there]
        self._present += int(units.sum())
        if self.categories is not None:
            encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
            sums = np.zeros(len(encoded.dictionary), np.int64)
            np.add.at(sums, encoded.indices.to_numpy(), units)
            self.categories.add_counts(encoded.dictionary.cast(self.categories.kind), sums)
        if self.distribution is not None:
            if self.type in ("bool", "timestamp"):
                column = pc.cast(column, pa.int64())
            numbers = column.to_numpy()
            finite = np.isfinite(numbers)
            self._nan += int(units[~finite].sum())
            numbers, units = numbers[finite & (units > 0)], units[finite & (units > 0)]
            self._zeros += int(units[numbers == 0].sum())
            self.distribution.add_counted(numbers, units)

    def merge(self, other: WeightedFeature) -> None:
        """Take in the rows behind other statistics of this column."""
        if other.type not in (self.type, "null"):
            fresh = WeightedFeature("float" if {self.type, other.type} == {"int", "float"} else other.type)
            if self.type == "null":
                self.distribution, self.categories = fresh.distribution, fresh.categories
            elif fresh.type != "float" or self.distribution is None:
                raise StatisticsError(f"The column holds {other.type} after {self.type}.")
            else:
                self.distribution.to_floats()
            self.type = fresh.type
        for name in self.COUNTERS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        if self.distribution and other.distribution:
            self.distribution.merge(other.distribution)
        if self.categories and other.categories:
            self.categories.merge(other.categories)

    def _moment(self, name: str) -> float | None:
        if self.distribution is None or self.type not in ("int", "float"):
            return None
        return self.distribution.summary().known(name)


class WeightedStatistics:
    """Weighted statistics of every column but the weight; mergeable. Made by :func:`generate_weighted`.

    Of lists, structs and other types only the weight of presence is counted.

    Args:
        weight: The column of weights.
        first_row: The number of the first row among all rows, as errors say it.
    """

    def __init__(self, weight: str, *, first_row: int = 0) -> None:
        self.weight = weight
        self.num_rows = 0
        self._first_row = first_row
        self._units = 0
        self._features: dict[str, WeightedFeature] = {}

    @property
    def total_weight(self) -> float:
        """The weight of all rows."""
        return self._units / UNIT

    @property
    def features(self) -> Mapping[str, WeightedFeature]:
        """Column -> its statistics."""
        return MappingProxyType(self._features)

    def add(self, batch: pa.RecordBatch) -> None:
        """Measure the rows of a batch.

        Raises:
            UsageError: The column of weights is not there.
            StatisticsError: A weight is missing, negative or not finite, or the weights are too large together.
        """
        check_names(batch.schema.names)
        units = self._of(batch)
        for name in self._features:
            if name not in batch.schema.names:
                self._features[name]._missing += int(units.sum())
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if name == self.weight or is_reserved(name):
                continue
            part = WeightedFeature(statistics_type(column.type))
            part.add(measurable(column), units)
            self._merge(name, part, self._units)
        self.num_rows += batch.num_rows
        self._units += int(units.sum())

    def merge(self, other: WeightedStatistics) -> None:
        """Take in the rows behind other statistics of the same weight column.

        Raises:
            StatisticsError: It is another column, or the weights are too large together.
        """
        if other.weight != self.weight:
            raise StatisticsError(
                f"One side is weighted by {self.weight!r}, the other by {other.weight!r}: they do not add up."
            )
        self._check_total(other._units)
        for name in self._features:
            if name not in other._features:
                self._features[name]._missing += other._units
        for name, theirs in other._features.items():
            self._merge(name, theirs, self._units)
        self.num_rows += other.num_rows
        self._units += other._units

    def to_json(self) -> dict[str, Any]:
        """``{"weight", "num_rows", "total_weight", "features": {name: {...}}}``."""
        fields = ("type", "count", "missing", "zeros", "mean", "std_dev", "median")
        features = {
            name: {field: value for field in fields if (value := getattr(feature, field)) is not None}
            | ({"top_values": [list(pair) for pair in feature.top_values or []]} if feature.type == "string" else {})
            for name, feature in self._features.items()
        }
        return {
            "weight": self.weight,
            "num_rows": self.num_rows,
            "total_weight": self.total_weight,
            "features": features,
        }

    def _merge(self, name: str, part: WeightedFeature, units_before: int) -> None:
        feature = self._features.get(name)
        if feature is None:
            feature = self._features[name] = WeightedFeature(part.type)
            feature._missing = units_before
        try:
            feature.merge(part)
        except StatisticsError as error:
            raise StatisticsError(error.what, where={"column": name}) from error

    def _check_total(self, more: float) -> None:
        if more + self._units > _MOST:
            raise StatisticsError(
                "The weights are too large together.",
                where={"column": self.weight},
                hint=f"Divide them by their mean: the sum may be {_MOST // UNIT:.1e} at most.",
            )

    def _of(self, batch: pa.RecordBatch) -> Ints:
        if self.weight not in batch.schema.names:
            raise UsageError(f"There is no column {self.weight!r} of weights.", where={"column": self.weight})
        try:
            weights = pc.cast(batch.column(self.weight), pa.float64()).to_numpy(zero_copy_only=False)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise StatisticsError("The weights are no numbers.", where={"column": self.weight}) from error
        wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
        if len(wrong):
            raise StatisticsError(
                f"The weight {weights[wrong[0]]} is missing, negative or not finite.",
                where={"column": self.weight, "row": self._first_row + self.num_rows + int(wrong[0])},
                hint="Give every row a weight of zero or more.",
            )
        self._check_total(float(weights.sum()) * UNIT)
        units: Ints = np.rint(weights * UNIT).astype(np.int64)
        return units


def generate_weighted(source: object, weight: str) -> WeightedStatistics:
    """The statistics of all rows of a source, each row counted by its weight.

    Args:
        source: As for ``generate``.
        weight: The column of weights: finite, zero or more, never missing.
    """
    statistics = WeightedStatistics(weight, first_row=getattr(source, "first_row", 0))
    for batch in source.batches() if is_column_source(source) else batches_of(source):
        statistics.add(batch)
    return statistics
