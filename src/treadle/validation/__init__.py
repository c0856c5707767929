"""Is this batch, this request or this stream as expected? ``statistics`` measures, this room decides."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from treadle.validation._anomaly import ROW_REASONS, Anomaly, AnomalyReport, Reason, Severity

if TYPE_CHECKING:
    from treadle.validation._infer import infer_schema
    from treadle.validation._relax import Relaxed, relax
    from treadle.validation._validate import validate
    from treadle.validation.advice import Advice, Hunch, advise
    from treadle.validation.checks import MEASURES, exceeded
    from treadle.validation.distances import Distance, drift
    from treadle.validation.origin import (
        SourceLimits,
        SpanSeen,
        check_source,
        lineage_of,
        lineage_of_files,
        mark_lineage,
    )
    from treadle.validation.request import Findings, RequestChecker
    from treadle.validation.rows import (
        Coverage,
        FeatureSkew,
        Joined,
        Parted,
        RowFindings,
        SkewReport,
        check_rows,
        feature_skew,
        outside_support,
        set_aside,
    )

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
    "lineage_of_files",
    "mark_lineage",
    "outside_support",
    "relax",
    "set_aside",
    "validate",
]

# a server checks requests and needs none of the rest
_LATER = {
    **dict.fromkeys(("Advice", "Hunch", "advise"), "advice"),
    **dict.fromkeys(("Distance", "drift"), "distances"),
    **dict.fromkeys(("MEASURES", "exceeded"), "checks"),
    "infer_schema": "_infer",
    **dict.fromkeys(("lineage_of", "lineage_of_files", "mark_lineage"), "origin"),
    **dict.fromkeys(("Relaxed", "relax"), "_relax"),
    **dict.fromkeys(("Findings", "RequestChecker"), "request"),
    **dict.fromkeys(("RowFindings", "check_rows"), "rows"),
    **dict.fromkeys(("Parted", "set_aside"), "rows"),
    **dict.fromkeys(("FeatureSkew", "Joined", "SkewReport", "feature_skew"), "rows"),
    **dict.fromkeys(("SourceLimits", "SpanSeen", "check_source"), "origin"),
    **dict.fromkeys(("Coverage", "outside_support"), "rows"),
    "validate": "_validate",
}


def __getattr__(name: str) -> object:
    if name in _LATER:
        found = getattr(importlib.import_module(f"treadle.validation.{_LATER[name]}"), name)
        globals()[name] = found
        return found
    raise AttributeError(f"module 'treadle.validation' has no attribute {name!r}")
