"""A project from somebody's own data: it runs, evaluates, pushes, serves and is monitored as it was written."""

from __future__ import annotations

import json
import shlex
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from projects import TAXI, last_line, served, treadle

from treadle.monitoring import Traffic
from treadle.schema import Schema


@pytest.fixture(scope="module")
def rides(tmp_path_factory) -> Path:
    """Real rides as somebody would export them: CSV of another dialect, odd names, an id, a leak, labels missing."""
    table = pq.read_table(TAXI / "yellow_tripdata_sample_2018-01.parquet").slice(0, 6000)
    rows = table.num_rows
    paid = pc.if_else(pc.equal(table["payment_type"], 1), "card", "other")
    known = pa.array([number % 50 != 0 for number in range(rows)])
    columns = {
        "ride id": pa.array([f"r{number:06d}" for number in range(rows)]),
        "rate (code)": pc.cast(table["rate_code_id"], pa.string()),
        "distance (mi)": table["trip_distance"],
        "fare-amount": pc.if_else(
            pc.equal(table["fare_amount"], 52.0), pa.scalar(None, pa.float64()), table["fare_amount"]
        ),
        "tip": table["tip_amount"],
        "extra": table["extra"],
        "currency": pa.array(["USD"] * rows),
        "flag": pc.equal(table["passenger_count"], 1),
        'so "called"': table["mta_tax"],
        "paid": pc.if_else(known, paid, pa.scalar(None, pa.string())),
    }
    file = tmp_path_factory.mktemp("own") / "rides export.csv"
    pa_csv.write_csv(pa.table(columns), file, pa_csv.WriteOptions(delimiter=";"))
    return file


@pytest.fixture(scope="module")
def project(rides: Path, tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("work")
    done = treadle("init", "card rides", "--data", rides, "--label", "paid", "--positive", "card", "--json", cwd=place)
    fields = last_line(done)
    assert fields["label"] == 'paid == "card"'
    assert fields["features"] == ["rate (code)", "distance (mi)", "fare-amount", "extra", "flag"]
    assert set(fields["left_out"]) == {"ride id", "tip", "currency", 'so "called"'}
    assert "identifier" in fields["left_out"]["ride id"]
    assert "label almost alone" in fields["left_out"]["tip"]
    assert fields["files"] == [".gitignore", "README.md", "pipeline.py", "schema.toml"]
    return place / "card rides"


@pytest.fixture(scope="module")
def pushed(project: Path) -> dict:
    run = last_line(treadle("run", "pipeline.py", "--json", cwd=project))
    assert run["state"] == "succeeded"
    return run


def test_the_schema_asks_a_server_for_features_only(project: Path) -> None:
    schema = Schema.load(project / "schema.toml")
    assert list(schema.environment("SERVING").features) == [
        "rate (code)", "distance (mi)", "fare-amount", "extra", "flag",
    ]  # fmt: skip
    assert treadle("validate", "--schema", "schema.toml", *_data(project), cwd=project).returncode == 0


def _data(project: Path) -> list[str]:
    line = next(line for line in (project / "pipeline.py").read_text().splitlines() if line.startswith("DATA"))
    relative = json.loads(line[line.index('"') : line.rindex('"') + 1])
    assert not Path(relative).is_absolute()
    return [str((project / relative).resolve())]


def test_it_is_pushed(project: Path, pushed: dict) -> None:
    assert (project / "serving" / "card_rides" / "champion").read_text().strip() == "1"
    again = last_line(treadle("run", "pipeline.py", "--json", cwd=project))
    # what a run writes beside the pipeline is no reason to run again
    assert not [name for name, node in again["nodes"].items() if "file it reads" in node["reason"]]


def test_it_serves_and_is_monitored(project: Path, pushed: dict) -> None:
    row = {"rate (code)": 99, "distance (mi)": 3.5, "fare-amount": None, "extra": 0.5, "flag": True}
    line = next(line for line in (project / "README.md").read_text().splitlines() if "curl" in line)
    example = json.loads(shlex.split(line)[-1])["instances"]
    assert len(served(project, "card_rides", {"instances": [row] * 149 + example})) == 150
    assert Traffic(project / "log", "card_rides").read().num_rows == 150
    later = (datetime.now().replace(day=1) + timedelta(days=40)).date().isoformat()
    (project / "labels").mkdir()
    options = ["--model", "card_rides", "--serving", "serving", "--log", "log", "--labels", "labels", "--now", later]
    turns = last_line(treadle("loop", "pipeline.py", *options, "--json", cwd=project))["turns"]
    assert turns[0]["rows"] == 150
    assert "rate (code)" in turns[0]["drifted"]


def test_files_with_dates_become_spans(tmp_path: Path) -> None:
    files = [TAXI / f"yellow_tripdata_sample_2018-0{month}.parquet" for month in (1, 2)]
    options = ["--label", "fare_amount", "--positive", ">20", "--event-time", "pickup_datetime"]
    done = treadle("init", "fares", "--data", *files, *options, "--leave-out", "total_amount", cwd=tmp_path)
    assert "event time: pickup_datetime" in done.stdout
    text = (tmp_path / "fares" / "pipeline.py").read_text()
    assert "{YYYY}-{MM}.parquet" in text
    assert 'split_by="time"' in text
    assert '"label": x["fare_amount"] > 20' in text
    plan = treadle("plan", "pipeline.py", "--set", "last=2018-02", "--json", cwd=tmp_path / "fares")
    assert last_line(plan)


def test_spans_of_which_more_are_there(tmp_path: Path) -> None:
    files = [TAXI / f"yellow_tripdata_sample_2018-0{month}.parquet" for month in (2, 3)]
    done = treadle("init", "fares", "--data", *files, "--label", "fare_amount", cwd=tmp_path)
    assert "data: 2018-02 to 2018-03" in done.stdout
    assert "event time: none; if pickup_datetime or dropoff_datetime is when a row happened" in done.stdout
    text = (tmp_path / "fares" / "pipeline.py").read_text()
    assert 'first: str | None = "2018-02", last: str | None = "2018-03"' in text
    apart = treadle("init", "x", "--data", files[0], TAXI / "yellow_tripdata_sample_2018-05.parquet",
                    "--label", "fare_amount", cwd=tmp_path, code=2)  # fmt: skip
    assert "folder of their own" in apart.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--label", "gone"], "no column 'gone'"),
        (["--label", "currency"], "nothing can be learned"),
        (["--label", "distance (mi)", "--positive", "> far"], "comparison with a number"),
        (["--label", "paid", "--positive", "cash"], "No row has the label"),
        (["--label", "paid", "--key", "gone"], "no column 'gone'"),
    ],
)
def test_what_cannot_be(rides: Path, tmp_path: Path, options: list[str], message: str) -> None:
    done = treadle("init", "x", "--data", rides, *options, cwd=tmp_path, code=2)
    assert message in done.stderr
    assert not (tmp_path / "x").exists()


def test_a_folder_in_use_is_left_alone(rides: Path, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "mine.txt").write_text("mine")
    done = treadle("init", "x", "--data", rides, "--label", "paid", cwd=tmp_path, code=2)
    assert "not empty" in done.stderr
    assert [path.name for path in (tmp_path / "x").iterdir()] == ["mine.txt"]


def test_files_without_a_pattern_of_their_own(rides: Path, tmp_path: Path) -> None:
    for name in ("a1.csv", "a2.csv", "a3.csv"):
        (tmp_path / name).write_bytes(rides.read_bytes())
    done = treadle(
        "init", "x", "--data", tmp_path / "a1.csv", tmp_path / "a2.csv", "--label", "paid", cwd=tmp_path, code=2
    )
    assert "folder of their own" in done.stderr
