"""Anomalies: where the data is not as the schema says, each with a stable reason and a severity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """What an anomaly does: an error stops, a warning goes on and is reported."""

    ERROR = "error"
    WARNING = "warning"


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
    """Fewer rows have a value than ``min_fraction`` demands; a NaN is no value."""
    OUT_OF_DOMAIN = "OUT_OF_DOMAIN"
    """Values that are not listed."""
    OUT_OF_RANGE = "OUT_OF_RANGE"
    """Values below ``min`` or above ``max``, infinities included."""
    NOT_FINITE = "NOT_FINITE"
    """NaN or infinite values among floats."""
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
    if reason in (Reason.NEW_COLUMN, Reason.NOT_FINITE, Reason.DRIFT_UNDEFINED)
    else Severity.ERROR
    for reason in Reason
}


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
    def has_errors(self) -> bool:
        """Whether something stops."""
        return bool(self.errors)

    def to_json(self) -> dict[str, Any]:
        """``{"num_rows", "errors", "warnings", "anomalies": [...]}``, plain JSON values."""
        return {
            "num_rows": self.num_rows,
            "errors": len(self.errors),
            "warnings": len(self.warnings),
            "anomalies": [anomaly.to_json() for anomaly in self.anomalies],
        }
