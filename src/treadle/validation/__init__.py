"""Is this batch, this request or this stream as expected? ``statistics`` measures, this room decides."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from treadle.validation._anomaly import ROW_REASONS, Anomaly, AnomalyReport, Reason, Severity

if TYPE_CHECKING:
    from treadle.validation._advice import Advice, Hunch, advise
    from treadle.validation._drift import Distance, drift
    from treadle.validation._drift_checks import MEASURES, exceeded
    from treadle.validation._infer import infer_schema
    from treadle.validation._lineage import lineage_of, mark_lineage
    from treadle.validation._relax import Relaxed, relax
    from treadle.validation._request import Findings, RequestChecker
    from treadle.validation._rows import RowFindings, check_rows
    from treadle.validation._set_aside import Parted, set_aside
    from treadle.validation._skew import FeatureSkew, Joined, SkewReport, feature_skew
    from treadle.validation._source import SourceLimits, SpanSeen, check_source
    from treadle.validation._support import Coverage, outside_support
    from treadle.validation._validate import validate

__all__ = [
    "MEASURES",
    "ROW_REASONS",
    "Advice",
    "Anomaly",
    "AnomalyReport",
    "Coverage",
    "Distance",
    "FeatureSkew",
    "Findings",
    "Hunch",
    "Joined",
    "Parted",
    "Reason",
    "Relaxed",
    "RequestChecker",
    "RowFindings",
    "Severity",
    "SkewReport",
    "SourceLimits",
    "SpanSeen",
    "advise",
    "check_rows",
    "check_source",
    "drift",
    "exceeded",
    "feature_skew",
    "infer_schema",
    "lineage_of",
    "mark_lineage",
    "outside_support",
    "relax",
    "set_aside",
    "validate",
]

# a server checks requests and needs none of the rest
_LATER = {
    **dict.fromkeys(("Advice", "Hunch", "advise"), "_advice"),
    **dict.fromkeys(("Distance", "drift"), "_drift"),
    **dict.fromkeys(("MEASURES", "exceeded"), "_drift_checks"),
    "infer_schema": "_infer",
    **dict.fromkeys(("lineage_of", "mark_lineage"), "_lineage"),
    **dict.fromkeys(("Relaxed", "relax"), "_relax"),
    **dict.fromkeys(("Findings", "RequestChecker"), "_request"),
    **dict.fromkeys(("RowFindings", "check_rows"), "_rows"),
    **dict.fromkeys(("Parted", "set_aside"), "_set_aside"),
    **dict.fromkeys(("FeatureSkew", "Joined", "SkewReport", "feature_skew"), "_skew"),
    **dict.fromkeys(("SourceLimits", "SpanSeen", "check_source"), "_source"),
    **dict.fromkeys(("Coverage", "outside_support"), "_support"),
    "validate": "_validate",
}


def __getattr__(name: str) -> object:
    if name in _LATER:
        found = getattr(importlib.import_module(f"treadle.validation.{_LATER[name]}"), name)
        globals()[name] = found
        return found
    raise AttributeError(f"module 'treadle.validation' has no attribute {name!r}")
