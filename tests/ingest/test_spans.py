from __future__ import annotations

from pathlib import Path

import pytest

from treadle.errors import DataError, DataFileNotFoundError, UsageError
from treadle.ingest import list_spans, select_spans


def touch(folder: Path, *names: str) -> None:
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")


def names(folder: Path, pattern: str) -> list[tuple[str, int | None, list[str]]]:
    return [
        (span.span, span.version, [path.relative_to(folder).as_posix() for path in span.paths])
        for span in list_spans(f"{folder}/{pattern}")
    ]


def test_months_in_order(tmp_path: Path) -> None:
    touch(tmp_path, "d_2019-01.csv", "d_2018-12.csv", "d_2018-02.csv", "e_2018-01.csv", "d_201-12.csv")
    assert names(tmp_path, "d_{YYYY}-{MM}.csv") == [
        ("2018-02", None, ["d_2018-02.csv"]),
        ("2018-12", None, ["d_2018-12.csv"]),
        ("2019-01", None, ["d_2019-01.csv"]),
    ]


def test_folders_days_and_several_files(tmp_path: Path) -> None:
    touch(tmp_path, "2020/01/02/b.csv", "2020/01/02/a.csv", "2020/01/03/a.csv")
    assert names(tmp_path, "{YYYY}/{MM}/{DD}/*.csv") == [
        ("2020-01-02", None, ["2020/01/02/a.csv", "2020/01/02/b.csv"]),
        ("2020-01-03", None, ["2020/01/03/a.csv"]),
    ]


def test_the_highest_version_of_a_numbered_span_wins(tmp_path: Path) -> None:
    touch(tmp_path, "s9-v1", "s10-v2", "s10-v10", "s2-v1")
    assert names(tmp_path, "s{SPAN}-v{VERSION}") == [
        ("2", 1, ["s2-v1"]),
        ("9", 1, ["s9-v1"]),
        ("10", 10, ["s10-v10"]),
    ]


def test_a_field_has_one_value_wherever_it_stands(tmp_path: Path) -> None:
    touch(tmp_path, "2018/2018-01.csv", "2018/2019-01.csv")
    assert names(tmp_path, "{YYYY}/{YYYY}-{MM}.csv") == [("2018-01", None, ["2018/2018-01.csv"])]


def test_a_plain_path_is_one_span_without_a_name(tmp_path: Path) -> None:
    touch(tmp_path, "all.csv", "all.txt")
    assert names(tmp_path, "all.csv") == [("", None, ["all.csv"])]
    assert names(tmp_path, "*.csv") == [("", None, ["all.csv"])]


def test_no_file_no_date_no_field(tmp_path: Path) -> None:
    with pytest.raises(DataFileNotFoundError, match="No file matches"):
        list_spans(f"{tmp_path}/{{YYYY}}.csv")
    touch(tmp_path, "2018-13.csv")
    with pytest.raises(DataError, match="impossible date"):
        list_spans(f"{tmp_path}/{{YYYY}}-{{MM}}.csv")
    for pattern in ("{YEAR}.csv", "{MM}.csv", "{YYYY}-{DD}.csv", "{YYYY}-{SPAN}.csv"):
        with pytest.raises(UsageError):
            list_spans(pattern)


def test_a_stretch_and_a_window(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{month:02d}-2018.csv" for month in range(1, 13)))
    spans = list_spans(f"{tmp_path}/{{MM}}-{{YYYY}}.csv")
    assert [span.span for span in select_spans(spans, last="2018-05", window=3)] == ["2018-03", "2018-04", "2018-05"]
    assert [span.span for span in select_spans(spans, first="2018-11")] == ["2018-11", "2018-12"]
    with pytest.raises(DataFileNotFoundError) as caught:
        select_spans(spans, first="2019-01")
    assert caught.value.hint == "There are 2018-01 to 2018-12."
    with pytest.raises(UsageError):
        select_spans(spans, window=0)
    with pytest.raises(UsageError):
        select_spans(spans, first="7")


def test_numbered_spans_are_compared_as_numbers(tmp_path: Path) -> None:
    touch(tmp_path, "2", "9", "10")
    spans = list_spans(f"{tmp_path}/{{SPAN}}")
    assert [span.span for span in select_spans(spans, first="9")] == ["9", "10"]


def test_a_range_of_days_by_month_and_year(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{day}.csv" for day in ("2017-12-31", "2018-01-01", "2018-01-31", "2018-02-01", "2019-01-01")))
    spans = list_spans(f"{tmp_path}/{{YYYY}}-{{MM}}-{{DD}}.csv")

    def chosen(**options: object) -> list[str]:
        return [span.span for span in select_spans(spans, **options)]

    assert chosen(first="2018-01", last="2018-01") == ["2018-01-01", "2018-01-31"]
    assert chosen(first="2018", last="2018") == ["2018-01-01", "2018-01-31", "2018-02-01"]
    assert chosen(first="2018-01-02", last="2018-02") == ["2018-01-31", "2018-02-01"]
    assert chosen(skip=1, window=2) == ["2018-01-31", "2018-02-01"]
    for wrong in ("2018-1", "7", "january", "2018-01-", ""):
        with pytest.raises(UsageError, match="is not a data span like '2017-12-31'"):
            chosen(first=wrong)
    with pytest.raises(UsageError):
        chosen(skip=-1)
    with pytest.raises(DataFileNotFoundError):
        chosen(skip=5)


def test_files_without_spans_have_no_range(tmp_path: Path) -> None:
    touch(tmp_path, "a.csv")
    with pytest.raises(UsageError, match="not a data span") as caught:
        select_spans(list_spans(f"{tmp_path}/a.csv"), last="2018-01")
    assert "no date" in str(caught.value.hint)


def test_gaps_are_seen(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{month}.csv" for month in ("2017-10", "2017-11", "2018-01", "2018-02", "2018-03")))
    spans = list_spans(f"{tmp_path}/{{YYYY}}-{{MM}}.csv")

    def chosen(**options: object) -> list[str]:
        return [span.span for span in select_spans(spans, complete=True, **options)]

    assert chosen(window=3) == ["2018-01", "2018-02", "2018-03"]
    assert chosen(window=2, last="2017-11") == ["2017-10", "2017-11"]
    assert chosen(window=2, last="2018-03", skip=1) == ["2018-01", "2018-02"]
    for options, told in (
        ({}, "2017-12"),
        ({"window": 4}, "2017-12"),
        ({"first": "2018-01", "last": "2018-05"}, "2018-05"),
        ({"first": "2017-09", "last": "2017-11"}, "2017-09"),
        ({"window": 3, "last": "2017-11"}, "asks for 3 data spans, and there are 2"),
    ):
        with pytest.raises(DataFileNotFoundError, match=told):
            chosen(**options)


@pytest.mark.parametrize(
    ("names", "pattern", "missing"),
    [
        (["1", "4"], "{SPAN}", "2, 3"),
        (["2016-02-28", "2016-03-01"], "{YYYY}-{MM}-{DD}", "2016-02-29"),
        (["2015-12-30", "2016-01-01"], "{YYYY}-{MM}-{DD}", "2015-12-31"),
        (["1", "900"], "{SPAN}", "2, 3, 4, 5, 6 and 95 more"),
    ],
)
def test_gaps_of_every_kind_of_span(tmp_path: Path, names: list[str], pattern: str, missing: str) -> None:
    touch(tmp_path, *names)
    with pytest.raises(DataFileNotFoundError, match=f"missing: {missing}"):
        select_spans(list_spans(f"{tmp_path}/{pattern}"), complete=True)
