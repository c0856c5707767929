"""How far two distributions are from each other; definitions and reasons: docs/adr/0007."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Masses: TypeAlias = npt.NDArray[np.float64]
Value: TypeAlias = str | int | bool


def jensen_shannon(base: Masses, new: Masses) -> float:
    """The Jensen-Shannon divergence, in bits: 0 for equal shares, 1 for shares that have nothing in common.

    The mean of the Kullback-Leibler divergences from the average of both (Lin 1991); not its square root.

    Args:
        base: Counts or masses of the groups on one side; not all zero.
        new: The same groups on the other side; not all zero.
    """
    p, q = base / base.sum(), new / new.sum()
    mean = (p + q) / 2
    return float(min(1.0, max(0.0, (_divergence(p, mean) + _divergence(q, mean)) / 2)))


def l_infinity(
    base: Mapping[Value, float], new: Mapping[Value, float], totals: tuple[float, float]
) -> tuple[float, Value | None]:
    """The largest difference of shares over all values, and the value that has it.

    Args:
        base: Value -> count on one side.
        new: The same on the other side.
        totals: The number of all values of each side, those included that are not counted by name; not zero.
    """
    gaps = {value: abs(base.get(value, 0) / totals[0] - new.get(value, 0) / totals[1]) for value in {**base, **new}}
    if not gaps:
        return 0.0, None
    # of gaps that are equal but for rounding the first value, whatever the order of the dictionaries
    worst = min(gaps, key=lambda value: (-round(gaps[value], 12), str(value)))
    return gaps[worst], worst


def equal_mass_groups(base: Masses, new: Masses, groups: int) -> npt.NDArray[np.intp]:
    """Put neighbouring values into groups that hold about equal shares of the average of both sides.

    A value that alone holds a group's share stands alone. Groups by mass do not depend on outliers, as groups of
    equal width do, and the average makes them the same whichever side is called the base.

    Args:
        base: Counts of the values, in the order of the values; not all zero.
        new: The same values on the other side; not all zero.
        groups: How many groups of equal mass.

    Returns:
        The number of each value's group, below ``groups + len(base)``.
    """
    mean = (base / base.sum() + new / new.sum()) / 2
    middle = np.cumsum(mean) - mean / 2
    numbers = np.minimum((middle * groups).astype(np.intp), groups - 1)
    alone = mean >= 1 / groups
    numbers[alone] = groups + np.flatnonzero(alone)
    return np.asarray(numbers)


def _divergence(p: Masses, q: Masses) -> float:
    seen = p > 0
    return float(np.sum(p[seen] * np.log2(p[seen] / q[seen])))
