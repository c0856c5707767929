"""Is this batch, this request or this stream as expected? ``statistics`` measures, this room decides."""

from treadle.validation._anomaly import Anomaly, AnomalyReport, Reason, Severity
from treadle.validation._drift import Distance, drift
from treadle.validation._infer import infer_schema
from treadle.validation._request import Findings, RequestChecker
from treadle.validation._validate import validate

__all__ = [
    "Anomaly",
    "AnomalyReport",
    "Distance",
    "Findings",
    "Reason",
    "RequestChecker",
    "Severity",
    "drift",
    "infer_schema",
    "validate",
]
