"""``treadle source`` and ``treadle coverage``: what was delivered, and what lies outside of the training data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from treadle.cli import main
from treadle.statistics import generate


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as exit_:
        main([str(argument) for argument in arguments])
    output = capsys.readouterr()
    return int(exit_.value.code or 0), output.out, output.err


def deliver(folder: Path, span: str, rows: int, start: int = 0) -> None:
    pq.write_table(pa.table({"x": range(start, start + rows)}), folder / f"rides_{span}.parquet")


def judged(capsys: pytest.CaptureFixture[str], folder: Path, *more: object) -> tuple[int, dict[str, Any]]:
    code, out, _ = run(capsys, "source", f"{folder}/rides_{{YYYY}}-{{MM}}-{{DD}}.parquet", "--json", *more)
    return code, json.loads(out)


def reasons(found: dict[str, Any]) -> list[str]:
    return [anomaly["reason"] for anomaly in found["anomalies"]]


def test_a_source_that_delivers_is_fine_and_its_history_is_told(tmp_path: Path, capsys: Any) -> None:
    for day in range(1, 6):
        deliver(tmp_path, f"2024-03-{day:02d}", 100, day)
    code, found = judged(capsys, tmp_path, "--now", "2024-03-06")
    assert (code, reasons(found)) == (0, [])
    assert [(span["span"], span["rows"]) for span in found["spans"]][:2] == [("2024-03-01", 100), ("2024-03-02", 100)]
    code, out, _ = run(capsys, "source", f"{tmp_path}/rides_{{YYYY}}-{{MM}}-{{DD}}.parquet", "--now", "2024-03-06")
    assert "5 spans, 500 rows: 0 errors." in out


def test_everything_that_can_go_wrong_is_named(tmp_path: Path, capsys: Any) -> None:
    for day in (1, 2, 3, 4, 6):
        deliver(tmp_path, f"2024-03-{day:02d}", 100, day)
    deliver(tmp_path, "2024-03-07", 100, 6)  # yesterday's rows again
    deliver(tmp_path, "2024-03-08", 10, 8)
    deliver(tmp_path, "2024-03-09", 0)
    code, found = judged(capsys, tmp_path, "--now", "2024-03-20")
    assert code == 1
    assert sorted(reasons(found)) == ["SOURCE_EMPTY", "SOURCE_GAP", "SOURCE_SHRANK", "SOURCE_STALE", "SOURCE_STOPPED"]
    assert "2024-03-08" in next(a["message"] for a in found["anomalies"] if a["reason"] == "SOURCE_SHRANK")
    assert reasons(judged(capsys, tmp_path, "--now", "2024-03-12", "--delay", "2d")[1])[0] != "SOURCE_LATE"


def test_months_have_their_lengths(tmp_path: Path, capsys: Any) -> None:
    for month in range(1, 13):
        deliver(tmp_path, f"2023-{month:02d}", 50, month)
    for month in (1, 2):
        deliver(tmp_path, f"2024-{month:02d}", 50, 100 + month)
    pattern = f"{tmp_path}/rides_{{YYYY}}-{{MM}}.parquet"
    assert run(capsys, "source", pattern, "--now", "2024-03-31")[0] == 0
    assert "SOURCE_LATE" in run(capsys, "source", pattern, "--now", "2024-04-04")[1]
    assert "SOURCE_LATE" in run(capsys, "source", pattern, "--now", "2024-04-04", "--every", "1mo", "--delay", "30m")[1]
    assert "SOURCE_LATE" not in run(capsys, "source", pattern, "--now", "2024-04-04", "--every", "2mo")[1]


def test_years_are_spans_and_an_empty_file_is_one_without_rows(tmp_path: Path, capsys: Any) -> None:
    for year in (2018, 2019, 2020, 2021):
        deliver(tmp_path, str(year), 50, year)
    (tmp_path / "rides_2022.parquet").touch()
    pattern = f"{tmp_path}/rides_{{YYYY}}.parquet"
    code, out, _ = run(capsys, "source", pattern, "--now", "2023-12-31")
    assert code == 1
    assert "The span of 2022 has no rows. [SOURCE_EMPTY]" in out
    assert "LATE" not in out
    assert "1 span is late" in run(capsys, "source", pattern, "--now", "2024-01-01")[1]


def test_numbered_spans_are_not_judged_as_late_and_gaps_are_seen(tmp_path: Path, capsys: Any) -> None:
    for span in (1, 2, 5):
        deliver(tmp_path, str(span), 10, span)
    code, out, _ = run(capsys, "source", f"{tmp_path}/rides_{{SPAN}}.parquet")
    assert code == 1
    assert "2 spans are missing between 2 and 5" in out
    assert "LATE" not in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("{dir}/none_{{SPAN}}.parquet",), "No file matches"),
        (("{dir}/rides_*.parquet",), "names no spans"),
        (("{dir}/rides_{{SPAN}}.parquet", "--every", "soon"), "not a length of time"),
        (("{dir}/rides_{{SPAN}}.parquet", "--delay", "1mo"), "not of months"),
    ],
)
def test_bad_arguments_are_said(tmp_path: Path, capsys: Any, arguments: tuple[str, ...], says: str) -> None:
    deliver(tmp_path, "1", 10)
    code, _, err = run(capsys, "source", *(argument.format(dir=tmp_path) for argument in arguments))
    assert code == 2
    assert says in err


def test_coverage_counts_what_training_never_saw(tmp_path: Path, capsys: Any) -> None:
    training = pa.table({"city": ["Ulm", "Bonn"] * 20, "fare": [float(fare) for fare in range(40)]})
    generate(training).save(tmp_path / "training.json")
    new = tmp_path / "new.parquet"
    pq.write_table(pa.table({"city": ["Ulm", "Köln", "Bonn", "Ulm"], "fare": [1.0, 99.0, 2.0, -1.0]}), new)
    code, out, _ = run(capsys, "coverage", tmp_path / "training.json", new, "--json")
    assert code == 0
    assert json.loads(out) == {
        "rows": 4, "outside": 2, "share": 0.5, "features": {"city": 1, "fare": 2}, "notes": {}
    }  # fmt: skip
    assert run(capsys, "coverage", tmp_path / "training.json", new, "--max-share", "0.4")[0] == 1
    assert "2 of 4 rows are outside" in run(capsys, "coverage", tmp_path / "training.json", new)[1]
    assert run(capsys, "coverage", tmp_path / "none.json", new)[0] == 2
