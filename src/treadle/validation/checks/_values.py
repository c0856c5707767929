"""The checks of values one by one, by their counts: form, length, meaning, how many differ, how classes are mixed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa

from treadle.schema import Feature
from treadle.statistics import FeatureStatistics
from treadle.validation._anomaly import Reason
from treadle.validation._finding import Finding, percent
from treadle.validation._values import value_faults
from treadle.validation.checks._column import check_domain, check_finite, check_presence, check_range

_SHOWN = 5
_CLASS_SHARE = 0.05
# three times the standard error of an estimate of the distinct values
_UNIQUE_ERROR = 0.05
_MOST_CLASSES = 20
_WORDS = {
    Reason.NO_MATCH: "do not match the pattern",
    Reason.WRONG_LENGTH: "have the wrong length",
    Reason.WORD_COUNT: "have too few or too many words",
    Reason.NOT_SEMANTIC: "are no {semantic}",
}


def check_form(feature: Feature, measured: FeatureStatistics) -> Iterator[Finding]:
    """Strings match, have the length, and are what they should stand for."""
    if measured.type not in ("string", "bytes", "int") or feature.list or not measured.count:
        return
    for reason, wrong, values, counts in _form_faults(feature, measured):
        outside = int(counts[wrong].sum())
        if outside / measured.count <= 1 - feature.min_domain_mass:
            continue
        order = np.lexsort((np.arange(len(counts)), -np.where(wrong, counts, 0)))[: min(_SHOWN, int(wrong.sum()))]
        shown = [[_plain(values[int(place)].as_py()), int(counts[place])] for place in order]
        words = _WORDS[reason].format(semantic=feature.semantic)
        named = ", ".join(f"{value!r} ({count})" for value, count in shown)
        details = {"count": outside, "share": outside / measured.count, "values": shown}
        yield Finding(reason, f"{percent(outside / measured.count)} of the values {words}: {named}.", details)


def check_items(feature: Feature, measured: FeatureStatistics) -> Iterator[Finding]:
    """Lists have as many items as they should, and items are what they should be."""
    if not feature.list or measured.nested is None or measured.lengths is None or not measured.count:
        return
    least, most = feature.items
    low, high = measured.lengths.intervals()
    counts = measured.lengths.counts
    for reason, words, limit, beyond in (
        (Reason.FEW_ITEMS, "fewer", least, None if least is None else high < least),
        (Reason.MANY_ITEMS, "more", most, None if most is None else low > most),
    ):
        outside = 0 if beyond is None else int(counts[beyond].sum())
        if outside:
            details = {"count": outside, "limit": limit, "min": measured.min_length, "max": measured.max_length}
            message = f"{outside} lists have {words} than {limit} items."
            yield Finding(reason, message, details)
    items = measured.nested.inside["[]"]
    meaning = None if feature.semantic == "embedding" else feature.semantic  # which a list has, and no item
    single = replace(feature, list=False, semantic=meaning, shape=None, min_items=None, max_items=None)
    for check in (check_domain, check_range, check_finite, check_form):
        for finding in check(single, items):
            yield Finding(finding.reason, f"Of the items: {finding.message}", finding.details)


def check_unique(feature: Feature, measured: FeatureStatistics) -> Iterator[Finding]:
    """No value twice; neither too few nor too many distinct values."""
    distinct = measured.unique
    if distinct is None or not measured.count:
        if feature.unique or feature.min_unique is not None or feature.max_unique is not None:
            what = f"Values of type {measured.type} are not counted as values."
            yield Finding(Reason.NOT_MEASURED, what, {"constraint": "unique"})
        return
    about = "" if measured.exact else "about "
    counted = measured.count - (measured.nan or 0) - (measured.infinite or 0)
    # an estimate is no proof: beyond the limit of counting the answer is in the rows
    if feature.unique and measured.exact and distinct < counted:
        twice = counted - distinct
        repeated = [[value, count] for value, count in (measured.top_values or []) if count > 1][:_SHOWN]
        details = {"repeated": twice, "values": repeated}
        yield Finding(Reason.NOT_UNIQUE, f"{twice} of {counted} values occurred before; none may.", details)
    if feature.unique and not measured.exact:
        yield Finding(
            Reason.NOT_MEASURED,
            "Too many values to know from statistics whether one occurs twice.",
            {"unique": distinct},
        )
    for reason, words, limit, sign in (
        (Reason.FEW_UNIQUE, "at least", feature.min_unique, 1),
        (Reason.MANY_UNIQUE, "at most", feature.max_unique, -1),
    ):
        if limit is None:
            continue
        if not measured.exact and abs(distinct - limit) <= _UNIQUE_ERROR * limit:
            message = f"There are about {distinct} distinct values, too many to say whether it is {words} {limit}."
            yield Finding(Reason.NOT_MEASURED, message, {"unique": distinct, "limit": limit})
        elif sign * distinct < sign * limit:
            message = f"There are {about}{distinct} distinct values; the schema wants {words} {limit}."
            yield Finding(reason, message, {"unique": distinct, "limit": limit, "exact": measured.exact})


def check_classes(feature: Feature, measured: FeatureStatistics, *, label: bool = False) -> Iterator[Finding]:
    """Every class occurs often enough."""
    limit = feature.min_class_share
    if limit is None and label and feature.type in ("int", "string", "bool"):
        limit = _CLASS_SHARE
    counts = measured.value_counts()
    if limit is None or not counts or feature.list:
        return
    if feature.min_class_share is None and len(counts) > _MOST_CLASSES:
        return
    expected = feature.values or ((False, True) if feature.type == "bool" else ())
    shares: dict[object, float] = {
        value: counts.get(value, 0)  # type: ignore[arg-type]
        / measured.count
        for value in dict.fromkeys([*expected, *counts])
    }
    if len(shares) == 1:
        (value,) = shares
        yield Finding(Reason.CLASS_IMBALANCE, f"There is one class, {value!r}.", {"shares": [[_plain(value), 1.0]]})
        return
    rare = {value: share for value, share in shares.items() if share < limit}
    if rare:
        shown = sorted(rare.items(), key=lambda item: (item[1], str(item[0])))[:_SHOWN]
        named = ", ".join(f"{value!r} ({percent(share)})" for value, share in shown)
        details = {"shares": [[_plain(value), share] for value, share in shown], "limit": limit}
        yield Finding(Reason.CLASS_IMBALANCE, f"Classes that make less than {percent(limit)}: {named}.", details)


CHECKS: tuple[Callable[[Feature, FeatureStatistics], Iterator[Finding]], ...] = (
    check_presence,
    check_domain,
    check_range,
    check_finite,
    check_form,
    check_items,
    check_unique,
)
"""What is asked of every feature whose type fits."""


def _form_faults(
    feature: Feature, measured: FeatureStatistics
) -> Iterator[tuple[Reason, np.ndarray, pa.Array, np.ndarray]]:
    if measured.text is not None:
        values, counts = measured.text.categories.values, measured.text.categories.counts
        if feature.type == "bytes" and pa.types.is_string(values.type):
            values = values.cast(pa.binary())
    else:
        known = measured.value_counts()
        if known is None or feature.semantic is None:
            return
        values, counts = pa.array(list(known), pa.int64()), np.array(list(known.values()))
    for reason, wrong in value_faults(feature, values):
        if reason in _WORDS:
            yield reason, wrong, values, counts


def _plain(value: object) -> object:
    return value.hex() if isinstance(value, bytes) else value
