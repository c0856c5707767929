from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from treadle.cli import main
from treadle.validation import mark_lineage

TAXI = Path(__file__).parents[2] / "examples" / "taxi"
SCHEMA = TAXI / "schema.toml"


def month(name: str) -> Path:
    return TAXI / "data" / f"yellow_tripdata_sample_{name}.parquet"


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as exit_:
        main([str(argument) for argument in arguments])
    output = capsys.readouterr()
    return int(exit_.value.code or 0), output.out, output.err


def reasons(out: str) -> set[tuple[str, str, str]]:
    return {(a["feature"], a["reason"], a["severity"]) for a in json.loads(out)["anomalies"]}


def test_real_months_of_2018_pass_with_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    months = [month(f"2018-{number:02d}") for number in range(1, 13)]
    code, out, err = run(capsys, "validate", *months, "--schema", SCHEMA, "--json")
    assert (code, err, out.count("\n")) == (0, "", 1)
    assert json.loads(out)["num_rows"] == 120_000
    assert json.loads(out)["errors"] == 0
    assert ("fare_amount", "OUT_OF_RANGE", "warning") in reasons(out)
    assert ("vendor_id", "OUT_OF_DOMAIN", "warning") in reasons(out)


def test_the_spring_of_2020_does_not(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "validate", month("2020-05"), "--schema", SCHEMA, "--json")
    assert code == 1
    assert ("payment_type", "LOW_PRESENCE", "error") in reasons(out)


def test_a_baseline_brings_the_drift_thresholds(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("validate", month("2019-03"), "--schema", SCHEMA, "--json")
    assert run(capsys, *arguments)[0] == 0
    code, out, _ = run(capsys, *arguments, "--baseline", month("2018-12"))
    assert code == 1
    assert ("extra", "DRIFT_JENSEN_SHANNON", "error") in reasons(out)
    assert ("congestion_surcharge", "DRIFT_UNDEFINED", "warning") in reasons(out)


def test_an_environment_asks_for_its_features_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "requests.parquet"
    table = pq.read_table(month("2018-01"))
    pq.write_table(table.drop_columns(["tip_amount", "total_amount", "dropoff_datetime"]), file)
    arguments = ("validate", file, "--schema", SCHEMA, "--json")
    code, out, _ = run(capsys, *arguments)
    assert code == 1
    assert {name for name, reason, _ in reasons(out) if reason == "MISSING_COLUMN"} == {
        "tip_amount",
        "total_amount",
        "dropoff_datetime",
    }
    assert run(capsys, *arguments, "--environment", "SERVING")[0] == 0


def test_a_column_that_vanishes_from_one_of_several_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "b.parquet"
    pq.write_table(pq.read_table(month("2018-02")).drop_columns(["extra"]), file)
    code, out, _ = run(capsys, "validate", month("2018-01"), file, "--schema", SCHEMA)
    assert code == 1
    assert f"error    extra: The column is not there in {file}. [MISSING_COLUMN]" in out
    assert out.splitlines()[-1].startswith("20,000 rows: ")


def test_text_declared_as_string_is_not_taken_for_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schema, file = tmp_path / "schema.toml", tmp_path / "a.csv"
    schema.write_text('[features.zip]\ntype = "string"\nvalues = ["007"]\n[features.n]\ntype = "int"\n')
    file.write_text("zip,n\n007,1\n007,x\n")
    code, out, _ = run(capsys, "validate", file, "--schema", schema, "--json")
    assert code == 1
    assert reasons(out) == {("n", "WRONG_TYPE", "error")}


def test_a_schema_is_needed_and_must_be_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "validate", month("2018-01"))[0] == 2
    broken = tmp_path / "schema.toml"
    broken.write_text("features = 1")
    code, out, _ = run(capsys, "validate", month("2018-01"), "--schema", broken, "--json")
    assert code == 2
    assert json.loads(out)["error"]["code"] == "SCHEMA"


def test_wrong_rows_are_written_and_set_aside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schema, data, rows, folder = (tmp_path / name for name in ("s.toml", "d.csv", "rows.parquet", "out"))
    schema.write_text(
        'key = "id"\n[features.id]\ntype = "int"\n[features.x]\ntype = "int"\nmax = 5\n'
        'severity = { OUT_OF_RANGE = "quarantine" }\n[rules.even]\nrows = "id % 2 = 0"\nseverity = "warning"\n'
    )
    data.write_text("id,x\n2,1\n4,9\n5,3\n")
    code, out, _ = run(capsys, "validate", data, "--schema", schema)
    assert code == 1
    assert "(row 4) [OUT_OF_RANGE]" in out
    assert "(row 5) [RULE]" in out
    code, out, err = run(capsys, "validate", data, "--schema", schema, "--rows", rows, "--quarantine", folder, "--json")
    assert (code, err.startswith("3 rows: 2 kept, 1 set aside")) == (0, True)
    assert ("x", "OUT_OF_RANGE", "quarantine") in reasons(out)
    assert pq.read_table(rows).column("row_id").to_pylist() == ["4", "5"]
    assert pq.read_table(folder / "kept.parquet").column("id").to_pylist() == [2, 5]
    assert pq.read_table(folder / "aside.parquet").to_pylist() == [{"id": 4, "x": 9, "__reasons__": "x:OUT_OF_RANGE"}]
    assert sorted(path.name for path in folder.iterdir()) == ["aside.parquet", "kept.parquet"]


def test_advice_never_stops(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schema, data = tmp_path / "s.toml", tmp_path / "d.csv"
    schema.write_text('[features.x]\ntype = "int"\n')
    data.write_text("x\n1\n1\n")
    code, out, _ = run(capsys, "validate", data, "--schema", schema, "--advice")
    assert (code, "advice   x: Every row has the same value. [CONSTANT]" in out) == (0, True)
    code, out, _ = run(capsys, "validate", data, "--schema", schema, "--advice", "--json")
    assert {hint["hunch"] for hint in json.loads(out)["advice"]} == {"CONSTANT", "DUPLICATE_ROWS"}


def test_a_column_of_another_upstream_model_stops(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schema, same, other = tmp_path / "s.toml", tmp_path / "a.parquet", tmp_path / "b.parquet"
    schema.write_text('[features.score]\ntype = "float"\nproduced_by = "fraud:3"\n')
    table = pa.table({"score": [0.5]})
    pq.write_table(mark_lineage(table, {"score": "fraud:3"}), same)
    pq.write_table(mark_lineage(table, {"score": "fraud:4"}), other)
    assert run(capsys, "validate", same, "--schema", schema)[0] == 0
    code, out, _ = run(capsys, "validate", same, other, "--schema", schema, "--json")
    assert (code, reasons(out)) == (1, {("score", "UPSTREAM_CHANGED", "error")})
    pq.write_table(table, other)
    code, out, _ = run(capsys, "validate", other, "--schema", schema, "--json")
    assert (code, reasons(out)) == (0, {("score", "NOT_MEASURED", "warning")})


def test_an_environment_that_the_schema_does_not_know_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    (tmp_path / "s.toml").write_text('[features.x]\ntype = "int"\n[features.y]\ntype = "int"\nnot_in = ["SERVING"]\n')
    arguments = ["validate", tmp_path / "a.csv", "--schema", tmp_path / "s.toml", "--environment"]
    assert "does not mention" not in run(capsys, *arguments, "SERVING")[2]
    assert "Did you mean 'SERVING'?" in run(capsys, *arguments, "SERVIN")[2]
