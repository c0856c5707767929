"""Anomalies: where the data is not as the schema says, each with a stable reason and a severity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from html import escape
from typing import Any


class Severity(StrEnum):
    """What an anomaly does."""

    ERROR = "error"
    """It stops."""
    WARNING = "warning"
    """It goes on and is reported."""
    QUARANTINE = "quarantine"
    """The rows are set aside and the others go on. Only where somebody does set rows aside; elsewhere it stops."""


class Reason(StrEnum):
    """Why the data is not as the schema says. The names are stable; a schema's ``severity`` is keyed by them."""

    NO_ROWS = "NO_ROWS"
    """The data set has no rows."""
    MISSING_COLUMN = "MISSING_COLUMN"
    """A required column is not there."""
    NEW_COLUMN = "NEW_COLUMN"
    """A column that the schema does not know."""
    WRONG_TYPE = "WRONG_TYPE"
    """The values are of another type."""
    LOW_PRESENCE = "LOW_PRESENCE"
    """Fewer rows have a value than ``min_fraction`` or ``min_count`` demands; a NaN is no value."""
    OUT_OF_DOMAIN = "OUT_OF_DOMAIN"
    """Values that are not listed."""
    OUT_OF_RANGE = "OUT_OF_RANGE"
    """Values below ``min`` or above ``max``, infinities included."""
    NOT_FINITE = "NOT_FINITE"
    """NaN or infinite values among floats."""
    NO_MATCH = "NO_MATCH"
    """Strings that do not match the pattern."""
    WRONG_LENGTH = "WRONG_LENGTH"
    """Strings or bytes that are too short or too long."""
    WORD_COUNT = "WORD_COUNT"
    """Strings of too few or too many words."""
    LOW_COVERAGE = "LOW_COVERAGE"
    """Too small a share of the words is in the vocabulary."""
    SHORT_WORDS = "SHORT_WORDS"
    """The words are too short on average to be text."""
    NOT_SEMANTIC = "NOT_SEMANTIC"
    """Values that are not what ``semantic`` says: a URL, a time, an image."""
    FEW_ITEMS = "FEW_ITEMS"
    """Lists that are too short."""
    MANY_ITEMS = "MANY_ITEMS"
    """Lists that are too long."""
    NOT_UNIQUE = "NOT_UNIQUE"
    """Values that occur more than once."""
    FEW_UNIQUE = "FEW_UNIQUE"
    """Too few distinct values."""
    MANY_UNIQUE = "MANY_UNIQUE"
    """Too many distinct values."""
    CLASS_IMBALANCE = "CLASS_IMBALANCE"
    """A class that hardly occurs, or not at all."""
    LABEL_SHIFT = "LABEL_SHIFT"
    """The classes of the label occur in other shares than in the baseline."""
    FEW_ROWS = "FEW_ROWS"
    """Fewer rows than the schema demands."""
    MANY_ROWS = "MANY_ROWS"
    """More rows than the schema allows."""
    ROWS_SHRANK = "ROWS_SHRANK"
    """Far fewer rows than the baseline has."""
    ROWS_GREW = "ROWS_GREW"
    """Far more rows than the baseline has."""
    RULE = "RULE"
    """A rule of the schema, or of the caller, does not hold."""
    UPSTREAM_CHANGED = "UPSTREAM_CHANGED"
    """The column comes from another model than the schema says."""
    NOT_MEASURED = "NOT_MEASURED"
    """A constraint that could not be checked with what was at hand."""
    SOURCE_LATE = "SOURCE_LATE"
    """A span came after it was due, or has not come yet."""
    SOURCE_GAP = "SOURCE_GAP"
    """Spans between others never came."""
    SOURCE_EMPTY = "SOURCE_EMPTY"
    """A span came without rows."""
    SOURCE_SHRANK = "SOURCE_SHRANK"
    """A span has far fewer rows than those before."""
    SOURCE_STALE = "SOURCE_STALE"
    """A span has the content of the one before."""
    SOURCE_STOPPED = "SOURCE_STOPPED"
    """Nothing comes any more."""
    DRIFT_PSI = "DRIFT_PSI"
    """The population stability index is above the threshold."""
    DRIFT_KOLMOGOROV_SMIRNOV = "DRIFT_KOLMOGOROV_SMIRNOV"
    """The Kolmogorov-Smirnov distance is above the threshold."""
    DRIFT_WASSERSTEIN = "DRIFT_WASSERSTEIN"
    """The Wasserstein distance is above the threshold."""
    DRIFT_CRAMERS_V = "DRIFT_CRAMERS_V"
    """The effect of the chi-squared test is above the threshold."""
    DRIFT_L_INFINITY = "DRIFT_L_INFINITY"
    """The L-infinity distance from the baseline is above the threshold."""
    DRIFT_JENSEN_SHANNON = "DRIFT_JENSEN_SHANNON"
    """The Jensen-Shannon divergence from the baseline is above the threshold."""
    DRIFT_MISSING = "DRIFT_MISSING"
    """The share of missing values differs from the baseline's by more than the threshold."""
    DRIFT_UNDEFINED = "DRIFT_UNDEFINED"
    """There is a threshold, but nothing that could be compared with the baseline."""


DEFAULT_SEVERITY: Mapping[Reason, Severity] = {
    reason: Severity.WARNING
    if reason
    in (Reason.NEW_COLUMN, Reason.NOT_FINITE, Reason.DRIFT_UNDEFINED, Reason.NOT_MEASURED, Reason.CLASS_IMBALANCE)
    else Severity.ERROR
    for reason in Reason
}

ROW_REASONS = frozenset(
    {
        *(Reason.LOW_PRESENCE, Reason.OUT_OF_DOMAIN, Reason.OUT_OF_RANGE, Reason.NOT_FINITE, Reason.NO_MATCH),
        *(Reason.WRONG_LENGTH, Reason.NOT_SEMANTIC, Reason.FEW_ITEMS, Reason.MANY_ITEMS, Reason.NOT_UNIQUE),
        *(Reason.WRONG_TYPE, Reason.RULE, Reason.WORD_COUNT),
    }
)
"""The reasons that single rows can have; only these can be set aside."""


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One way in which the data is not as the schema says."""

    feature: str | None
    """The feature, or ``None`` for the whole data set."""
    reason: Reason
    severity: Severity
    message: str
    """One sentence with the numbers."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """The numbers and offending values, JSON-able."""

    def to_json(self) -> dict[str, Any]:
        """The anomaly as JSON-able fields."""
        return {
            "feature": self.feature,
            "reason": self.reason.value,
            "severity": self.severity.value,
            "message": self.message,
            "details": dict(self.details),
        }


@dataclass(frozen=True, slots=True)
class AnomalyReport:
    """All anomalies of a data set, in the order of the schema."""

    anomalies: tuple[Anomaly, ...]
    num_rows: int

    @property
    def errors(self) -> tuple[Anomaly, ...]:
        """The anomalies that stop."""
        return tuple(anomaly for anomaly in self.anomalies if anomaly.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Anomaly, ...]:
        """The anomalies that do not stop."""
        return tuple(anomaly for anomaly in self.anomalies if anomaly.severity is Severity.WARNING)

    @property
    def quarantines(self) -> tuple[Anomaly, ...]:
        """The anomalies whose rows are to be set aside."""
        return tuple(anomaly for anomaly in self.anomalies if anomaly.severity is Severity.QUARANTINE)

    @property
    def has_errors(self) -> bool:
        """Whether something stops."""
        return bool(self.errors)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        colors = {Severity.ERROR: "#b3261e", Severity.WARNING: "#8a5a00", Severity.QUARANTINE: "#7b3fa0"}
        rows = "".join(
            f'<tr><td style="color:{colors[anomaly.severity]}">{anomaly.severity}</td>'
            f"<td><b>{escape(anomaly.feature or '(all)')}</b></td><td>{anomaly.reason}</td>"
            f'<td style="text-align:left">{escape(anomaly.message)}</td></tr>'
            for anomaly in self.anomalies
        )
        table = f"<table><thead><tr><th></th><th>feature</th><th>reason</th><th></th></tr></thead>{rows}</table>"
        found = f"{len(self.errors)} errors, {len(self.warnings)} warnings"
        return f"<div><p>{self.num_rows:,} rows: {found}</p>{table if rows else ''}</div>"

    def to_json(self) -> dict[str, Any]:
        """``{"num_rows", "errors", "warnings", "anomalies": [...]}``, plain JSON values."""
        return {
            "num_rows": self.num_rows,
            "errors": len(self.errors),
            "warnings": len(self.warnings),
            "anomalies": [anomaly.to_json() for anomaly in self.anomalies],
        }
