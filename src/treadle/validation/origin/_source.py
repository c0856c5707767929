"""Health of a source: spans that are late, missing, empty or shrunken; a source that stopped. The clock is given."""

from __future__ import annotations

import statistics
from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from treadle.errors import UsageError
from treadle.validation._anomaly import DEFAULT_SEVERITY, Anomaly, AnomalyReport, Reason
from treadle.validation._finding import Finding
from treadle.validation._policy import to_severity

_LEAST_HISTORY = 3


@dataclass(frozen=True, slots=True)
class SpanSeen:
    """One span of data that a source delivered."""

    start: datetime
    """When the span begins, wall-clock time."""
    rows: int
    arrived: datetime | None = None
    """When it was delivered, on the clock of ``now``."""
    digest: str | None = None
    """The digest of its content; two spans of one content are the same file delivered again."""
    name: str = ""
    """What to call it; by default its beginning."""
    version: int | None = None
    """Which delivery of the span this is, where deliveries are numbered."""

    def __str__(self) -> str:
        """Its name for people."""
        return self.name or self.start.isoformat()


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLimits:
    """What is expected of a source."""

    every: timedelta | int
    """How long a span is, and so how often one comes: a time, or a number of calendar months."""
    delay: timedelta = timedelta(0)
    """How long after its end a span may arrive."""
    stopped_after: int = 3
    """After how many spans that did not come the source counts as stopped."""
    min_ratio: float = 0.5
    """The least number of rows, as a share of the median of the spans before."""
    history: int = 12
    """How many spans before are looked at."""
    recent: int | None = None
    """Only so many of the newest spans are judged; what is older is history that nobody will mend."""


def check_source(
    spans: Sequence[SpanSeen], limits: SourceLimits, *, now: datetime, severity: Mapping[str, str] | None = None
) -> AnomalyReport:
    """Judge what a source delivered, and when.

    Args:
        spans: What came, in any order.
        limits: What should have come.
        now: The time to judge at.
        severity: Policy: reason code -> ``error``, ``warning`` or ``ignore``.

    Raises:
        UsageError: ``every`` is not longer than nothing.
    """
    if _end(now, limits.every) <= now:
        raise UsageError("A source delivers spans that are longer than nothing.")
    ordered = sorted(spans, key=lambda span: span.start)
    anomalies = []
    for finding in _findings(ordered, limits, now):
        word = (severity or {}).get(finding.reason, DEFAULT_SEVERITY[finding.reason])
        found = to_severity(word, quarantine=False)
        if found is not None:
            anomalies.append(Anomaly(None, finding.reason, found, finding.message, finding.details))
    return AnomalyReport(tuple(anomalies), sum(span.rows for span in ordered))


def _findings(spans: list[SpanSeen], limits: SourceLimits, now: datetime) -> Iterator[Finding]:
    if not spans:
        yield Finding(Reason.SOURCE_STOPPED, "The source delivered nothing.", {"spans": 0})
        return
    judged = len(spans) - (limits.recent or len(spans))
    yield from _timely(spans[max(judged, 0) :], limits, now)
    for before, after in pairwise(spans[max(judged - 1, 0) :]):
        missed = round(_spans_between(before.start, after.start, limits.every)) - 1
        if missed > 0:
            first = _end(before.start, limits.every)
            words = f"{_counted(missed)} missing between {before} and {after}."
            yield Finding(Reason.SOURCE_GAP, words, {"spans": missed, "from": first.isoformat()})
        if after.rows and before.digest is not None and before.digest == after.digest:
            words = f"The span of {after} has the content of the one before."
            yield Finding(Reason.SOURCE_STALE, words, {"span": str(after), "digest": after.digest})
    for index, span in enumerate(spans):
        if index >= judged:
            yield from _sized(span, spans[max(0, index - limits.history) : index], limits)


def _timely(spans: list[SpanSeen], limits: SourceLimits, now: datetime) -> Iterator[Finding]:
    for span in spans:
        due = _end(span.start, limits.every) + limits.delay
        if span.arrived is not None and span.arrived > due:
            late = span.arrived - due
            details = {"span": str(span), "late_seconds": late.total_seconds()}
            yield Finding(Reason.SOURCE_LATE, f"The span of {span} came {late} late.", details)
    last = spans[-1]
    missed = int(_spans_between(last.start, now - limits.delay, limits.every)) - 1
    if missed <= 0:
        return
    details = {"last": last.start.isoformat(), "missed": missed}
    if missed >= limits.stopped_after:
        words = f"The source stopped: nothing since the span of {last}, {missed} spans ago."
        yield Finding(Reason.SOURCE_STOPPED, words, details)
    else:
        words = f"{_counted(missed)} late; the last that came is of {last}."
        yield Finding(Reason.SOURCE_LATE, words, details)


def _sized(span: SpanSeen, before: Sequence[SpanSeen], limits: SourceLimits) -> Iterator[Finding]:
    if not span.rows:
        words = f"The span of {span} has no rows."
        yield Finding(Reason.SOURCE_EMPTY, words, {"span": str(span)})
        return
    sizes = [other.rows for other in before if other.rows]
    if len(sizes) < _LEAST_HISTORY:
        return
    usual = statistics.median(sizes)
    if span.rows < limits.min_ratio * usual:
        details: dict[str, Any] = {"span": str(span), "rows": span.rows, "usual": usual}
        words = f"The span of {span} has {span.rows:,} rows; {usual:,.0f} are usual."
        yield Finding(Reason.SOURCE_SHRANK, words, details)


def _counted(spans: int) -> str:
    return "1 span is" if spans == 1 else f"{spans:,} spans are"


def _end(start: datetime, every: timedelta | int) -> datetime:
    if isinstance(every, timedelta):
        return start + every
    months = start.year * 12 + start.month - 1 + every
    year, month = months // 12, months % 12 + 1
    return start.replace(year=year, month=month, day=min(start.day, monthrange(year, month)[1]))


def _spans_between(first: datetime, last: datetime, every: timedelta | int) -> float:
    """How many spans fit between two moments; of months only whole ones are counted."""
    if isinstance(every, timedelta):
        return (last - first) / every
    months = (last.year - first.year) * 12 + last.month - first.month
    begun = (last.day, last.time()) < (first.day, first.time())
    return (months - begun) // every
