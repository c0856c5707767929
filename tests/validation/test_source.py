from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from treadle.errors import UsageError
from treadle.validation import SourceLimits, SpanSeen, check_source

DAY = timedelta(days=1)
START = datetime(2020, 1, 1)
LIMITS = SourceLimits(every=DAY, delay=timedelta(hours=6))


def days(*rows: int | None) -> list[SpanSeen]:
    return [SpanSeen(START + n * DAY, count) for n, count in enumerate(rows) if count is not None]


def reasons(spans: list[SpanSeen], now: datetime) -> list[str]:
    return [anomaly.reason.value for anomaly in check_source(spans, LIMITS, now=now).anomalies]


@pytest.mark.parametrize(
    ("rows", "after", "found"),
    [
        ((10, 10, 10), 3.9, []),
        ((10, 10, 10), 4.2, []),  # the fourth span ends at 4.0 and has six hours
        ((10, 10, 10), 4.3, ["SOURCE_LATE"]),
        ((10, 10, 10), 6.3, ["SOURCE_STOPPED"]),
        ((10, None, None, 10), 4, ["SOURCE_GAP"]),
        ((10, 0, 10), 3, ["SOURCE_EMPTY"]),
        ((10, 12, 8, 4, 9), 5, ["SOURCE_SHRANK"]),
        ((10, 2), 2, []),  # one span is no history
        ((), 0, ["SOURCE_STOPPED"]),
    ],
)
def test_what_a_source_did(rows: tuple[int | None, ...], after: float, found: list[str]) -> None:
    assert reasons(days(*rows), START + after * DAY) == found


def test_months_are_counted_by_the_calendar() -> None:
    limits = SourceLimits(every=1, stopped_after=60)
    spans = [SpanSeen(datetime(2015, 1, 31), 10), SpanSeen(datetime(2025, 1, 31), 10)]
    late, gap = check_source(spans, limits, now=datetime(2025, 5, 1)).anomalies
    assert (gap.details["spans"], gap.details["from"]) == (119, "2015-02-28T00:00:00")
    assert late.details["missed"] == 2
    assert not check_source(spans[1:], limits, now=datetime(2025, 3, 30)).anomalies


def test_only_the_newest_are_judged() -> None:
    spans = days(10, None, 10, 0, 10, 10)
    for recent, found in ((2, []), (3, ["SOURCE_EMPTY"]), (4, ["SOURCE_GAP", "SOURCE_EMPTY"])):
        limits = SourceLimits(every=DAY, recent=recent)
        assert [anomaly.reason for anomaly in check_source(spans, limits, now=START + 6 * DAY).anomalies] == found


def test_late_and_repeated_spans() -> None:
    spans = [
        SpanSeen(START + DAY, 10, arrived=START + 2.5 * DAY, digest="a"),
        SpanSeen(START, 10, arrived=START + 1.1 * DAY, digest="a"),
    ]
    report = check_source(spans, LIMITS, now=START + 2.6 * DAY)
    assert [anomaly.reason.value for anomaly in report.errors] == ["SOURCE_LATE", "SOURCE_STALE"]
    assert report.anomalies[0].details["late_seconds"] == 6 * 3600
    milder = check_source(spans, LIMITS, now=START + 2.6 * DAY, severity={"SOURCE_LATE": "ignore"})
    assert len(milder.anomalies) == 1
    with pytest.raises(UsageError):
        check_source(spans, SourceLimits(every=timedelta(0)), now=START)
