"""The step ``check_source``: a source is judged by what is there, and by what earlier runs saw.

Where what a run does is not in question, the step is called as the function that it is.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from treadle.artifact import Output
from treadle.components import check_source, ingest
from treadle.errors import TreadleError
from treadle.pipeline import pipeline
from treadle.runner import RunResult, run
from treadle.schema import Feature, Schema
from treadle.storage import ArtifactStore, take_out


@pipeline
def watched(
    pattern: str,
    schema: str,
    now: str,
    delay: str = "0d",
    recent: int = 12,
    severity: dict[str, str] | None = None,
    stop: bool = True,
) -> None:
    examples = ingest(pattern=pattern, schema=schema)
    check_source(examples, pattern=pattern, now=now, delay=delay, recent=recent, severity=severity, stop=stop)


class Source:
    """A folder that files arrive in, and a store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        Schema({"n": Feature(name="n", type="int")}).save(folder / "schema.toml")

    def delivers(self, day: int, rows: int = 10, start: int | None = None) -> Path:
        first = day * 1000 if start is None else start
        path = self.folder / f"a_2024-03-{day:02d}.parquet"
        pq.write_table(pa.table({"n": range(first, first + rows)}), path)
        return path

    def given(self, day: int) -> dict[str, Any]:
        return {"pattern": f"{self.folder}/a_{{YYYY}}-{{MM}}-{{DD}}.parquet", "now": f"2024-03-{day:02d}T00:00"}

    def run(self, day: int, **more: Any) -> RunResult:
        given = {**self.given(day), "schema": str(self.folder / "schema.toml"), **more}
        return run(watched, given, home=self.folder / "home")

    def judged(self, day: int, **more: Any) -> tuple[list[dict[str, Any]], Path]:
        """What the step says of what is there, and of what the runs before remember; and where it writes the spans."""
        delivered, anomalies = (Output(tempfile.mkdtemp(dir=self.folder)) for _ in range(2))
        check_source(**{**self.given(day), **more}, delivered=delivered, anomalies=anomalies)
        return json.loads((anomalies.path / "anomalies.json").read_bytes())["anomalies"], delivered.path

    def reasons(self, day: int, **more: Any) -> list[str]:
        return [anomaly["reason"] for anomaly in self.judged(day, stop=False, **more)[0]]


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    monkeypatch.setenv("TREADLE_HOME", str(tmp_path / "home"))
    made = Source(tmp_path)
    for day in range(1, 6):
        made.delivers(day)
    return made


def spans(found: RunResult | Path) -> list[tuple[str, int]]:
    path = found if isinstance(found, Path) else found.nodes["check_source"].outputs["delivered"].path
    return [(span["name"], span["rows"]) for span in json.loads((path / "source.json").read_bytes())["spans"]]


def test_a_source_is_judged_by_spans_whose_files_are_gone(source: Source) -> None:
    assert source.run(6).state == "succeeded"
    for path in source.folder.glob("a_*.parquet"):
        path.unlink()
    source.delivers(6, rows=3)
    result = source.run(7)
    assert result.state == "failed"
    assert "2024-03-06 has 3 rows; 10 are usual" in str(result.nodes["check_source"].error)
    assert "DATA_REFUSED" in str(result.nodes["check_source"].error)
    found, path = source.judged(7, severity={"SOURCE_SHRANK": "warning"})
    assert [(anomaly["reason"], anomaly["severity"]) for anomaly in found] == [("SOURCE_SHRANK", "warning")]
    assert spans(path) == [*((f"2024-03-0{day}", 10) for day in range(1, 6)), ("2024-03-06", 3)]


def test_a_source_that_stopped_is_seen_although_nothing_changed(source: Source) -> None:
    assert source.reasons(6) == []
    assert source.reasons(8) == ["SOURCE_LATE"]
    assert source.reasons(8, delay="3d") == source.reasons(8, delay="4320m") == []
    assert source.reasons(9) == ["SOURCE_STOPPED"]


def test_what_was_not_there_when_it_was_due_came_late(source: Source) -> None:
    result = source.run(8, stop=False)
    node = result.nodes["check_source"]
    assert node.state == "ran", node.error
    assert node.outputs["anomalies"].properties == {"errors": 1, "warnings": 0}
    assert len(spans(result)) == 5
    for day in (6, 7, 8):
        source.delivers(day)
    (late,), _ = source.judged(9, stop=False)
    assert late["reason"] == "SOURCE_LATE"  # the sixth was due on the seventh, and not there on the eighth
    assert late["details"] == {"late_seconds": 86400.0, "span": "2024-03-06"}


def test_old_faults_are_history(source: Source) -> None:
    source.delivers(8)
    assert source.reasons(9) == ["SOURCE_GAP"]
    for day in range(9, 12):
        source.delivers(day)
    assert source.reasons(12, recent=3) == []
    assert source.reasons(12) == ["SOURCE_GAP"]


def test_the_same_rows_again_are_stale(source: Source) -> None:
    source.delivers(6, start=5000)
    assert source.reasons(7) == ["SOURCE_STALE"]
    # the step reads nothing that ingest refuses: the same bytes twice
    result = source.run(7)
    assert "same bytes" in str(result.nodes["ingest"].error)
    assert result.nodes["check_source"].state == "skipped"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"now": "soon"}, "no moment"),
        ({"every": "soon"}, "not a length of time"),
        ({"delay": "1mo"}, "not of months"),
        ({"recent": 0}, "at least 1"),
    ],
)
def test_what_cannot_be_used_is_said(source: Source, more: dict[str, Any], says: str) -> None:
    with pytest.raises(TreadleError, match=says):
        source.judged(6, **more)


def test_what_was_collected_is_forgotten(source: Source) -> None:
    before = source.run(6).nodes["check_source"].outputs["delivered"]
    assert take_out(ArtifactStore(source.folder / "home"), before.digest)
    again = source.run(7, delay="3d")
    assert again.state == "succeeded", again.nodes["check_source"].error
    known = json.loads((again.nodes["check_source"].outputs["delivered"].path / "source.json").read_bytes())
    assert [span["name"] for span in known["spans"]] == [f"2024-03-0{day}" for day in range(1, 6)]
