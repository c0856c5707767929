"""Drift: how far the data of now is from the data of before, feature by feature.

Which distance is defined for which type, and what is done with NaN, missing values and empty sides, is settled in
docs/adr (drift definitions). ``None`` means: not defined or not measured; never zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from treadle.errors import StatisticsError
from treadle.statistics import Categories, Distribution, FeatureStatistics, Statistics
from treadle.validation._distances import Masses, Value, equal_mass_groups, jensen_shannon, l_infinity

GROUPS = 10


@dataclass(frozen=True, slots=True)
class Distance:
    """How far one feature is from its baseline."""

    l_infinity: float | None = None
    """The largest difference of shares over all values, 0 to 1; for ``string``, ``bool`` and countable ``int``."""
    jensen_shannon: float | None = None
    """The Jensen-Shannon divergence in bits, 0 to 1; for all types but ``timestamp`` and ``bytes``."""
    missing: float | None = None
    """The absolute difference of the shares of missing values, 0 to 1."""
    comparable: bool = False
    """Whether both sides have values of one type."""
    note: str = ""
    """Why a distance is not defined; empty if all are."""
    value: str | int | bool | None = None
    """The value with the largest difference of shares."""

    def to_json(self) -> dict[str, Any]:
        """The distance as JSON-able fields; without a note or value where there is none."""
        fields: dict[str, Any] = {
            "l_infinity": self.l_infinity,
            "jensen_shannon": self.jensen_shannon,
            "missing": self.missing,
            "comparable": self.comparable,
        }
        if self.value is not None:
            fields["value"] = self.value
        if self.note:
            fields["note"] = self.note
        return fields


def drift(base: Statistics, new: Statistics) -> dict[str, Distance]:
    """The distance of every feature of either side, in the order of the base and then of the new data.

    A column that one side does not have counts there as missing in all rows.
    """
    names = list(dict.fromkeys([*base.features, *new.features]))
    return {name: feature_drift(name, base, new) for name in names}


def feature_drift(name: str, base: Statistics, new: Statistics) -> Distance:
    """The distance of one feature."""
    if not base.num_rows or not new.num_rows:
        side = "base" if not base.num_rows else "new data"
        return Distance(note=f"the {side} has no rows")
    sides = [side.features.get(name) for side in (base, new)]
    shares = [1.0 if side is None else side.missing_share for side in sides]
    missing = None if shares[0] is None or shares[1] is None else abs(shares[0] - shares[1])
    before, after = sides
    if before is None or after is None:
        return Distance(missing=missing, note=f"only the {'new data' if before is None else 'base'} has the column")
    if not before.count or not after.count:
        return Distance(missing=missing, note=f"the {'base' if not before.count else 'new data'} has no values")
    return _compare(before, after, missing)


def _compare(before: FeatureStatistics, after: FeatureStatistics, missing: float | None) -> Distance:
    types = {before.type, after.type}
    if len(types) > 1 and types != {"int", "float"}:
        return Distance(missing=missing, note=f"the types differ: {before.type} and {after.type}")
    if before.type in ("timestamp", "bytes", "other"):
        reason = {
            "timestamp": "time moves on by itself: only missing values are compared",
            "bytes": "bytes have no distribution here: only missing values are compared",
            "other": "this type has no distribution here: only missing values are compared",
        }
        return Distance(missing=missing, note=reason[before.type])
    if before.text and after.text:
        base, new = before.text.categories, after.text.categories
        named = (_named(base), _named(new))
        gap, value = l_infinity(*named, (base.total, new.total))
        divergence = jensen_shannon(*_aligned(*named, (base.total, new.total)))
        return Distance(gap, divergence, missing, True, value=value)
    return _compare_numbers(before, after, missing)


def _compare_numbers(before: FeatureStatistics, after: FeatureStatistics, missing: float | None) -> Distance:
    try:
        masses = _grouped(before, after)
    except StatisticsError as error:
        return Distance(missing=missing, note=f"integers and floats, too many to compare: {error.what}")
    divergence = jensen_shannon(*masses)
    counts = (before.value_counts(), after.value_counts())
    if counts[0] is None or counts[1] is None:
        note = "L-infinity compares categories; this feature has a scale"
        return Distance(None, divergence, missing, True, note)
    gap, value = l_infinity(counts[0], counts[1], (before.count, after.count))
    return Distance(gap, divergence, missing, True, value=value)


def _named(categories: Categories) -> dict[Value, float]:
    return dict(zip(categories.values.to_pylist(), categories.counts.tolist(), strict=True))


def _aligned(base: dict[Value, float], new: dict[Value, float], totals: tuple[int, int]) -> tuple[Masses, Masses]:
    """Counts of the same values on both sides, and last of all that is not counted by name."""
    values = list(dict.fromkeys([*base, *new]))
    sides = []
    for side, total in ((base, totals[0]), (new, totals[1])):
        counts = [side.get(value, 0) for value in values]
        sides.append(np.array([*counts, total - sum(counts)], np.float64))
    return sides[0], sides[1]


def _grouped(before: FeatureStatistics, after: FeatureStatistics) -> tuple[Masses, Masses]:
    """Masses of the same groups on both sides: finite values by equal mass, then NaN and the two infinities."""
    assert before.numbers is not None
    assert after.numbers is not None
    sides = (before.numbers, after.numbers)
    finite = _common(sides[0].distribution, sides[1].distribution)
    apart = [np.array([side.nan, side.positive_infinite, side.negative_infinite], np.float64) for side in sides]
    if all(counts.sum() for counts in finite):
        groups = equal_mass_groups(*finite, GROUPS)
        finite = tuple(np.bincount(groups, weights=counts) for counts in finite)  # type: ignore[assignment]
    return np.concatenate([finite[0], apart[0]]), np.concatenate([finite[1], apart[1]])


def _common(base: Distribution, new: Distribution) -> tuple[Masses, Masses]:
    """The counts of both sides over the same keys, at the coarser cut of the two."""
    if base.floats != new.floats:
        base, new = base.copy(), new.copy()
        base.to_floats()
        new.to_floats()
    cut = max(base.cut, new.cut)
    sides = [base.regrouped(cut), new.regrouped(cut)]
    keys = np.union1d(sides[0][0], sides[1][0])
    masses = []
    for own, counts in sides:
        mass = np.zeros(len(keys))
        mass[np.searchsorted(keys, own)] = counts
        masses.append(mass)
    return masses[0], masses[1]
