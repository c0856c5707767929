"""One column in which each row counts by its weight; what is inside lists and structs too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from treadle.errors import StatisticsError
from treadle.statistics._categories import Categories
from treadle.statistics._distribution import Distribution
from treadle.statistics._feature import NUM_TOP_VALUES, measurable, statistics_type
from treadle.statistics._keys import Ints
from treadle.statistics._quantiles import equal_mass, equal_width, quantiles
from treadle.statistics._weights import UNIT, check_total, sums

_NUMBERS = ("int", "float", "bool", "timestamp")


class WeightedFeature:
    """One column; counts are sums of weights.

    Attributes:
        type: As of ``FeatureStatistics``.
        distribution: Of numbers, truth values and moments; counts in units.
        categories: Of strings and bytes; counts in units.
        lengths: How many items lists have; counts in units.
        inside: ``[]`` -> the items of lists, each by the weight of its row; or the fields of structs by name.
            ``None`` for everything else, and where an earlier version counted no more than presence.
    """

    __slots__ = (
        "_missing",
        "_nan",
        "_present",
        "_zeros",
        "categories",
        "distribution",
        "inside",
        "lengths",
        "type",
    )
    COUNTERS = ("_present", "_missing", "_nan", "_zeros")

    def __init__(self, type: str, *, missing: int = 0) -> None:
        self.type = type
        self.distribution = Distribution(floats=type == "float") if type in _NUMBERS else None
        kinds = {"string": pa.string(), "bytes": pa.binary()}
        self.categories = Categories(kinds[type]) if type in kinds else None
        self.lengths = Distribution(floats=False) if type == "list" else None
        self.inside: dict[str, WeightedFeature] | None = {} if type == "struct" else None
        if type == "list":
            self.inside = {"[]": WeightedFeature("null")}
        self._missing = missing
        self._present = self._nan = self._zeros = 0

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
    def avg_length(self) -> float | None:
        """The weighted mean of the items of a list."""
        return self.lengths.summary().known("mean") if self.lengths else None

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

    def quantile_histogram(self, buckets: int = 10) -> list[tuple[float, float, float]]:
        """About equal weights between quantiles."""
        found = equal_mass(self.distribution, buckets) if self.distribution else []
        return [(low, high, count / UNIT) for low, high, count in found]

    def paths(self, parent: str) -> Iterator[tuple[str, WeightedFeature]]:
        """What is inside, by path (``tags[]``, ``home.city``), to the innermost."""
        for name, feature in (self.inside or {}).items():
            path = f"{parent}{name}" if self.type == "list" else f"{parent}.{name}"
            yield path, feature
            yield from feature.paths(path)

    @property
    def top_values(self) -> list[tuple[str | bytes, float]] | None:
        """The strings of the most weight."""
        if self.categories is None:
            return None
        return [(value, count / UNIT) for value, count in self.categories.top(NUM_TOP_VALUES)]

    @classmethod
    def of(cls, column: pa.Array, units: Ints) -> WeightedFeature:
        """The statistics of one batch, each value by its units of weight."""
        found = cls(statistics_type(column.type))
        found._add(measurable(column), units)
        return found

    def _add(self, column: pa.Array, units: Ints) -> None:
        there = column.is_valid().to_numpy(zero_copy_only=False)
        self._missing += int(units[~there].sum())
        column, units = column.drop_null(), units[there]
        self._present += int(units.sum())
        if self.categories is not None:
            encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
            weights = sums(encoded.indices.to_numpy(), units, len(encoded.dictionary))
            self.categories.add_counts(encoded.dictionary.cast(self.categories.kind), weights)
        if self.type == "struct":
            fields = [field.name for field in column.type]
            self.inside = {
                name: WeightedFeature.of(values, units) for name, values in zip(fields, column.flatten(), strict=True)
            }
        if self.lengths is not None:
            lengths = pc.cast(pc.list_value_length(column), pa.int64()).to_numpy()
            check_total(float(units.astype(np.float64) @ lengths))  # an item has the weight of its row
            self.lengths.add_counted(lengths[units > 0], units[units > 0])
            self.inside = {"[]": WeightedFeature.of(column.flatten(), np.repeat(units, lengths))}
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
                for part in ("distribution", "categories", "lengths", "inside"):
                    setattr(self, part, getattr(fresh, part))
            elif fresh.type != "float" or self.distribution is None:
                raise StatisticsError(f"The column holds {other.type} after {self.type}.")
            else:
                self.distribution.to_floats()
            self.type = fresh.type
        check_total(self._present + other._present)
        self._merge_inside(other)
        for name in self.COUNTERS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        if self.distribution and other.distribution:
            self.distribution.merge(other.distribution)
        if self.categories and other.categories:
            self.categories.merge(other.categories)

    def _merge_inside(self, other: WeightedFeature) -> None:
        if self.type != other.type or self.type not in ("list", "struct"):
            return
        if self.inside is None or other.inside is None:
            self.inside = self.lengths = None
            return
        for name in dict.fromkeys([*self.inside, *other.inside]):
            mine = self.inside.setdefault(name, WeightedFeature("null", missing=self._present))
            mine.merge(other.inside.get(name) or WeightedFeature("null", missing=other._present))
        if self.lengths and other.lengths:
            self.lengths.merge(other.lengths)

    def _moment(self, name: str) -> float | None:
        if self.distribution is None or self.type not in ("int", "float"):
            return None
        return self.distribution.summary().known(name)
