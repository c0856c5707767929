"""Statistics of strings and byte strings."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from treadle.statistics._categories import Categories


class Text:
    """What is counted of a column of strings: the strings and their lengths.

    Args:
        kind: ``pa.string()`` (lengths in characters) or ``pa.binary()`` (lengths in bytes).
        unlimited: As for ``Categories``.
    """

    __slots__ = ("categories", "longest", "shortest", "total_length")

    def __init__(self, kind: pa.DataType, *, unlimited: bool = False) -> None:
        self.categories = Categories(kind, unlimited=unlimited)
        self.total_length = 0
        self.shortest: int | None = None
        self.longest: int | None = None

    @property
    def count(self) -> int:
        """How many values there are."""
        return self.categories.total

    def add(self, values: pa.Array) -> None:
        """Count strings without nulls, dictionary-encoded or not."""
        if not len(values):
            return
        encoded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
        dictionary = encoded.dictionary.cast(self.categories.kind)
        counts = np.bincount(encoded.indices.to_numpy(), minlength=len(dictionary))
        measure = pc.utf8_length if pa.types.is_string(dictionary.type) else pc.binary_length
        lengths = measure(dictionary).to_numpy().astype(np.int64)[counts > 0]
        self.total_length += int((lengths * counts[counts > 0]).sum())
        self._see(int(lengths.min()), int(lengths.max()))
        self.categories.add_counts(dictionary, counts)

    def merge(self, other: Text) -> None:
        """Take in the strings behind other statistics."""
        self.total_length += other.total_length
        if other.shortest is not None and other.longest is not None:
            self._see(other.shortest, other.longest)
        self.categories.merge(other.categories)

    def _see(self, shortest: int, longest: int) -> None:
        self.shortest = shortest if self.shortest is None else min(self.shortest, shortest)
        self.longest = longest if self.longest is None else max(self.longest, longest)
