"""Rows of a table as JSON would bring them in a request."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from treadle.schema import Feature


def request_columns(table: pa.Table, features: Iterable[Feature], *, finite: bool = False) -> dict[str, list[object]]:
    """``{name: [value, ...]}`` of the features that the table has, as JSON would carry them.

    JSON has no NaN and no infinities: with ``finite`` they become ``None``.
    """
    names = set(table.schema.names)
    return {
        feature.name: [_request_value(value, finite) for value in table.column(feature.name).to_pylist()]
        for feature in features
        if feature.name in names
    }


def _request_value(value: object, finite: bool) -> object:
    if isinstance(value, list):
        return [_request_value(item, finite) for item in value]
    if isinstance(value, dict):
        return {name: _request_value(inner, finite) for name, inner in value.items()}
    if isinstance(value, float) and finite:
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return {"b64": base64.b64encode(value).decode()}
    return value
