"""A project whose label is a number: real patients; and labels, places and columns that need a word."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from projects import TAXI, last_line, served, treadle
from sklearn.datasets import load_diabetes, load_iris, load_wine

from treadle.ingest import read_table
from treadle.monitoring import LabelStore, Traffic


@pytest.fixture(scope="module")
def patients() -> pa.Table:
    """442 patients and how far their diabetes went in a year (Efron et al. 2004); a few of them not known."""
    data = load_diabetes(scaled=False)
    columns = {name: data.data[:, number] for number, name in enumerate(data.feature_names)}
    target = np.where(np.arange(442) % 40 == 7, np.nan, data.target)
    copied = pa.array(np.where(np.isnan(target), 0, target * 2 + 1))
    return pa.table({**columns, "visit": np.arange(442), "copied": copied, "progression": target})


@pytest.fixture(scope="module")
def project(patients: pa.Table, tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("work")
    pa_csv.write_csv(patients, place / "patients.csv")
    done = treadle("init", "diabetes", "--data", "patients.csv", "--label", "progression", "--json", cwd=place)
    fields = last_line(done)
    assert (fields["label"], fields["task"]) == ("progression", "regression")
    assert fields["features"] == ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]
    assert "identifier" in fields["left_out"]["visit"]
    assert "label almost alone (R2 of ranks" in fields["left_out"]["copied"]
    return place / "diabetes"


@pytest.fixture(scope="module")
def pushed(project: Path) -> dict:
    run = last_line(treadle("run", "pipeline.py", "--json", cwd=project))
    assert run["state"] == "succeeded"
    return run


def test_it_learns_and_is_judged_as_a_number(project: Path, pushed: dict) -> None:
    assert (project / "serving" / "diabetes" / "champion").read_text().strip() == "1"
    manifest = json.loads((project / "serving" / "diabetes" / "1" / "manifest.json").read_text())
    assert manifest["task"] == "regression"
    store = project / ".treadle"
    found = [json.loads(file.read_text()) for file in store.rglob("evaluation.json")]
    overall = found[0]["slices"][""]
    assert set(overall) == {"count", "mean_label", "mean_prediction", "mae", "rmse", "r2"}
    assert 0.2 < overall["r2"] < 0.7
    verdict = json.loads(next(store.rglob("verdict.json")).read_text())
    assert "r2" in json.dumps(verdict)


def test_it_serves_and_is_monitored(project: Path, pushed: dict) -> None:
    written = read_table(project.parent / "patients.csv")
    known = written.filter(pc.is_finite(written["progression"])).slice(0, 200)
    features = ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]
    ids = [f"p{number}" for number in range(200)]
    predictions = served(project, "diabetes", {"instances": known.select(features).to_pylist(), "ids": ids})
    assert np.corrcoef(predictions, known["progression"])[0, 1] > 0.7
    assert Traffic(project / "log", "diabetes").read().num_rows == 200
    times = pa.array([datetime.now()] * 200, pa.timestamp("us"))
    labels = pa.table({"prediction_id": ids, "label": known["progression"], "event_time": times})
    LabelStore(project / "labels").add(labels)
    later = (datetime.now().replace(day=1) + timedelta(days=70)).date().isoformat()
    options = ["--model", "diabetes", "--serving", "serving", "--log", "log", "--labels", "labels", "--now", later]
    turns = last_line(treadle("loop", "pipeline.py", *options, "--json", cwd=project))["turns"]
    measured = [turn["quality"]["metrics"] for turn in turns if turn["quality"]]
    expected = float(np.abs(np.array(predictions) - known["progression"].to_numpy()).mean())
    assert measured[0]["mae"] == pytest.approx(expected, rel=1e-6)
    assert "auc" not in measured[0]


def test_a_table_of_a_database(patients: pa.Table, tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "clinic.duckdb")) as connection:
        connection.register("given", patients)
        connection.sql("create table patients as select * from given")
    url = f"duckdb:///{tmp_path}/clinic.duckdb?table=patients"
    treadle("init", "clinic", "--data", url, "--label", "progression", cwd=tmp_path)
    assert f'DATA = "{url}"' in (tmp_path / "clinic" / "pipeline.py").read_text()
    run = last_line(treadle("run", "pipeline.py", "--to", "ingest", "--json", cwd=tmp_path / "clinic"))
    assert (run["state"], run["nodes"]["ingest"]["state"]) == ("succeeded", "ran")


def test_a_password_is_not_written_into_a_project(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "clinic.duckdb")) as connection:
        connection.sql("create table patients as select 1 as x")
    url = f"duckdb:///{tmp_path}/clinic.duckdb?password=hunter2&table=patients"
    done = treadle("init", "clinic", "--data", url, "--label", "x", cwd=tmp_path, code=2)
    assert "${NAME}" in done.stderr
    assert "hunter2" not in done.stderr
    assert not (tmp_path / "clinic").exists()


def test_classes_are_refused_with_the_way_out(tmp_path: Path) -> None:
    iris = load_iris()
    kinds = [str(iris.target_names[number]) for number in iris.target]
    columns = {name: iris.data[:, number] for number, name in enumerate(("sepal", "width", "petal", "petal width"))}
    pq.write_table(pa.table({**columns, "species": kinds}), tmp_path / "iris.parquet")
    done = treadle("init", "iris", "--data", "iris.parquet", "--label", "species", cwd=tmp_path, code=2)
    assert "has 3 classes" in done.stderr
    assert '--positive "setosa"' in done.stderr
    options = ["--label", "species", "--positive", "virginica"]
    done = treadle("init", "iris", "--data", "iris.parquet", *options, cwd=tmp_path)
    assert 'species == "virginica"' in done.stdout


def test_few_numbers_may_be_classes(tmp_path: Path) -> None:
    wine = load_wine()
    columns = {name: wine.data[:, number] for number, name in enumerate(wine.feature_names)}
    pq.write_table(pa.table({**columns, "cultivar": wine.target}), tmp_path / "wine.parquet")
    done = treadle("init", "wine", "--data", "wine.parquet", "--label", "cultivar", cwd=tmp_path)
    assert "taken as numbers" in done.stdout
    assert "--positive 0" in done.stdout


def test_a_fare_is_told_by_its_total_but_not_by_its_distance(tmp_path: Path) -> None:
    table = pq.read_table(TAXI / "yellow_tripdata_sample_2018-01.parquet")
    fare = table["fare_amount"]
    table = table.append_column("fare_with_fee", pc.add(fare, 0.3)).append_column("in_cents", pc.multiply(fare, 100))
    pq.write_table(table, tmp_path / "rides.parquet")
    done = treadle("init", "fares", "--data", "rides.parquet", "--label", "fare_amount", "--json", cwd=tmp_path)
    fields = last_line(done)
    assert {"fare_with_fee", "in_cents"} <= set(fields["left_out"])
    assert "trip_distance" in fields["features"]


def test_nothing_can_be_learned_from_one_value(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [1, 2, 3], "y": [7, 7, 7]}), tmp_path / "a.parquet")
    done = treadle("init", "p", "--data", "a.parquet", "--label", "y", cwd=tmp_path, code=2)
    assert "nothing can be learned" in done.stderr
