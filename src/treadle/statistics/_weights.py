"""Weights as whole numbers of 2**-24, whose sums do not depend on the order of rows or of merging.

A weight is therefore taken to the nearest 6e-8, and all weights together may reach 2.7e11.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from treadle.errors import StatisticsError, UsageError
from treadle.statistics._keys import Ints

UNIT = 2**24
"""A weight is a whole number of these parts of one."""
_MOST = 2**62


def units_of(batch: pa.RecordBatch, weight: str, first_row: int) -> Ints:
    """The weights of a batch in units.

    Args:
        batch: Rows with the column of weights.
        weight: Its name.
        first_row: The number of the first row, as errors say it.

    Raises:
        UsageError: The column is not there.
        StatisticsError: A weight is missing, negative or not finite, or the weights are too large together.
    """
    if weight not in batch.schema.names:
        raise UsageError(f"There is no column {weight!r} of weights.", where={"column": weight})
    try:
        weights = pc.cast(batch.column(weight), pa.float64()).to_numpy(zero_copy_only=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise StatisticsError("The weights are no numbers.", where={"column": weight}) from error
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(wrong):
        raise StatisticsError(
            f"The weight {weights[wrong[0]]} is missing, negative or not finite.",
            where={"column": weight, "row": first_row + int(wrong[0])},
            hint="Give every row a weight of zero or more.",
        )
    check_total(float(weights.sum()) * UNIT, weight)
    units: Ints = np.rint(weights * UNIT).astype(np.int64)
    return units


def check_total(units: float, column: str | None = None) -> None:
    """Refuse weights whose sum is beyond what is counted.

    Raises:
        StatisticsError: It is.
    """
    if units > _MOST:
        raise StatisticsError(
            "The weights are too large together.",
            where={"column": column} if column else None,
            hint=f"Divide them by their mean: the sum may be {_MOST // UNIT:.1e} at most.",
        )


def sums(codes: Ints, units: Ints, size: int) -> Ints:
    """The units of each code from 0 to ``size`` - 1; exact, since each half is summed in floats that hold it."""
    high, low = (
        np.bincount(codes, weights=part, minlength=size).astype(np.int64) for part in (units >> 24, units & (UNIT - 1))
    )
    return (high << 24) + low
