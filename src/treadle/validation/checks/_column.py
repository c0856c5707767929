"""The checks of one feature: a function each, which says what it finds and why, not how bad it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from treadle.schema import Feature
from treadle.statistics import FeatureStatistics
from treadle.validation._anomaly import Reason
from treadle.validation._finding import Finding, percent

_SHOWN = 5
_EPOCH = datetime(1970, 1, 1)  # naive on purpose: wall-clock time without a zone


def check_type(feature: Feature, measured: FeatureStatistics) -> Iterator[Finding]:
    """The values are of the declared type, or of one that holds nothing else."""
    if not fits_type(feature, measured):
        items = measured.nested.inside.get("[]") if measured.type == "list" and measured.nested is not None else None
        found = measured.type if items is None else f"lists of {items.type}"
        declared = f"lists of {feature.type}" if feature.list else feature.type
        yield Finding(
            Reason.WRONG_TYPE,
            f"Values are of type {found} where the schema declares {declared}.",
            {"declared": declared, "found": found},
        )


def fits_type(feature: Feature, measured: FeatureStatistics) -> bool:
    """Integers may stand for floats, and for truth values if they are 0 and 1; strings for bytes."""
    if not feature.list:
        return _fits(feature.type, measured)
    items = measured.nested.inside["[]"] if measured.type == "list" and measured.nested is not None else None
    return measured.type == "null" or (items is not None and _fits(feature.type, items))


def _fits(type: str, measured: FeatureStatistics) -> bool:
    if measured.type in (type, "null"):
        return True
    if type == "bool" and measured.type == "int":
        return set(measured.value_counts() or {2: 1}) <= {0, 1}
    return (type, measured.type) in (("float", "int"), ("bytes", "string"))


def fields_of(measured: FeatureStatistics) -> Mapping[str, FeatureStatistics] | None:
    """The fields of a struct, or of the structs in lists; ``None`` if there are none of either."""
    nested = measured.nested
    if nested is not None and measured.type == "list":
        nested = nested.inside["[]"].nested if nested.inside["[]"].type == "struct" else None
    return nested.inside if nested is not None else None


def check_presence(feature: Feature, measured: FeatureStatistics) -> Iterator[Finding]:
    """Enough rows have a value. A NaN is no value."""
    rows = measured.count + measured.missing
    present = measured.count - (measured.nan or 0)
    if rows and present < feature.min_fraction * rows:
        share = present / rows
        yield Finding(
            Reason.LOW_PRESENCE,
            f"{percent(1 - share)} of the values are missing; the schema allows {percent(1 - feature.min_fraction)}.",
            {"fraction": share, "min_fraction": feature.min_fraction},
        )
    elif feature.min_count is not None and present < feature.min_count:
        yield Finding(
            Reason.LOW_PRESENCE,
            f"{present} values are there; the schema demands {feature.min_count}.",
            {"count": present, "min_count": feature.min_count},
        )


def check_domain(feature: Feature, measured: FeatureStatistics) -> Iterator[Finding]:
    """The values are among those listed; those of lists are asked one by one, elsewhere."""
    if feature.values is None or not measured.count or feature.list:
        return
    allowed = set(feature.values)
    counts = known_counts(measured)
    strange = {value: count for value, count in counts.items() if value not in allowed}
    # what is not counted one by one is not in the list either: a list is shorter than the limit of counting
    outside = measured.count - sum(count for value, count in counts.items() if value in allowed)
    share = outside / measured.count
    if outside and share > 1 - feature.min_domain_mass:
        shown = sorted(strange.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN]
        values = ", ".join(f"{value!r} ({count})" for value, count in shown) or "too many to count"
        more = f" and {len(strange) - len(shown)} more" if len(strange) > len(shown) else ""
        yield Finding(
            Reason.OUT_OF_DOMAIN,
            f"{percent(share)} of the values are not in the domain: {values}{more}.",
            {"count": outside, "share": share, "values": [list(item) for item in shown]},
        )


def check_range(feature: Feature, measured: FeatureStatistics) -> Iterator[Finding]:
    """The values lie between the least and the largest allowed."""
    if measured.numbers is None or (feature.min is None and feature.max is None):
        return
    numbers = measured.numbers
    total = numbers.count - numbers.nan
    below = 0 if feature.min is None else _count_below(measured, feature.min)
    above = 0 if feature.max is None else _count_above(measured, feature.max)
    outside = below + above
    if not outside or outside / total <= 1 - feature.min_domain_mass:
        return
    bounds = [
        f"{count} {word} {_shown(bound)}"
        for count, word, bound in ((below, "below", feature.min), (above, "above", feature.max))
        if count
    ]
    yield Finding(
        Reason.OUT_OF_RANGE,
        f"{percent(outside / total)} of the values are out of range: {', '.join(bounds)}"
        f" (they run from {_shown(measured.min)} to {_shown(measured.max)}).",
        {
            "below": below,
            "above": above,
            "share": outside / total,
            "min": _plain(measured.min),
            "max": _plain(measured.max),
        },
    )


def check_finite(feature: Feature, measured: FeatureStatistics) -> Iterator[Finding]:  # noqa: ARG001
    """No NaN and no infinity among floats."""
    nan, infinite = measured.nan or 0, measured.infinite or 0
    if nan or infinite:
        yield Finding(
            Reason.NOT_FINITE,
            f"{nan} values are NaN and {infinite} are infinite.",
            {"nan": nan, "infinite": infinite},
        )


def known_counts(measured: FeatureStatistics) -> dict[Any, int]:
    """Value -> count of the values that are counted by name; too small by a known shortfall where they are many."""
    exact = measured.value_counts()
    if exact is not None:
        return dict(exact)
    if measured.type == "string" and measured.text:
        categories = measured.text.categories
        return dict(zip(categories.values.to_pylist(), categories.counts.tolist(), strict=True))
    return {}


def _count_below(measured: FeatureStatistics, bound: Any) -> int:
    assert measured.numbers is not None
    least = measured.min
    if least is None or least >= bound:
        return measured.numbers.negative_infinite
    _, high = measured.numbers.distribution.intervals()
    counts = measured.numbers.distribution.counts
    inside = int(counts[high < _number(bound)].sum())
    # of an interval that the bound divides, at least the least value of all is outside
    return max(inside, 1) + measured.numbers.negative_infinite


def _count_above(measured: FeatureStatistics, bound: Any) -> int:
    assert measured.numbers is not None
    most = measured.max
    if most is None or most <= bound:
        return measured.numbers.positive_infinite
    low, _ = measured.numbers.distribution.intervals()
    inside = int(measured.numbers.distribution.counts[low > _number(bound)].sum())
    return max(inside, 1) + measured.numbers.positive_infinite


def _number(bound: Any) -> Any:
    if isinstance(bound, datetime):
        return np.float64((bound - _EPOCH) // timedelta(microseconds=1))
    return bound


def _shown(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else f"{value}"


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
