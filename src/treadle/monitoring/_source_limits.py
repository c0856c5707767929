"""What is expected of a source by the names of its files, and as of when it is judged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from treadle.errors import UsageError
from treadle.monitoring._source import span_length
from treadle.validation import SourceLimits

if TYPE_CHECKING:
    from treadle.monitoring._calendar import Duration
    from treadle.validation import SpanSeen


def source_limits(
    pattern: str,
    *,
    every: Duration | None,
    delay: Duration,
    stopped_after: int,
    min_ratio: float,
    history: int,
    recent: int | None,
) -> SourceLimits:
    """What is expected of a source, in lengths of time as people write them.

    Args:
        pattern: The files, as for :func:`look_at_source`.
        every: How often a span comes; by default as the names say. Spans that are numbers follow each other as days do.
        delay: How long after its end a span may come.
        stopped_after: As of ``SourceLimits``, like all that follow.
        min_ratio: See there.
        history: See there.
        recent: See there.

    Raises:
        UsageError: The delay is in months, or a number is too small.
    """
    if delay.months:
        raise UsageError("A delay is of weeks, days, hours or minutes, not of months.", hint="For example 3d.")
    if min(stopped_after, history, 1 if recent is None else recent) < 1 or min_ratio < 0:
        raise UsageError("stopped_after, history and recent are at least 1, min_ratio at least 0.")
    length: timedelta | int | None = span_length(pattern)
    if length is None:
        length = timedelta(days=1)
    elif every is not None:
        length = every.months or every.exact
    return SourceLimits(
        every=length,
        delay=delay.exact,
        stopped_after=stopped_after,
        min_ratio=min_ratio,
        history=history,
        recent=recent,
    )


def judged_at(pattern: str, spans: Sequence[SpanSeen], now: datetime) -> datetime:
    """As of when the spans are judged: now, or where they are numbers, which are never late, at the newest of them."""
    return now if span_length(pattern) is not None else spans[-1].start
