"""Statistics in which each row counts by its weight."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from treadle.errors import StatisticsError
from treadle.schema import is_reserved
from treadle.statistics._frames import batches_of
from treadle.statistics._generate import is_column_source
from treadle.statistics._statistics import check_names
from treadle.statistics._weighted_feature import WeightedFeature
from treadle.statistics._weights import UNIT, check_total, units_of


class WeightedStatistics:
    """Weighted statistics of every column but the weight; mergeable. Made by :func:`generate_weighted`.

    Of maps and times of day only the weight of presence is counted.

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

    @property
    def paths(self) -> Mapping[str, WeightedFeature]:
        """``features``, and after each list or struct what is inside it, by path (``tags[]``, ``home.city``)."""
        found: dict[str, WeightedFeature] = {}
        for name, feature in self._features.items():
            found[name] = feature
            found.update(feature.paths(name))
        return MappingProxyType(found)

    def add(self, batch: pa.RecordBatch) -> None:
        """Measure the rows of a batch.

        Raises:
            UsageError: The column of weights is not there.
            StatisticsError: A weight is missing, negative or not finite, or the weights are too large together.
        """
        check_names(batch.schema.names)
        units = units_of(batch, self.weight, self._first_row + self.num_rows)
        check_total(self._units + int(units.sum()), self.weight)
        for name in self._features:
            if name not in batch.schema.names:
                self._features[name]._missing += int(units.sum())
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if name == self.weight or is_reserved(name):
                continue
            with _told_of(name):
                self._merge(name, WeightedFeature.of(column, units), self._units)
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
        check_total(self._units + other._units, self.weight)
        for name in self._features:
            if name not in other._features:
                self._features[name]._missing += other._units
        for name, theirs in other._features.items():
            with _told_of(name):
                self._merge(name, theirs, self._units)
        self.num_rows += other.num_rows
        self._units += other._units

    def to_json(self) -> dict[str, Any]:
        """``{"weight", "num_rows", "total_weight", "features": {name: {...}}}``."""
        fields = ("type", "count", "missing", "zeros", "mean", "std_dev", "median", "avg_length")
        features = {
            name: {field: value for field in fields if (value := getattr(feature, field)) is not None}
            | ({"top_values": [list(pair) for pair in feature.top_values or []]} if feature.type == "string" else {})
            for name, feature in self.paths.items()
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
            feature = self._features[name] = WeightedFeature(part.type, missing=units_before)
        feature.merge(part)


@contextmanager
def _told_of(name: str) -> Iterator[None]:
    """Errors about a column say which."""
    try:
        yield
    except StatisticsError as error:
        raise StatisticsError(error.what, where={"column": name}, hint=error.hint) from error


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
