"""Counting many numbers by interval: a table of counters, so that adding a value is an addition, not a search.

Only how the counts of ``_distribution`` are gathered, never what they are. The table reaches from the least cut key to
the largest. Most of it is never touched where values of both signs lie many powers of ten apart, and the operating
system gives no memory to what is never touched.
"""

from __future__ import annotations

import numpy as np

from treadle.statistics._distinct import DistinctSketch
from treadle.statistics._keys import Floats, Ints, keys_of_floats

_MOST_COUNTERS = 1 << 23
_SPARE = 1024  # counters beyond what is needed now, on both sides, at least
_BLOCK = 32768  # values that stay in the cache from one step to the next


class IntervalCounts:
    """Counters of cut keys.

    Args:
        cut: How many low bits of the keys are cut off.
    """

    __slots__ = ("_counters", "_first", "cut")

    def __init__(self, cut: int) -> None:
        self.cut = cut
        self._first = 0  # the cut key of the first counter
        self._counters: Ints = np.empty(0, np.int64)

    @classmethod
    def of(cls, cut: int, keys: Ints, counts: Ints) -> IntervalCounts | None:
        """Counters that begin with counts of ascending cut keys; ``None`` if these lie too far apart."""
        fresh = cls(cut)
        if len(keys):
            if not fresh._reach(int(keys[0]), int(keys[-1])):
                return None
            fresh._counters[keys - fresh._first] = counts
        return fresh

    @property
    def used(self) -> int:
        """How many intervals hold values."""
        return int(np.count_nonzero(self._counters))

    def add(self, values: Floats | Ints, low: int, high: int, distinct: DistinctSketch) -> bool:
        """Count values.

        Args:
            values: Finite floats or integers.
            low: The least uncut key of them.
            high: The largest.
            distinct: Takes the keys in too, in the same pass.

        Returns:
            False if the values lie too far apart for counters; then nothing was counted, only ``distinct`` is served.
        """
        cut, floats = self.cut, values.dtype == np.float64
        fits = self._reach(low >> cut, high >> cut)
        places = np.empty(min(_BLOCK, len(values)), np.int64)
        one = np.int64(1)
        for start in range(0, len(values), _BLOCK):
            block = values[start : start + _BLOCK]
            if not floats:
                keys: Ints = block  # type: ignore[assignment]
            elif low > 0:  # most columns: the bits of a float above zero are its key
                keys = block.view(np.int64)
            else:
                keys = keys_of_floats(block)  # type: ignore[arg-type]
            distinct.add_keys(keys)
            if fits:
                here = places[: len(keys)]
                np.right_shift(keys, cut, out=here)
                here -= self._first
                np.add.at(self._counters, here, one)
        return fits

    def counts(self) -> tuple[Ints, Ints]:
        """Cut keys, ascending, and their counts."""
        used = np.flatnonzero(self._counters)
        return used + self._first, self._counters[used]

    def _reach(self, low: int, high: int) -> bool:
        """Make the table reach from a cut key to another; False if it would be too large."""
        last = self._first + len(self._counters) - 1
        if len(self._counters):
            if self._first <= low and high <= last:
                return True
            low, high = min(low, self._first), max(high, last)
        if high - low >= _MOST_COUNTERS:
            return False
        spare = max(_SPARE, (high - low) // 8)
        before, self._first = self.counts(), low - spare
        self._counters = np.zeros(high - low + 1 + 2 * spare, np.int64)
        self._counters[before[0] - self._first] = before[1]
        return True
