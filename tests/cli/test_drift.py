from __future__ import annotations

import json
from pathlib import Path

import pytest

from treadle.cli import main
from treadle.ingest import scan
from treadle.statistics import generate

TAXI = Path(__file__).parents[2] / "examples" / "taxi"
BEFORE, AFTER = (TAXI / "data" / f"yellow_tripdata_sample_{month}.parquet" for month in ("2018-12", "2019-02"))


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as exit_:
        main([str(argument) for argument in arguments])
    output = capsys.readouterr()
    return int(exit_.value.code or 0), output.out, output.err


def test_without_thresholds_drift_is_only_measured(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "drift", BEFORE, AFTER, "--json")
    assert (code, err, out.count("\n")) == (0, "", 1)
    shown = json.loads(out)
    assert shown["drifted"] == {}
    features = shown["features"]
    assert features["extra"]["jensen_shannon"] == pytest.approx(0.18, abs=0.03)
    assert features["extra"]["l_infinity"] is None
    assert features["vendor_id"]["l_infinity"] < 0.05
    assert features["congestion_surcharge"] == {
        "l_infinity": None,
        "jensen_shannon": None,
        "missing": 1.0,
        "missing_p_value": 0.0,
        "comparable": False,
        "note": "the base has no values",
    }


def test_the_thresholds_of_a_schema(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "drift", BEFORE, AFTER, "--schema", TAXI / "schema.toml", "--json")
    assert code == 1
    drifted = json.loads(out)["drifted"]
    assert drifted["extra"] == ["jensen_shannon"]
    assert drifted["congestion_surcharge"] == ["missing"]
    quiet = BEFORE.with_name("yellow_tripdata_sample_2018-11.parquet")
    code, out, _ = run(capsys, "drift", quiet, BEFORE, "--schema", TAXI / "schema.toml", "--json")
    assert (code, json.loads(out)["drifted"]) == (0, {})


def test_one_threshold_for_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "drift", BEFORE, AFTER, "--jensen-shannon", 0.5)[0] == 0
    code, out, _ = run(capsys, "drift", BEFORE, AFTER, "--jensen-shannon", 0.1)
    assert code == 1
    assert any(line.startswith("extra") and "!" in line for line in out.splitlines())
    assert run(capsys, "drift", BEFORE, AFTER, "--missing", 2)[0] == 2


def test_saved_statistics_are_a_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved = tmp_path / "before.json"
    generate(scan(BEFORE)).save(saved)
    _, expected, _ = run(capsys, "drift", BEFORE, AFTER, "--json")
    code, out, _ = run(capsys, "drift", saved, AFTER, "--json")
    assert (code, out) == (0, expected)


def test_a_missing_side_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "drift", BEFORE, tmp_path / "gone.parquet", "--json")
    assert code == 2
    assert json.loads(out)["error"]["code"] == "DATA_FILE_NOT_FOUND"


def test_a_distance_counts_if_it_matters_and_is_no_chance(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few, many = (tmp_path / "few.csv", tmp_path / "few2.csv"), (tmp_path / "many.csv", tmp_path / "many2.csv")
    for (base, new), rows in ((few, 10), (many, 1000)):
        base.write_text("x\n" + "".join(f"{n / rows}\n" for n in range(rows)))
        new.write_text("x\n" + "".join(f"{n / rows + 0.2}\n" for n in range(rows)))
    limits = ("--kolmogorov-smirnov", "0.1", "--p-value", "0.001")
    assert run(capsys, "drift", *few, *limits)[0] == 0
    code, out, _ = run(capsys, "drift", *many, *limits, "--json")
    assert code == 1
    shown = json.loads(out)
    assert shown["drifted"] == {"x": ["kolmogorov_smirnov"]}
    assert shown["features"]["x"]["test"] == "kolmogorov_smirnov"
    assert "p-value" in run(capsys, "drift", *many, "--all")[1]
