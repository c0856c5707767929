"""Quarantine: the rows that the policy sets aside, and the others. Rows in are rows out, counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from treadle.errors import UsageError
from treadle.schema import Schema
from treadle.validation._anomaly import ROW_REASONS, Reason, Severity
from treadle.validation._policy import severity_of, to_severity
from treadle.validation._values import Mask
from treadle.validation.rows._rows import RowFindings


@dataclass(frozen=True, slots=True)
class Parted:
    """A table in two."""

    kept: pa.Table
    """The rows that go on, in their order."""
    aside: pa.Table
    """The rows set aside, in their order, with ``__reasons__``: ``feature:REASON`` or ``rule:NAME``, with commas."""
    mask: Mask
    """One truth value a row of the whole: whether it is kept."""
    reasons: dict[str, int]
    """``feature:REASON`` or ``rule:NAME`` -> how many rows; a row may be guilty of several."""


def set_aside(table: pa.Table, findings: RowFindings, schema: Schema, *, environment: str | None = None) -> Parted:
    """Part a table by the policy of its schema: rows guilty of what is to be quarantined are set aside.

    Args:
        table: The rows that were checked, all of them, in the same order.
        findings: What :func:`check_rows` found of them.
        schema: The schema; ``quarantine`` in its policies says what is set aside.
        environment: The environment the rows come from.

    Raises:
        UsageError: The findings are of other rows.
    """
    if findings.num_rows != table.num_rows:
        raise UsageError(f"The findings are of {findings.num_rows} rows, the table has {table.num_rows}.")
    schema = schema.environment(environment)
    reasons: dict[int, list[str]] = {}
    for (feature, reason, rule), places in findings.wrong.items():
        if reason in ROW_REASONS and _severity(schema, feature, reason, rule) is Severity.QUARANTINE:
            label = f"rule:{rule}" if rule is not None else f"{feature}:{reason.value}"
            for place in places.to_pylist():
                reasons.setdefault(place, []).append(label)
    guilty = np.zeros(table.num_rows, np.bool_)
    guilty[list(reasons)] = True
    aside = table.filter(pa.array(guilty))
    texts = pa.array([",".join(reasons[place]) for place in sorted(reasons)], pa.string())
    counts = Counter(reason for labels in reasons.values() for reason in labels)
    kept = table.filter(pa.array(~guilty))
    return Parted(kept, aside.append_column("__reasons__", texts), ~guilty, dict(sorted(counts.items())))


def _severity(schema: Schema, feature: str | None, reason: Reason, rule: str | None) -> Severity | None:
    if rule is not None and rule in schema.rules:
        return to_severity(schema.rules[rule].severity, quarantine=True)
    return severity_of(schema, feature, reason, quarantine=True)
