"""The statistics of one column: what they are, whatever its type."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from treadle.errors import StatisticsError
from treadle.schema import plain_type, to_plain
from treadle.statistics._distribution import Distribution
from treadle.statistics._nested import Nested, nested_type
from treadle.statistics._numbers import Numbers
from treadle.statistics._quantiles import Method, equal_mass, equal_width, quantiles
from treadle.statistics._text import Text

_EPOCH = datetime(1970, 1, 1)  # naive on purpose: wall-clock time without a zone
NUM_TOP_VALUES = 20
DECILES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)

Bound = int | float | datetime
Category = str | bool | int


class FeatureStatistics:
    """What was measured of one column. ``None`` means: does not apply, or nothing was there to measure.

    Attributes:
        type: ``int float string bool bytes timestamp list struct``; ``null`` for a column that never had a value,
            ``other`` for what has no feature type (maps, times of day), of which only presence is counted.
        missing: Rows without a value.
        numbers: Counts of numbers, truth values and moments.
        text: Counts of strings and byte strings.
        nested: What is inside lists and structs.
        unlimited: Whether all distinct values are counted one by one, however many.
    """

    __slots__ = ("_others", "missing", "nested", "numbers", "text", "type", "unlimited")

    def __init__(self, type: str, *, unlimited: bool = False) -> None:
        self.type = type
        self.unlimited = unlimited
        self.missing = 0
        self.numbers = (
            Numbers(floats=type == "float", unlimited=unlimited)
            if type in ("int", "float", "bool", "timestamp")
            else None
        )
        kinds = {"string": pa.string(), "bytes": pa.binary()}
        self.text = Text(kinds[type], unlimited=unlimited) if type in kinds else None
        fresh = functools.partial(FeatureStatistics, unlimited=unlimited)
        self.nested = Nested(fresh, lists=type == "list") if type in ("list", "struct") else None
        self._others = 0

    @property
    def count(self) -> int:
        """Rows with a value; a NaN is a value."""
        parts = (self.numbers, self.text, self.nested)
        return next((part.count for part in parts if part is not None), self._others)

    @property
    def missing_share(self) -> float | None:
        """The share of rows without a value; ``None`` without rows."""
        rows = self.count + self.missing
        return self.missing / rows if rows else None

    @property
    def nan(self) -> int | None:
        """Floats that are NaN."""
        return self.numbers.nan if self.numbers and self.type == "float" else None

    @property
    def infinite(self) -> int | None:
        """Floats that are infinite."""
        if self.numbers is None or self.type != "float":
            return None
        return self.numbers.positive_infinite + self.numbers.negative_infinite

    @property
    def zeros(self) -> int | None:
        """Numbers that are zero."""
        return self.numbers.zeros if self.numbers and self.type in ("int", "float") else None

    @property
    def empty(self) -> int | None:
        """Strings and lists that hold nothing; ``None`` where their counts are estimates."""
        if self.text and self.text.shortest:
            return 0
        if self.text and self.exact:
            categories = self.text.categories
            place = pc.index(categories.values, pa.scalar("", categories.kind)).as_py()
            return int(categories.counts[place]) if place >= 0 else 0
        if self.lengths and self.lengths.exact:
            return int(self.lengths.counts[self.lengths.keys == 0].sum())
        return None

    @property
    def mean(self) -> float | None:
        """The mean of the finite numbers."""
        return self._moment("mean")

    @property
    def std_dev(self) -> float | None:
        """The standard deviation (of the population) of the finite numbers."""
        return self._moment("std_dev")

    @property
    def min(self) -> Bound | None:
        """The least finite number, or the first moment."""
        return self._bound("low")

    @property
    def max(self) -> Bound | None:
        """The largest finite number, or the last moment."""
        return self._bound("high")

    @property
    def median(self) -> float | datetime | None:
        """The middle value; between two, their mean."""
        return next(iter(self.quantiles([0.5])), None)

    @property
    def unique(self) -> int | None:
        """How many distinct values, NaN and infinities not counted; see ``exact``."""
        if self.numbers:
            return self.numbers.distribution.unique()
        return self.text.categories.unique() if self.text else None

    @property
    def exact(self) -> bool:
        """Whether every value is counted one by one, so that no statistic here is an estimate."""
        if self.numbers:
            return self.numbers.distribution.exact
        return self.text.categories.exact if self.text else True

    @property
    def top_values(self) -> list[tuple[Category, int]] | None:
        """The most frequent values, ties by value; ``None`` for floats, moments, bytes, and too many integers."""
        counts = self.value_counts()
        if self.type == "string" and self.text:
            return self.text.categories.top(NUM_TOP_VALUES)  # type: ignore[return-value]
        if counts is None:
            return None
        return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:NUM_TOP_VALUES]

    def value_counts(self) -> dict[Category, int] | None:
        """Value -> count for ``int``, ``bool`` and ``string`` where counts are exact; else ``None``."""
        if not self.exact:
            return None
        if self.type == "string" and self.text:
            categories = self.text.categories
            return dict(zip(categories.values.to_pylist(), categories.counts.tolist(), strict=True))
        if self.type in ("int", "bool") and self.numbers:
            distribution = self.numbers.distribution
            keys = distribution.keys.tolist()
            named = [bool(key) for key in keys] if self.type == "bool" else keys
            return dict(zip(named, distribution.counts.tolist(), strict=True))
        return None

    def quantiles(self, shares: Sequence[float] = DECILES, *, method: Method = "linear") -> list[float | datetime]:
        """The values at the given shares of the ranked finite values; empty without values.

        Args:
            shares: Where, 0 to 1; the deciles by default.
            method: ``linear`` (between two ranks) or ``element`` (always one of the values).
        """
        if self.numbers is None or self.type == "bool":
            return []
        found = quantiles(self.numbers.distribution, shares, method)
        return [_moment(value) for value in found] if self.type == "timestamp" else list(found)

    def histogram(self, buckets: int = 10) -> list[tuple[Bound, Bound, int]]:
        """Counts in equal widths, ``(low, high, count)``; see ``equal_width``. Empty for what is no number."""
        if self.numbers is None or self.type == "bool":
            return []
        found = equal_width(self.numbers.distribution, buckets)
        if self.type == "timestamp":
            return [(_moment(low), _moment(high), count) for low, high, count in found]
        return list(found)

    def quantile_histogram(self, buckets: int = 10) -> list[tuple[Bound, Bound, float]]:
        """About equal counts between quantiles, ``(low, high, count)``; see ``equal_mass``."""
        if self.numbers is None or self.type == "bool":
            return []
        found = equal_mass(self.numbers.distribution, buckets)
        if self.type == "timestamp":
            return [(_moment(low), _moment(high), count) for low, high, count in found]
        return list(found)

    @property
    def avg_length(self) -> float | None:
        """The mean length of strings in characters, of bytes in bytes, of lists in items."""
        if self.text:
            return self.text.total_length / self.text.count if self.text.count else None
        return self.lengths.summary().mean if self.lengths and self.count else None

    @property
    def min_length(self) -> int | None:
        """The length of the shortest string or list."""
        return self.text.shortest if self.text else self.lengths.low if self.lengths else None

    @property
    def max_length(self) -> int | None:
        """The length of the longest string or list."""
        return self.text.longest if self.text else self.lengths.high if self.lengths else None

    @property
    def lengths(self) -> Distribution | None:
        """How many items lists have."""
        return self.nested.lengths if self.nested else None

    def measure(self, column: pa.Array) -> None:
        """Measure the values of one batch, of whatever Arrow type.

        Raises:
            StatisticsError: The type is not the one from before.
        """
        kind = statistics_type(column.type)
        if kind in ("null", self.type):
            self.add(measurable(column))
            return
        part = FeatureStatistics(
            kind, unlimited=self.unlimited
        )  # another type than before: merging knows what may be put together
        part.add(measurable(column))
        self.merge(part)

    def add(self, column: pa.Array) -> None:
        """Measure the values of one batch, in the plain type of this feature or without any value."""
        self.missing += column.null_count
        if column.null_count == len(column):
            return
        column = column.drop_null() if column.null_count else column
        if self.numbers:
            self.numbers.add(column)
        elif self.text:
            self.text.add(column)
        elif self.nested:
            self.nested.add(column)
        else:
            self._others += len(column)

    def merge(self, other: FeatureStatistics) -> None:
        """Take in the values behind other statistics of this column.

        A column that never had a value takes any type; integers among floats become floats; of lists and structs
        only presence is kept where one side (of an earlier version) counted no more.

        Raises:
            StatisticsError: The two are of different types.
        """
        if other.type not in (self.type, "null"):
            if self.type == "null":
                self._become(other.type)
            elif {self.type, other.type} == {"int", "float"}:
                self._become("float")
            elif "other" in (self.type, other.type) and (self.nested or other.nested):
                self._others, self.type, self.nested = self.count, "other", None
            else:
                raise StatisticsError(
                    f"Statistics of type {other.type} cannot be merged into statistics of type {self.type}."
                )
        self.unlimited &= other.unlimited
        self.missing += other.missing
        if self.type == "other":
            self._others += other.count
        if self.numbers and other.numbers:
            self.numbers.merge(other.numbers)
        if self.text and other.text:
            self.text.merge(other.text)
        if self.nested and other.nested:
            self.nested.merge(other.nested)

    def _become(self, type: str) -> None:
        fresh = FeatureStatistics(type, unlimited=self.unlimited)
        if self.numbers and fresh.numbers:
            self.numbers.distribution.to_floats()
            fresh.numbers = self.numbers
        self.type, self.numbers, self.text, self.nested = type, fresh.numbers, fresh.text, fresh.nested

    def _moment(self, name: str) -> float | None:
        if self.numbers is None or self.type not in ("int", "float"):
            return None
        return self.numbers.distribution.summary().known(name)

    def _bound(self, name: str) -> Bound | None:
        if self.numbers is None or self.type == "bool":
            return None
        distribution = self.numbers.distribution
        key: int | None = getattr(distribution, name)
        if key is None:
            return None
        if self.type == "timestamp":
            return _EPOCH + timedelta(microseconds=key)
        return key if self.type == "int" else distribution.extremes()[name == "high"]


@functools.lru_cache(maxsize=256)
def statistics_type(kind: pa.DataType) -> str:
    """The type under which a column of an Arrow type is measured."""
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    plain = plain_type(kind)
    if pa.types.is_null(plain):
        return "null"
    words = {
        pa.int64(): "int",
        pa.float64(): "float",
        pa.string(): "string",
        pa.bool_(): "bool",
        pa.binary(): "bytes",
        pa.timestamp("us"): "timestamp",
    }
    return words.get(plain) or nested_type(plain) or "other"


def measurable(column: pa.Array) -> pa.Array:
    """The column in its plain type; dictionaries of strings stay as they are."""
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    return to_plain(column, dictionary=True)


def _moment(microseconds: float) -> datetime:
    return _EPOCH + timedelta(microseconds=round(microseconds))
