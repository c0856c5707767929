"""Drift: how far the data of now is from the data of before, feature by feature.

Which distance is defined for which type, and what is done with NaN, missing values and empty sides, is settled in
docs/adr/0007. ``None`` means: not defined or not measured; never zero.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from treadle.errors import StatisticsError
from treadle.statistics import Categories, Distribution, FeatureStatistics, Statistics
from treadle.validation.distances._measures import Masses, Value, equal_mass_groups, jensen_shannon, l_infinity
from treadle.validation.distances._standard import standard_masses
from treadle.validation.distances._tests import chi_squared, kolmogorov_smirnov, stability_index, wasserstein

GROUPS = 10
# integers of at most so many distinct values are tested as categories, of more as a scale
_CATEGORIES = 100
_MORE = (
    *("psi", "kolmogorov_smirnov", "wasserstein", "cramers_v", "chi_squared", "test", "p_value", "missing_p_value"),
)


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
    psi: float | None = None
    """The population stability index, from 0; where ``jensen_shannon`` is defined."""
    kolmogorov_smirnov: float | None = None
    """The largest gap of the cumulated shares, 0 to 1; for ``int`` and ``float``."""
    wasserstein: float | None = None
    """How far the mass moved, in standard deviations of the baseline; for ``int`` and ``float``."""
    cramers_v: float | None = None
    """The effect of a chi-squared test, 0 to 1; where ``jensen_shannon`` is defined."""
    chi_squared: float | None = None
    """The statistic of that test."""
    test: str | None = None
    """The test that ``p_value`` is of: ``chi_squared`` for categories, ``kolmogorov_smirnov`` for a scale."""
    p_value: float | None = None
    """The probability of a distance at least as large between two samples of one distribution."""
    missing_p_value: float | None = None
    """The same of the shares of missing values (chi-squared)."""

    def to_json(self) -> dict[str, Any]:
        """The distance as JSON-able fields; the first four always, the others where there is something to say."""
        fields: dict[str, Any] = {
            "l_infinity": self.l_infinity,
            "jensen_shannon": self.jensen_shannon,
            "missing": self.missing,
            "comparable": self.comparable,
        }
        for name in _MORE:
            if getattr(self, name) is not None:
                fields[name] = getattr(self, name)
        if self.value is not None:
            fields["value"] = self.value
        if self.note:
            fields["note"] = self.note
        return fields


def drift(
    base: Statistics, new: Statistics, *, histogram: Literal["equal_mass", "standard"] = "equal_mass"
) -> dict[str, Distance]:
    """The distance of every feature of either side, in the order of the base and then of the new data.

    A column that one side does not have counts there as missing in all rows. A list is compared by its items, all
    together; a struct field by field, under their paths (``home.city``).

    Args:
        base: What was before.
        new: What is now.
        histogram: How numbers are grouped for the Jensen-Shannon divergence: ``equal_mass`` (ten groups of about
            equal shares of both sides), or ``standard`` (ten buckets of equal width on each side).
    """
    columns = base.features.keys() | new.features.keys()  # whose names may end as the path of a list's items does
    paths = dict.fromkeys(path for path in (*base.paths, *new.paths) if path in columns or not path.endswith("[]"))
    return {path: feature_drift(path, base, new, histogram=histogram) for path in paths}


def feature_drift(path: str, base: Statistics, new: Statistics, *, histogram: str = "equal_mass") -> Distance:
    """The distance of one feature, or of a field inside one; arguments as :func:`drift`."""
    if not base.num_rows or not new.num_rows:
        side = "base" if not base.num_rows else "new data"
        return Distance(note=f"the {side} has no rows")
    before, after = (side.features.get(path) or side.paths.get(path) for side in (base, new))
    shares = [1.0 if side is None else side.missing_share for side in (before, after)]
    missing = None if shares[0] is None or shares[1] is None else abs(shares[0] - shares[1])
    found = _distance(before, after, missing, histogram)
    if missing is None:
        return found
    gone = [_absence(before, base.num_rows), _absence(after, new.num_rows)]
    return replace(found, missing_p_value=chi_squared(*gone).p_value)


def _absence(feature: FeatureStatistics | None, rows: int) -> Masses:
    """How often a value is missing and how often it is there; what one side does not know is missing everywhere."""
    absent, present = (rows, 0) if feature is None else (feature.missing, feature.count)
    return np.array([absent, present], np.float64)


def _distance(
    before: FeatureStatistics | None, after: FeatureStatistics | None, missing: float | None, histogram: str
) -> Distance:
    if before is None or after is None:
        return Distance(missing=missing, note=f"only the {'new data' if before is None else 'base'} has the column")
    if not before.count or not after.count:
        return Distance(missing=missing, note=f"the {'base' if not before.count else 'new data'} has no values")
    return _compare(before, after, missing, histogram)


def _compare(before: FeatureStatistics, after: FeatureStatistics, missing: float | None, histogram: str) -> Distance:
    if before.type == after.type == "list" and before.nested is not None and after.nested is not None:
        return _distance(before.nested.inside["[]"], after.nested.inside["[]"], missing, histogram)
    types = {before.type, after.type}
    if len(types) > 1 and types != {"int", "float"}:
        return Distance(missing=missing, note=f"the types differ: {before.type} and {after.type}")
    if before.type in ("timestamp", "bytes", "struct", "other"):
        reason = {
            "timestamp": "time moves on by itself: only missing values are compared",
            "bytes": "bytes have no distribution here: only missing values are compared",
            "struct": "structs are compared field by field",
            "other": "this type has no distribution here: only missing values are compared",
        }
        return Distance(missing=missing, note=reason[before.type])
    if before.text and after.text:
        base, new = before.text.categories, after.text.categories
        named = (_named(base), _named(new))
        gap, value = l_infinity(*named, (base.total, new.total))
        masses = _aligned(*named, (base.total, new.total))
        found = Distance(gap, jensen_shannon(*masses), missing, True, value=value)
        return _tested(found, masses, "chi_squared")
    return _compare_numbers(before, after, missing, histogram)


def _compare_numbers(
    before: FeatureStatistics, after: FeatureStatistics, missing: float | None, histogram: str
) -> Distance:
    try:
        masses = _masses(before, after, standard=histogram == "standard" and before.type != "bool")
    except StatisticsError as error:
        return Distance(missing=missing, note=f"integers and floats, too many to compare: {error.what}")
    divergence = jensen_shannon(*masses)
    counts = (before.value_counts(), after.value_counts())
    few = False
    if counts[0] is None or counts[1] is None:
        note = "L-infinity compares categories; this feature has a scale"
        found = Distance(None, divergence, missing, True, note)
    else:
        gap, value = l_infinity(counts[0], counts[1], (before.count, after.count))
        found = Distance(gap, divergence, missing, True, value=value)
        few = len({**counts[0], **counts[1]}) <= _CATEGORIES
    if before.type == "bool":
        return _tested(found, masses, "chi_squared")
    if few and counts[0] is not None and counts[1] is not None:
        values = sorted({**counts[0], **counts[1]})
        masses = tuple(np.array([side.get(value, 0) for value in values], np.float64) for side in counts)  # type: ignore[union-attr, assignment]
        found = _tested(found, masses, "chi_squared")
    else:
        found = _tested(found, masses, "kolmogorov_smirnov")
    return _on_a_scale(found, before, after)


def _tested(found: Distance, masses: tuple[Masses, Masses], test: str) -> Distance:
    """With what a chi-squared test says of the groups; the p-value of a scale comes from elsewhere."""
    result = chi_squared(*masses)
    return replace(
        found,
        psi=stability_index(*masses),
        cramers_v=result.cramers_v,
        chi_squared=result.statistic,
        test=test,
        p_value=result.p_value if test == "chi_squared" else None,
    )


def _on_a_scale(found: Distance, before: FeatureStatistics, after: FeatureStatistics) -> Distance:
    """With what the order of numbers says; of finite values only."""
    assert before.numbers is not None
    assert after.numbers is not None
    base, new = before.numbers.distribution, after.numbers.distribution
    if not base.total or not new.total:
        return replace(found, test=None)
    gap, chance = kolmogorov_smirnov(*_common(base, new))
    far = wasserstein(base, new)
    found = replace(found, kolmogorov_smirnov=gap, wasserstein=far)
    return replace(found, p_value=chance) if found.test == "kolmogorov_smirnov" else found


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


def _masses(before: FeatureStatistics, after: FeatureStatistics, *, standard: bool) -> tuple[Masses, Masses]:
    """Masses of the same groups on both sides: the finite values, then NaN and the two infinities."""
    finite = standard_masses(before, after) if standard else _equal_mass(before, after)
    sides = []
    for mass, feature in zip(finite, (before, after), strict=True):
        numbers = feature.numbers
        assert numbers is not None
        sides.append(np.array([*mass, numbers.nan, numbers.positive_infinite, numbers.negative_infinite], np.float64))
    return sides[0], sides[1]


def _equal_mass(before: FeatureStatistics, after: FeatureStatistics) -> tuple[Masses, Masses]:
    assert before.numbers is not None
    assert after.numbers is not None
    base, new = _common(before.numbers.distribution, after.numbers.distribution)
    if not base.sum() or not new.sum():
        return base, new
    groups = equal_mass_groups(base, new, GROUPS)
    count = int(groups.max()) + 1
    return (
        np.bincount(groups, base, count).astype(np.float64),
        np.bincount(groups, new, count).astype(np.float64),
    )


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
