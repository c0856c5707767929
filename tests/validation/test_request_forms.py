"""The form of values in requests: words, coverage, meaning; judged as columns are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from treadle.schema import Feature, Schema
from treadle.schema._time_format import _BOTH
from treadle.validation import RequestChecker, check_rows

KINDS = {
    "WRONG_LENGTH": "wrong_length",
    "WORD_COUNT": "word_count",
    "NO_MATCH": "no_match",
    "NOT_SEMANTIC": "not_semantic",
    "OUT_OF_RANGE": "out_of_range",
}


def found(feature: Feature, *values: Any) -> list[str]:
    """The kinds of findings of single values, in order."""
    checker = RequestChecker(Schema({"x": feature}))
    kinds = []
    for value in values:
        counts = checker.findings([[value]]).counts
        kinds += [kind for _, kind in counts] or [""]
        assert sum(counts.values()) <= 1
    return kinds


def text(**said: Any) -> Feature:
    return Feature(name="x", type="string", **said)


@pytest.mark.parametrize(
    ("feature", "values", "kinds"),
    [
        (
            text(min_words=2, max_words=3),
            ["a", " a  b ", "a b c d", ""],
            ["word_count", "", "word_count", "word_count"],
        ),
        (
            text(vocabulary=("good", "day"), min_coverage=0.5),
            ["good day", "good tag", "a b day", ""],
            ["", "", "low_coverage", ""],
        ),
        (text(min_word_length=2.5), ["abc de", "a b", ""], ["", "short_words", ""]),
        (text(semantic="url"), ["https://a.b/c?d", "a.b", "http://"], ["", "not_semantic", "not_semantic"]),
        (
            text(semantic="time"),
            ["2018-10-01", "2018-02-30", "12:30", "late"],
            ["", "not_semantic", "", "not_semantic"],
        ),
        (text(semantic="time", format="%d.%m.%Y"), ["01.10.2018", "2018-10-01"], ["", "not_semantic"]),
        (
            Feature(name="x", type="int", semantic="time", format="unix_seconds"),
            [1_538_397_000, 10**15],
            ["", "not_semantic"],
        ),
        (Feature(name="x", type="bytes", semantic="image"), [b"GIF89a", b"hi"], ["", "not_semantic"]),
        (Feature(name="x", type="string", list=True, max_length=1), [["a"], ["a", "bc"]], ["", "wrong_length"]),
    ],
)
def test_each_form_of_a_single_value(feature: Feature, values: list[Any], kinds: list[str]) -> None:
    assert found(feature, *values) == kinds


FEATURES = [
    text(min_words=1, max_words=2),
    text(min_length=2, max_length=5),
    text(pattern=r"\d+|\w[^a]"),
    text(semantic="url"),
    text(semantic="time"),
    text(semantic="time", format="%H:%M"),
]


@given(
    st.text(max_size=8) | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}:[0-9]{2})?", fullmatch=True)
)
@settings(max_examples=50, deadline=None)
@example("2018-10-01T24:00:00")
@example("2018-02-31")
@example("2018-10-01T12:30:00Z")
@example("http://a\nb")
@example("\u0661")
@example("a\u00a0b")
def test_a_request_is_judged_as_a_column_is(value: str) -> None:
    for feature in FEATURES:
        rows = check_rows(pa.table({"x": pa.array([value], pa.string())}), Schema({"x": feature}))
        assert [KINDS[reason.value] for _, reason, _ in rows.counts] == [kind for kind in found(feature, value) if kind]


_WITH = {
    **dict.fromkeys("Ymd", "%Y-%m-%d"),
    "b": "%d %b %Y",
    "B": "%d %B %Y",
    "y": "%d.%m.%y",
    "j": "%Y-%j",
    "M": "%H:%M",
    "S": "%H:%M:%S",
    "p": "%I %p",
}


@pytest.mark.parametrize("directive", sorted(_BOTH - {"%"}))
def test_each_directive_of_a_time_is_read_by_columns_and_requests(directive: str) -> None:
    form = _WITH.get(directive, f"%Y-%m-%d %{directive}")
    for day in (datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2020, 11, 29, 23, 4, 5, tzinfo=UTC)):
        value, feature = day.strftime(form), text(semantic="time", format=form)
        assert found(feature, value) == [""]
        assert not check_rows(pa.table({"x": [value]}), Schema({"x": feature})).counts
