"""The least change of a schema under which given data pass."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from treadle.schema import Feature, Schema
from treadle.statistics import FeatureStatistics, Statistics
from treadle.validation._anomaly import Anomaly, Reason, Severity
from treadle.validation._infer import infer_feature
from treadle.validation._validate import validate
from treadle.validation.checks import MEASURES, known_counts

MOST_NEW_VALUES = 100


@dataclass(frozen=True, slots=True)
class Relaxed:
    """A schema that is wider than the one before."""

    schema: Schema
    """The schema under which the data pass, but for what is left."""
    left: tuple[Anomaly, ...]
    """The anomalies that no change of the schema should take away: other types, no rows, rules that do not hold."""


def relax(
    schema: Schema,
    statistics: Statistics,
    *,
    baseline: Statistics | None = None,
    environment: str | None = None,
    absent: Mapping[str, Sequence[object]] | None = None,
    warnings: bool = False,
) -> Relaxed:
    """Widen a schema by the least under which the data pass.

    Domains take in the values that were seen, ranges reach to the extremes, shares fall to what was measured; columns
    that are new are added, not required; the drift thresholds rise to the distances. More than 100 new values open a
    domain. A type is widened from ``int`` to ``float`` only. What stops is relaxed; warnings stay.

    Args:
        schema: What should have been.
        statistics: What was measured.
        baseline: Statistics of before, for drift.
        environment: The environment the data comes from.
        absent: Columns that are there in a part of the data only.
        warnings: Relax what only warns, too.
    """
    names: dict[str, Any] = {"baseline": baseline, "environment": environment, "absent": absent}
    for _ in range(_ROUNDS):
        report = validate(statistics, schema, **names)
        wanted = [anomaly for anomaly in report.anomalies if warnings or anomaly.severity is Severity.ERROR]
        before = schema
        left = []
        for anomaly in _first_things(wanted):
            found = _relaxed(schema, anomaly, statistics)
            if found is not None and anomaly.feature is not None:
                schema = schema.with_feature(anomaly.feature, found)
            else:
                left.append(anomaly)
        schema = replace(schema, rows=_row_limits(schema, wanted, statistics, baseline))
        left = [anomaly for anomaly in left if anomaly.reason not in _ROW_LIMITS]
        if schema == before:
            break
    return Relaxed(schema, tuple(left))


# a wider type shows what its values break, a smaller mass makes other changes needless; then nothing is left to find
_ROUNDS = 6
_MASS = (Reason.NO_MATCH, Reason.NOT_SEMANTIC, Reason.WORD_COUNT)
_ROW_LIMITS = (Reason.FEW_ROWS, Reason.MANY_ROWS, Reason.ROWS_SHRANK, Reason.ROWS_GREW)
_DRIFT = {reason: measure for measure, (reason, _) in MEASURES.items()}


def _first_things(wanted: Sequence[Anomaly]) -> list[Anomaly]:
    """What is mended in this round: of a feature whose mass must fall, that first, for it may settle the rest."""
    massive = {anomaly.feature for anomaly in wanted if anomaly.reason in _MASS}
    return [anomaly for anomaly in wanted if anomaly.feature not in massive or anomaly.reason in _MASS]


def _relaxed(schema: Schema, anomaly: Anomaly, statistics: Statistics) -> Feature | None:
    path, reason = anomaly.feature, anomaly.reason
    if path is None:
        return None
    measured = statistics.features.get(path) or statistics.paths.get(path)
    feature = schema.paths.get(path)
    if feature is None:
        if reason is not Reason.NEW_COLUMN or measured is None:
            return None
        added = infer_feature(path if path in statistics.features else _name_in_struct(schema, path), measured)
        return added and replace(added, required=False)
    if reason is Reason.MISSING_COLUMN:
        return replace(feature, required=False)
    if reason is Reason.WRONG_TYPE:
        return _wider_type(feature, measured)
    if reason in _DRIFT:
        return replace(feature, **{_DRIFT[reason]: anomaly.details["distance"]})
    if measured is None:
        return None
    return _wider(feature, anomaly, measured)


def _name_in_struct(schema: Schema, path: str) -> str:
    structs = [f"{at}[]." if chain[-1].list else f"{at}." for at, chain in schema.chains.items() if chain[-1].fields]
    return path.removeprefix(max((each for each in structs if path.startswith(each)), key=len))


def _wider_type(feature: Feature, measured: FeatureStatistics | None) -> Feature | None:
    if feature.list and measured is not None and measured.nested is not None:
        measured = measured.nested.inside.get("[]")
    if measured is None or (feature.type, measured.type) != ("int", "float"):
        return None
    return replace(feature, type="float", values=None, l_infinity=None, min_class_share=None)


def _wider(feature: Feature, anomaly: Anomaly, measured: FeatureStatistics) -> Feature | None:
    reason, details = anomaly.reason, anomaly.details
    if reason is Reason.LOW_PRESENCE:
        present = measured.count - (measured.nan or 0)
        share = present / max(measured.count + measured.missing, 1)
        count = feature.min_count
        fraction = min(feature.min_fraction, share)
        return replace(feature, min_fraction=fraction, min_count=count and min(count, present))
    if reason in (Reason.FEW_ITEMS, Reason.MANY_ITEMS):
        return _with_items(feature, measured)
    if feature.list and measured.nested is not None:
        measured = measured.nested.inside["[]"]
    if reason is Reason.OUT_OF_DOMAIN:
        return _with_values(feature, measured)
    if reason is Reason.OUT_OF_RANGE:
        return _with_range(feature, measured)
    if reason is Reason.NOT_FINITE:
        return replace(feature, severity={**feature.severity, "NOT_FINITE": "warning"})
    if reason is Reason.WRONG_LENGTH:
        shortest, longest = _lengths(feature, measured)
        return replace(feature, min_length=shortest, max_length=longest)
    if reason in _MASS:
        mass = 1 - details["share"]
        if details["share"] > 1 - mass:  # but for the last bit
            mass = math.nextafter(mass, 0)
        return replace(feature, min_domain_mass=max(0.0, min(feature.min_domain_mass, mass)))
    if reason is Reason.NOT_UNIQUE:
        return replace(feature, unique=False) if feature.unique else None
    if reason is Reason.FEW_UNIQUE:
        return replace(feature, min_unique=measured.unique)
    if reason is Reason.MANY_UNIQUE:
        return replace(feature, max_unique=measured.unique)
    if reason is Reason.LOW_COVERAGE:
        return replace(feature, min_coverage=details["coverage"])
    if reason is Reason.SHORT_WORDS:
        return replace(feature, min_word_length=details["mean"])
    if reason is Reason.CLASS_IMBALANCE and feature.min_class_share is not None:
        return replace(feature, min_class_share=min(share for _, share in details["shares"]))
    return None


def _with_values(feature: Feature, measured: FeatureStatistics) -> Feature:
    assert feature.values is not None
    seen = [value for value in known_counts(measured) if value not in feature.values]
    if not measured.exact or len(seen) > MOST_NEW_VALUES:
        return replace(feature, values=None)
    return replace(feature, values=(*feature.values, *sorted(seen)))


def _with_range(feature: Feature, measured: FeatureStatistics) -> Feature:
    numbers = measured.numbers
    assert numbers is not None
    low, high = feature.min, feature.max
    least, most = measured.min, measured.max
    if low is not None:
        below = least is not None and least < low  # type: ignore[operator]
        low = None if numbers.negative_infinite else _bound(feature, least) if below else low
    if high is not None:
        above = most is not None and most > high  # type: ignore[operator]
        high = None if numbers.positive_infinite else _bound(feature, most) if above else high
    return replace(feature, min=low, max=high)


def _with_items(feature: Feature, measured: FeatureStatistics) -> Feature:
    (least, most), (shortest, longest) = feature.items, (measured.min_length, measured.max_length)
    least = least if least is None or shortest is None else min(least, shortest)
    most = most if most is None or longest is None else max(most, longest)
    return replace(feature, shape=None, min_items=least, max_items=most)


def _bound(feature: Feature, value: Any) -> Any:
    if isinstance(value, datetime) or feature.type == "int":
        return value
    return int(value) if value == int(value) and abs(value) < 2**53 else value


def _lengths(feature: Feature, measured: FeatureStatistics) -> tuple[int | None, int | None]:
    shortest, longest = measured.min_length, measured.max_length
    low, high = feature.min_length, feature.max_length
    return (
        low if low is None or shortest is None else min(low, shortest),
        high if high is None or longest is None else max(high, longest),
    )


def _row_limits(schema: Schema, wanted: Sequence[Anomaly], now: Statistics, base: Statistics | None) -> Any:
    limits = schema.rows
    ratio = now.num_rows / base.num_rows if base is not None and base.num_rows else None
    fields: dict[Reason, tuple[str, Any]] = {
        Reason.FEW_ROWS: ("min", now.num_rows),
        Reason.MANY_ROWS: ("max", now.num_rows),
        Reason.ROWS_SHRANK: ("min_ratio", ratio),
        Reason.ROWS_GREW: ("max_ratio", ratio),
    }
    for anomaly in wanted:
        if anomaly.reason in fields:
            field, value = fields[anomaly.reason]
            limits = replace(limits, **{field: value})
    return limits
