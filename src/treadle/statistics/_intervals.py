"""Counting many numbers by interval: pages of counters, so that adding a value is an addition, not a search.

Only how the counts of ``_distribution`` are gathered, never what they are. A page is a run of neighbouring cut keys; a
page gets its counters when the first value falls into it. Real columns fill a few dozen pages, even when they hold
values of both signs over many powers of ten.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from treadle.statistics._distinct import DistinctSketch
from treadle.statistics._keys import Floats, Ints, keys_of_floats

_PAGE_BITS = 10
_MOST_PAGES = 1 << 18  # entries of the table from page to counters
_MOST_COUNTERS = 1 << 20
_BLOCK = 16384  # values that stay in the cache from one step to the next
_UNSEEN = np.iinfo(np.int64).min // 2

Places: TypeAlias = npt.NDArray[np.int64]


class IntervalCounts:
    """Counters of cut keys.

    Args:
        cut: How many low bits of the keys are cut off.
    """

    __slots__ = ("_counters", "_first_page", "_pages", "_starts", "cut")

    def __init__(self, cut: int) -> None:
        self.cut = cut
        self._first_page = 0
        self._starts: Places = np.empty(0, np.int64)  # page -> where its counters begin, less its first key
        self._pages: list[int] = []  # pages in the order of their counters
        self._counters: Ints = np.empty(0, np.int64)

    @classmethod
    def of(cls, cut: int, keys: Ints, counts: Ints) -> IntervalCounts | None:
        """Counters that begin with counts of ascending cut keys; ``None`` if these lie too far apart."""
        fresh = cls(cut)
        if len(keys):
            if not (fresh._reach(int(keys[0]), int(keys[-1])) and fresh._open(keys)):
                return None
            fresh._counters[fresh._places(keys)] = counts
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
        places = np.empty(len(values), np.int64)
        for start in range(0, len(values), _BLOCK):
            block = values[start : start + _BLOCK]
            if not floats:
                keys: Ints = block  # type: ignore[assignment]
            elif low >= 0:  # most columns: the bits of a float that is not negative are its key
                keys = (block + 0.0).view(np.int64)
            else:
                keys = keys_of_floats(block)  # type: ignore[arg-type]
            distinct.add_keys(keys)
            if fits:
                self._places(keys >> cut, places[start : start + _BLOCK])
        if fits and len(places) and int(places.min()) < 0:
            missing = values[places < 0]
            keys = keys_of_floats(missing) if floats else missing  # type: ignore[arg-type, assignment]
            fits = self._open(keys >> cut)
            if fits:
                places[places < 0] = self._places(keys >> cut)
        if fits:
            self._counters += np.bincount(places, minlength=len(self._counters))
        return fits

    def counts(self) -> tuple[Ints, Ints]:
        """Cut keys, ascending, and their counts."""
        size = 1 << _PAGE_BITS
        order = np.argsort(np.array(self._pages, np.int64))
        pages = np.array(self._pages, np.int64)[order]
        counters = self._counters.reshape(-1, size)[order].ravel()
        used = np.flatnonzero(counters)
        return (pages[used >> _PAGE_BITS] << _PAGE_BITS) + (used & (size - 1)), counters[used]

    def _places(self, keys: Ints, out: Places | None = None) -> Places:
        """Where the counters of cut keys are; negative for those whose page has none."""
        pages = keys >> _PAGE_BITS
        if self._first_page:
            pages -= self._first_page
        starts = self._starts.take(pages)
        return np.add(starts, keys, out=out)

    def _reach(self, low: int, high: int) -> bool:
        """Make the table reach from a cut key to another; False if it would be too large."""
        first, last = low >> _PAGE_BITS, high >> _PAGE_BITS
        if len(self._starts):
            first, last = min(first, self._first_page), max(last, self._first_page + len(self._starts) - 1)
        if last - first >= _MOST_PAGES:
            return False
        if last - first + 1 > len(self._starts):
            starts = np.full(last - first + 1, _UNSEEN)
            if len(self._starts):
                place = self._first_page - first
                starts[place : place + len(self._starts)] = self._starts
            self._starts, self._first_page = starts, first
        return True

    def _open(self, keys: Ints) -> bool:
        """Give counters to the pages of cut keys that have none; False if there would be too many."""
        pages = np.unique(keys >> _PAGE_BITS)
        pages = pages[self._starts[pages - self._first_page] == _UNSEEN]
        start, size = len(self._counters), 1 << _PAGE_BITS
        if start + len(pages) * size > _MOST_COUNTERS:
            return False
        self._starts[pages - self._first_page] = start + np.arange(len(pages)) * size - (pages << _PAGE_BITS)
        self._counters = np.concatenate([self._counters, np.zeros(len(pages) * size, np.int64)])
        self._pages += pages.tolist()
        return True
