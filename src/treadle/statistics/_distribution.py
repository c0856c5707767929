"""The distribution of numbers: exact counts while they are few, then counts of intervals.

Values are counted by their sortable key (see ``_keys``). When there are more than ``LIMIT`` distinct keys, one low
bit is cut off all keys, and neighbours fall together; this repeats until they fit. The state reached is the finest
cut at which the values fit, a function of the values alone: order, batches and merges cannot change it.

At cut 0 every statistic is exact. At cut c an interval is 2**c wide for integers and moments, and 2**(c - 52) of
the value for floats; a quantile lies in the right interval, and is placed in it by its rank.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.errors import StatisticsError
from treadle.statistics._distinct import DistinctSketch, mix
from treadle.statistics._intervals import IntervalCounts
from treadle.statistics._keys import Floats, Ints, count_float_keys, count_ints, floats_of_keys, keys_of_floats
from treadle.statistics._moments import Moments

LIMIT = 16384
_WAITING = 4 * LIMIT


class Distribution:
    """Counts of finite numbers by key.

    Args:
        floats: Whether the values are floats; otherwise they are integers.
        unlimited: Count all distinct values one by one, in as much memory as they need.
    """

    __slots__ = (
        "_check_at",
        "_counts",
        "_cut",
        "_intervals",
        "_keys",
        "_scattered",
        "_waiting",
        "_waiting_rows",
        "distinct",
        "floats",
        "high",
        "low",
        "moments",
        "unlimited",
    )

    def __init__(self, *, floats: bool, unlimited: bool = False) -> None:
        self.floats = floats
        self.unlimited = unlimited
        self._cut = 0
        self.low: int | None = None
        """The least key, uncut."""
        self.high: int | None = None
        self.moments: Moments | None = None
        """Kept from the first cut on; before it the counts say it."""
        self.distinct: DistinctSketch | None = None
        """Kept from the first cut on."""
        self._keys: Ints = np.empty(0, np.int64)
        self._counts: Ints = np.empty(0, np.int64)
        self._waiting: list[tuple[Ints, Ints]] = []
        self._waiting_rows = 0
        self._intervals: IntervalCounts | None = None
        self._scattered = False  # whether the values lie too far apart for counters
        self._check_at = 0  # how many values there are when the intervals are next held against the limit

    def add(self, values: Floats | Ints, ends: tuple[Any, Any] | None = None) -> None:
        """Count values.

        Args:
            values: Finite float64 or int64.
            ends: The least and the largest of them, if they are known.
        """
        if not len(values):
            return
        if self._cut:
            self._add_cut(values, ends or (values.min(), values.max()))
            return
        keys, counts = count_float_keys(values) if self.floats else count_ints(values)  # type: ignore[arg-type]
        self._see(int(keys.min()), int(keys.max()))
        self._wait(keys, counts)

    def add_counted(self, values: Floats | Ints, counts: Ints) -> None:
        """Count values that occur several times each: finite float64 or int64, and how often, at least once."""
        if not len(values):
            return
        every: Ints = keys_of_floats(values) if self.floats else values  # type: ignore[assignment, arg-type]
        keys, counts = _regroup(every, counts)
        self._see(int(keys[0]), int(keys[-1]))
        if self._cut:
            moments, distinct = self._sketches()
            moments.merge(Moments.of_counts(self._decode(keys), counts))
            distinct.add_keys(keys)
        self._wait(*_regroup(keys >> self._cut, counts))

    def merge(self, other: Distribution) -> None:
        """Take in the values of another distribution of the same kind of number."""
        if self.floats != other.floats:
            self.to_floats()
            other = other.copy()
            other.to_floats()
        if other.low is None or other.high is None:
            return
        self.unlimited &= other.unlimited  # one side that cannot tell all its values is enough
        other._settle()
        self._settle()
        if other._cut:
            self._start_sketches()
            self._coarsen(other._cut)
        if self.moments is not None and self.distinct is not None:
            moments, distinct = other._sketches()
            self.moments.merge(moments)
            self.distinct.merge(distinct)
        keys, counts = _regroup(other._keys >> (self._cut - other._cut), other._counts)
        self._see(other.low, other.high)
        self._wait(keys, counts)
        self._settle()

    def restore(
        self,
        keys: Ints,
        counts: Ints,
        *,
        cut: int = 0,
        bounds: tuple[int, int] | None = None,
        moments: Moments | None = None,
        distinct: DistinctSketch | None = None,
    ) -> None:
        """Take on a state that was saved; the arguments are the attributes of the same names.

        Raises:
            ValueError: Keys and counts do not fit together.
        """
        if len(keys) != len(counts) or (len(keys) > 1 and not (keys[1:] > keys[:-1]).all()):
            raise ValueError("keys and counts do not fit together")
        self._keys, self._counts, self._cut = keys, counts, cut
        self.moments, self.distinct = moments, distinct
        if len(keys):
            self.low, self.high = bounds or (int(keys[0]), int(keys[-1]))

    def copy(self) -> Distribution:
        """An independent copy."""
        same = Distribution(floats=self.floats, unlimited=self.unlimited)
        same.merge(self)
        return same

    def to_floats(self) -> None:
        """Count the integers as floats from now on.

        Raises:
            StatisticsError: The integers are too many to be known one by one.
        """
        if self.floats:
            return
        self._settle()
        if self._cut:
            raise StatisticsError("Statistics of more integers than are counted one by one cannot become floats.")
        keys, counts = _regroup(keys_of_floats(self._keys.astype(np.float64)), self._counts)
        self._keys, self._counts, self.floats = keys, counts, True
        if len(keys):
            self.low, self.high = int(keys[0]), int(keys[-1])

    @property
    def cut(self) -> int:
        """How many low bits of the keys are cut off; 0: everything is exact."""
        self._settle()
        return self._cut

    @property
    def keys(self) -> Ints:
        """The cut keys, ascending."""
        self._settle()
        return self._keys

    @property
    def counts(self) -> Ints:
        """How many values each key stands for."""
        self._settle()
        return self._counts

    @property
    def total(self) -> int:
        """How many values were added."""
        return int(self.counts.sum())

    @property
    def exact(self) -> bool:
        """Whether every value is counted one by one."""
        return self.cut == 0

    def intervals(self) -> tuple[Floats, Floats]:
        """The least and the largest value that each key may stand for; equal where counts are exact."""
        keys = self.keys
        if self._cut == 0:
            values = self._decode(keys)
            return values, values
        low, high = keys << self._cut, (keys << self._cut) + np.int64(2**self._cut - 1)
        return self._decode(np.clip(low, self.low, self.high)), self._decode(np.clip(high, self.low, self.high))

    def extremes(self) -> tuple[float, float]:
        """The least and the largest value; NaN without values."""
        if self.low is None or self.high is None:
            return float("nan"), float("nan")
        low, high = self._decode(np.array([self.low, self.high]))
        return float(low), float(high)

    def regrouped(self, cut: int) -> tuple[Ints, Ints]:
        """Keys and counts at a coarser cut."""
        self._settle()
        return _regroup(self._keys >> (cut - self._cut), self._counts)

    def summary(self) -> Moments:
        """Count, mean and spread."""
        self._settle()
        if self.moments is not None:
            return self.moments
        return Moments.of_counts(self._decode(self._keys), self._counts)

    def unique(self) -> int:
        """The number of distinct values: exact, or estimated (see ``_distinct``) where counts are not."""
        self._settle()
        return len(self._keys) if self.distinct is None else min(self.distinct.estimate(), self.total)

    def _decode(self, keys: Ints) -> Floats:
        return floats_of_keys(keys) if self.floats else keys.astype(np.float64)

    def _see(self, low: int, high: int) -> None:
        self.low = low if self.low is None else min(self.low, low)
        self.high = high if self.high is None else max(self.high, high)

    def _add_cut(self, values: Floats | Ints, ends: tuple[Any, Any]) -> None:
        bounds = np.array(ends)
        low, high = (keys_of_floats(bounds) if self.floats else bounds).tolist()
        self._see(low, high)
        moments, distinct = self._sketches()
        moments.merge(Moments.of(values))
        if self._intervals is None and not self._scattered:
            self._settle()
            self._intervals = IntervalCounts.of(self._cut, self._keys, self._counts)
            if self._intervals is not None:
                self._keys, self._counts = np.empty(0, np.int64), np.empty(0, np.int64)
        if self._intervals is None:
            keys: Ints = keys_of_floats(values) if self.floats else values  # type: ignore[assignment, arg-type]
            distinct.add_keys(keys)
            self._wait(*count_ints(keys >> self._cut))
        elif not self._intervals.add(values, low, high, distinct):
            self._settle()
            self._scattered = True
            keys = keys_of_floats(values) if self.floats else values  # type: ignore[assignment, arg-type]
            self._wait(*count_ints(keys >> self._cut))
        elif moments.count >= self._check_at:
            # now and then is enough: what is kept in the end does not depend on when it is cut
            self._check_at = 2 * moments.count
            if not self.unlimited and self._intervals.used > LIMIT:
                self._settle()

    def _wait(self, keys: Ints, counts: Ints) -> None:
        self._waiting.append((keys, counts))
        self._waiting_rows += len(keys)
        if self._waiting_rows > max(_WAITING, len(self._keys)):
            self._settle()

    def _settle(self) -> None:
        """Bring what waits into the counts, and cut if there is now too much."""
        if self._intervals is not None:
            self._waiting.append(self._intervals.counts())
            self._intervals = None
        if self._waiting:
            keys = np.concatenate([self._keys, *(keys for keys, _ in self._waiting)])
            counts = np.concatenate([self._counts, *(counts for _, counts in self._waiting)])
            self._waiting, self._waiting_rows = [], 0
            self._keys, self._counts = _regroup(keys, counts)
        if not self.unlimited and len(self._keys) > LIMIT:
            self._start_sketches()
            self._coarsen(self._cut + _needed_cut(self._keys))

    def _start_sketches(self) -> None:
        if self.moments is None:
            self.moments, self.distinct = self._sketches()

    def _sketches(self) -> tuple[Moments, DistinctSketch]:
        """Moments and distinct values; from the counts as long as they are exact."""
        if self.moments is not None and self.distinct is not None:
            return self.moments, self.distinct
        distinct = DistinctSketch()
        distinct.add(mix(self._keys))
        return Moments.of_counts(self._decode(self._keys), self._counts), distinct

    def _coarsen(self, cut: int) -> None:
        if cut > self._cut:
            self._keys, self._counts = _regroup(self._keys >> (cut - self._cut), self._counts)
            self._cut = cut
            self._scattered = False


def _regroup(keys: Ints, counts: Ints) -> tuple[Ints, Ints]:
    """Keys ascending and each once, with the sums of their counts."""
    order = np.argsort(keys, kind="stable")
    keys, counts = keys[order], counts[order]
    if not len(keys):
        return keys, counts
    first = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    return keys[first], np.add.reduceat(counts, first)


def _needed_cut(keys: Ints) -> int:
    """The smallest cut at which ascending keys have at most LIMIT distinct values."""
    low, high = 1, 63
    while low < high:
        middle = (low + high) // 2
        cut = keys >> middle
        if 1 + np.count_nonzero(cut[1:] != cut[:-1]) <= LIMIT:
            high = middle
        else:
            low = middle + 1
    return low
