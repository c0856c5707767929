"""Statistics of numbers, truth values and moments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from treadle.statistics._distribution import Distribution
from treadle.statistics._keys import Floats, Ints


class Numbers:
    """What is counted of a numeric column.

    NaN and infinities are counted apart; all else is about the finite values.

    Args:
        floats: Whether the values are floats; otherwise int64 (moments are microseconds, truth values 0 and 1).
        unlimited: As for ``Distribution``.
    """

    __slots__ = ("distribution", "nan", "negative_infinite", "positive_infinite", "zeros")

    def __init__(self, *, floats: bool, unlimited: bool = False) -> None:
        self.nan = 0
        self.positive_infinite = 0
        self.negative_infinite = 0
        self.zeros = 0
        self.distribution = Distribution(floats=floats, unlimited=unlimited)

    @property
    def count(self) -> int:
        """How many values there are, NaN and infinities included."""
        return self.nan + self.positive_infinite + self.negative_infinite + self.distribution.total

    def add(self, values: pa.Array) -> None:
        """Count values without nulls, in a plain type."""
        if pa.types.is_boolean(values.type):
            values = pc.cast(values, pa.int64())
        elif pa.types.is_timestamp(values.type):
            values = values.view(pa.int64())
        numbers = values.to_numpy()
        if not len(numbers):
            return
        ends = _ends(numbers)
        if not (np.isfinite(ends[0]) and np.isfinite(ends[1])):  # NaN is an end wherever it stands
            self.nan += int(np.isnan(numbers).sum())
            self.positive_infinite += int(np.isposinf(numbers).sum())
            self.negative_infinite += int(np.isneginf(numbers).sum())
            numbers = numbers[np.isfinite(numbers)]
            if not len(numbers):
                return
            ends = _ends(numbers)
        if ends[0] <= 0 <= ends[1]:
            self.zeros += int(np.count_nonzero(numbers == 0))
        self.distribution.add(numbers, ends)

    def merge(self, other: Numbers) -> None:
        """Take in the values behind other statistics."""
        self.nan += other.nan
        self.positive_infinite += other.positive_infinite
        self.negative_infinite += other.negative_infinite
        self.zeros += other.zeros
        self.distribution.merge(other.distribution)


def _ends(numbers: Floats | Ints) -> tuple[Any, Any]:
    with np.errstate(invalid="ignore"):
        return numbers.min(), numbers.max()
