from __future__ import annotations

import itertools
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.errors import MonitoringError
from treadle.monitoring import Duration, Window, windows


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1mo", datetime(2020, 2, 29, 5)), ("2w", datetime(2020, 2, 14, 5)), ("10d", datetime(2020, 2, 10, 5)),
     ("12h", datetime(2020, 1, 31, 17)), ("13mo", datetime(2021, 2, 28, 5)), ("0d", datetime(2020, 1, 31, 5)),
     ("30m", datetime(2020, 1, 31, 5, 30)), ("10080m", datetime(2020, 2, 7, 5))],
)  # fmt: skip
def test_after(text, expected):
    assert Duration.parse(text).after(datetime(2020, 1, 31, 5)) == expected


def test_before_crosses_the_year():
    assert Duration.parse("2mo").before(datetime(2019, 1, 15)) == datetime(2018, 11, 15)
    assert Duration.parse("12mo").before(datetime(2020, 2, 29)) == datetime(2019, 2, 28)


@pytest.mark.parametrize("text", ["", "1", "mo", "1.5d", "-1d", "1 mo", "1y", "1d1h", "99999d", "1234567m", "1mo1"])
def test_what_is_not_a_duration(text):
    with pytest.raises(MonitoringError, match="not a length of time"):
        Duration.parse(text)


def test_months_are_named_and_closed_ones_only():
    got = list(windows(datetime(2018, 11, 1), datetime(2019, 2, 28), Duration.parse("1mo")))
    assert [window.name for window in got] == ["2018-11", "2018-12", "2019-01"]


def test_windows_from_the_31st_do_not_drift():
    got = list(windows(datetime(2019, 1, 31), datetime(2019, 4, 1), Duration.parse("1mo")))
    assert [window.end.day for window in got] == [28, 31]


def test_a_period_without_length_is_refused():
    with pytest.raises(MonitoringError):
        list(windows(datetime(2019, 1, 1), datetime(2019, 2, 1), Duration.parse("0d")))


@given(
    st.datetimes(datetime(1999, 1, 1), datetime(2030, 1, 1)),
    st.integers(0, 900),
    st.sampled_from(["1mo", "7d", "12h", "90m"]),
)
@settings(deadline=None)
def test_windows_tile_time(first, days, period):
    until = first + timedelta(days=days)
    got = list(itertools.islice(windows(first, until, Duration.parse(period)), 2000))
    assert all(a.end == b.start for a, b in itertools.pairwise(got))
    assert all(window.start < window.end <= until for window in got)
    assert not got or got[0].start == first
    assert len({window.name for window in got}) == len(got)


def test_day_hour_and_minute_names():
    assert Window(datetime(2019, 1, 2), datetime(2019, 1, 3)).name == "2019-01-02"
    assert Window(datetime(2019, 1, 2, 6), datetime(2019, 1, 2, 18)).name == "2019-01-02T06"
    got = windows(datetime(2019, 1, 2, 6), datetime(2019, 1, 2, 7), Duration.parse("30m"))
    assert [window.name for window in got] == ["2019-01-02T06:00", "2019-01-02T06:30"]
