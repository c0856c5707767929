"""Artifacts: what nodes make, as typed directories of bytes addressed by their digest.

A type says, in its docstring, which files a directory of that type holds. The bytes decide the digest; run ids,
times and machine names never enter them, so the same inputs give the same artifact anywhere.
"""

from treadle.artifact._annotations import File, Output
from treadle.artifact._canonical import canonical_json
from treadle.artifact._digest import digest_bytes, digest_file, digest_tree, read_listing, tree_listing
from treadle.artifact._request_log import (
    FINDINGS_COLUMN,
    PREDICTION_COLUMN,
    PREDICTION_ID_COLUMN,
    REQUEST_LOG_COLUMNS,
    REQUEST_LOG_FORMAT,
    TIME_COLUMN,
    VERSION_COLUMN,
    sealed_segments,
)
from treadle.artifact._types import (
    Anomalies,
    Artifact,
    Evaluation,
    Examples,
    FeatureSelection,
    Log,
    Model,
    Pushed,
    SchemaArtifact,
    ServableArtifact,
    StatisticsArtifact,
    TransformedExamples,
    TransformGraphArtifact,
    Value,
    Verdict,
)
from treadle.artifact._view import show_with

__all__ = [
    "FINDINGS_COLUMN",
    "PREDICTION_COLUMN",
    "PREDICTION_ID_COLUMN",
    "REQUEST_LOG_COLUMNS",
    "REQUEST_LOG_FORMAT",
    "TIME_COLUMN",
    "VERSION_COLUMN",
    "Anomalies",
    "Artifact",
    "Evaluation",
    "Examples",
    "FeatureSelection",
    "File",
    "Log",
    "Model",
    "Output",
    "Pushed",
    "SchemaArtifact",
    "ServableArtifact",
    "StatisticsArtifact",
    "TransformGraphArtifact",
    "TransformedExamples",
    "Value",
    "Verdict",
    "canonical_json",
    "digest_bytes",
    "digest_file",
    "digest_tree",
    "read_listing",
    "sealed_segments",
    "show_with",
    "tree_listing",
]
