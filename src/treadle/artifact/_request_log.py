"""The request log on disk: written by the server, read by monitoring.

    <log>/<model name>/segment-<first time>-<number>.parquet    sealed: whole, never changed again
    <log>/<model name>/segment-<first time>-<number>.open       being written; readers leave it alone

A sealed segment is one Parquet file: the raw features of the requests under their own names, in the order and
with the Arrow types of the servable's schema, then the five columns below. ``<first time>`` is the server's
clock at the segment's first row (UTC, microseconds), so that names sort by time. The file's key-value metadata
holds the format version under ``treadle.format``.
"""

from __future__ import annotations

from pathlib import Path

REQUEST_LOG_FORMAT = "treadle.request-log/1"
"""Format version; the value of ``treadle.format`` in a segment's metadata."""

PREDICTION_ID_COLUMN = "__prediction_id__"
"""string: the id that came with the request or was given in the answer; labels are joined by it."""
PREDICTION_COLUMN = "__prediction__"
"""float32: the answer; P(positive) or the value."""
VERSION_COLUMN = "__version__"
"""int64: the model version that answered; 0 where a single servable without a number is served."""
TIME_COLUMN = "__time__"
"""timestamp[us, UTC]: the server's clock when it answered. Event time is a feature, not this."""
FINDINGS_COLUMN = "__findings__"
"""int32: how many values of the row were null, out of domain or out of range."""

REQUEST_LOG_COLUMNS = (PREDICTION_ID_COLUMN, PREDICTION_COLUMN, VERSION_COLUMN, TIME_COLUMN, FINDINGS_COLUMN)
"""The columns that follow the features, in this order."""


def sealed_segments(log: Path, model: str) -> list[Path]:
    """The sealed segments of one model, oldest first; none where the model has no log yet."""
    return sorted((log / model).glob("segment-*.parquet"))
