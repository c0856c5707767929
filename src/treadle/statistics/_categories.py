"""Counts of strings: exact up to ``LIMIT`` distinct values, then the frequent ones (Misra and Gries 1982).

Beyond the limit the counts are cut as in Agarwal et al. 2012 (mergeable summaries): the (LIMIT + 1)-th largest count
is subtracted from all. Every count kept is then too small by at most ``shortfall``, which is at most the number of
values / LIMIT; a value that is not kept occurs at most that often.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from treadle.errors import StatisticsError
from treadle.statistics._distinct import DistinctSketch, Hashes, hash_text
from treadle.statistics._keys import Ints

LIMIT = 16384
_WAITING = 4 * LIMIT


class Categories:
    """Counts of strings or byte strings.

    Args:
        kind: ``pa.string()`` or ``pa.binary()``.
        unlimited: Count all distinct values one by one, in as much memory as they need.
    """

    __slots__ = (
        "_counts",
        "_ordered",
        "_values",
        "_waiting",
        "_waiting_rows",
        "distinct",
        "kind",
        "shortfall",
        "total",
        "unlimited",
    )

    def __init__(self, kind: pa.DataType, *, unlimited: bool = False) -> None:
        self.kind = kind
        self.unlimited = unlimited
        self.total = 0
        """How many values were added."""
        self.shortfall = 0
        """By how much a count may be too small; 0: every count is exact."""
        self.distinct: DistinctSketch | None = None
        """Kept from the first cut on."""
        self._values: pa.Array = pa.array([], kind)
        self._counts: Ints = np.empty(0, np.int64)
        self._ordered = True
        self._waiting: list[tuple[pa.Array, Ints]] = []
        self._waiting_rows = 0

    def add(self, values: pa.Array) -> None:
        """Count strings without nulls, dictionary-encoded or not."""
        if not len(values):
            return
        encoded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
        counts = np.bincount(encoded.indices.to_numpy(), minlength=len(encoded.dictionary))
        self.add_counts(encoded.dictionary.cast(self.kind), counts)

    def add_counts(self, values: pa.Array, counts: Ints) -> None:
        """Count strings that occur several times.

        Raises:
            StatisticsError: One that occurs is not UTF-8, which files may hold without saying so.
        """
        present = np.flatnonzero(counts)
        if len(present) < len(counts):
            values, counts = values.take(pa.array(present)), counts[present]
        if pa.types.is_string(self.kind):
            try:
                values.validate(full=True)
            except pa.ArrowInvalid as error:
                raise StatisticsError(
                    "A text is not UTF-8.", hint="Write the file again with the column as UTF-8, or as bytes."
                ) from error
        self.total += int(counts.sum())
        self._wait(values, counts)

    def merge(self, other: Categories) -> None:
        """Take in the strings of other counts."""
        self.unlimited &= other.unlimited  # one side that cannot tell all its values is enough
        other._settle()
        self._settle()
        if other.distinct is not None and self.distinct is None:
            self.distinct = self._sketch()
        if self.distinct is not None:
            self.distinct.merge(other._sketch())
        self.total += other.total
        self.shortfall += other.shortfall
        self._wait(other._values, other._counts, known=True)
        self._settle()

    def restore(
        self, values: pa.Array, counts: Ints, *, total: int, shortfall: int, distinct: DistinctSketch | None
    ) -> None:
        """Take on a state that was saved; the arguments are the attributes of the same names.

        Raises:
            ValueError: Values and counts do not fit together.
        """
        if len(values) != len(counts):
            raise ValueError("values and counts do not fit together")
        self._values, self._counts, self._ordered = values, counts, True
        self.total, self.shortfall, self.distinct = total, shortfall, distinct

    @property
    def values(self) -> pa.Array:
        """The strings that are kept, in the order of their bytes."""
        self._order()
        return self._values

    @property
    def counts(self) -> Ints:
        """How often each occurs, too small by at most ``shortfall``."""
        self._order()
        return self._counts

    @property
    def exact(self) -> bool:
        """Whether every string is counted."""
        self._settle()
        return self.distinct is None

    def unique(self) -> int:
        """The number of distinct strings: exact, or estimated (see ``_distinct``)."""
        self._settle()
        return len(self._values) if self.distinct is None else min(self.distinct.estimate(), self.total)

    def top(self, count: int) -> list[tuple[str | bytes, int]]:
        """The most frequent strings, ties in the order of the strings."""
        self._order()
        order = np.lexsort((np.arange(len(self._counts)), -self._counts))[:count]
        values = self._values.take(pa.array(order)).to_pylist()
        return list(zip(values, self._counts[order].tolist(), strict=True))

    def _wait(self, values: pa.Array, counts: Ints, *, known: bool = False) -> None:
        if self.distinct is not None and not known:
            self.distinct.add(_hashes(values))
        if not self.unlimited and len(values) > 2 * LIMIT and not known:
            if self.distinct is None:
                self._settle()
                self.distinct = self._sketch()
                self.distinct.add(_hashes(values))
            values, counts, cut = _frequent(values, counts)
            self.shortfall += cut
        self._waiting.append((values, counts))
        self._waiting_rows += len(values)
        if self._waiting_rows > max(_WAITING, len(self._values)):
            self._settle()

    def _settle(self) -> None:
        if not self._waiting:
            return
        values = pa.concat_arrays([self._values, *(values for values, _ in self._waiting)])
        counts = np.concatenate([self._counts, *(counts for _, counts in self._waiting)])
        self._waiting, self._waiting_rows = [], 0
        encoded = values.dictionary_encode()
        sums = np.bincount(encoded.indices.to_numpy(), weights=counts, minlength=len(encoded.dictionary))
        self._values, self._counts, self._ordered = encoded.dictionary, sums.astype(np.int64), False
        if not self.unlimited and len(self._values) > LIMIT:
            if self.distinct is None:
                self.distinct = self._sketch()
            self._values, self._counts, cut = _frequent(self._values, self._counts)
            self.shortfall += cut

    def _order(self) -> None:
        """Sort what is kept; sorting text is dear, so only where somebody looks."""
        self._settle()
        if not self._ordered:
            order = pc.array_sort_indices(self._values)
            self._values, self._counts = self._values.take(order), self._counts[order.to_numpy()]
            self._ordered = True

    def _sketch(self) -> DistinctSketch:
        if self.distinct is not None:
            return self.distinct
        sketch = DistinctSketch()
        sketch.add(_hashes(self._values))
        return sketch


def _frequent(values: pa.Array, counts: Ints) -> tuple[pa.Array, Ints, int]:
    """The values that occur more often than the (LIMIT + 1)-th, their counts less its count, and its count."""
    cut = int(np.partition(counts, -LIMIT - 1)[-LIMIT - 1])
    kept = np.flatnonzero(counts > cut)
    return values.take(pa.array(kept)), counts[kept] - cut, cut


def _hashes(values: pa.Array) -> Hashes:
    count, start = len(values), values.offset
    _, offsets, data = values.buffers()
    places = np.frombuffer(offsets, np.int32)[start : start + count + 1].astype(np.int64)
    text = np.empty(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)
    return hash_text(text, places)
