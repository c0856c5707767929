"""``treadle predict`` as a user runs it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest
from in_process import called

sys.path.insert(0, str(Path(__file__).parents[1] / "servable"))

from taxi import SCHEMA, build_taxi_servable, taxi_rows

from treadle.schema import Schema
from treadle.servable import Servable

FIELDS = ["fare_amount", "trip_distance", "rate_code_id", "pickup_datetime", "store_and_fwd_flag", "vendor_id"]


@pytest.fixture(scope="module")
def servable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("servable") / "taxi"
    build_taxi_servable(path)
    return path


@pytest.fixture(scope="module")
def expected(servable: Path) -> list[float]:
    found: list[float] = Servable.load(servable).predict_table(taxi_rows(count=300)).tolist()
    return found


def write(path: Path, rows: pa.Table | None = None) -> Path:
    rows = taxi_rows(count=300).select(FIELDS) if rows is None else rows
    if path.suffix == ".parquet":
        pq.write_table(rows, path)
    elif path.suffix == ".csv":
        pc.write_csv(rows, path)
    else:
        lines = [{**row, "pickup_datetime": row["pickup_datetime"].isoformat()} for row in rows.to_pylist()]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def read(path: Path) -> list[Any]:
    if path.suffix == ".parquet":
        return list(pq.read_table(path)["prediction"].to_pylist())
    if path.suffix == ".csv":
        return list(pc.read_csv(path)["prediction"].to_pylist())
    return [json.loads(line)["prediction"] for line in path.read_text().splitlines()]


@pytest.mark.parametrize("given", [".parquet", ".csv", ".jsonl"])
@pytest.mark.parametrize("written", [".parquet", ".csv", ".jsonl", ".json"])
def test_every_format_in_and_out(
    servable: Path, expected: list[float], tmp_path: Path, given: str, written: str
) -> None:
    rides, out = write(tmp_path / f"rides{given}"), tmp_path / f"out{written}"
    done = called("predict", servable, rides, "-o", out)
    assert done.returncode == 0, done.stderr
    assert "300 rows, mean prediction 0." in done.stderr
    assert done.stdout == ""
    assert read(out) == pytest.approx(expected, abs=1e-7)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([rides.name, out.name])


def test_without_an_output_predictions_are_printed(servable: Path, expected: list[float], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "treadle", "predict", servable, write(tmp_path / "rides.parquet")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert [json.loads(line)["prediction"] for line in done.stdout.splitlines()] == expected


def test_json_is_one_line(servable: Path, expected: list[float], tmp_path: Path) -> None:
    rides = write(tmp_path / "rides.csv")
    digest = Servable.load(servable).digest
    done = called("predict", servable, rides, "--json")
    assert len(done.stdout.splitlines()) == 1
    printed = json.loads(done.stdout)
    assert printed == {
        "rows": 300,
        "mean": pytest.approx(sum(expected) / 300),
        "digest": digest,
        "predictions": pytest.approx(expected, abs=1e-7),
    }
    done = called("predict", servable, rides, "-o", tmp_path / "out.csv", "--json")
    assert json.loads(done.stdout) | {"mean": 0} == {
        "rows": 300,
        "mean": 0,
        "digest": digest,
        "output": str(tmp_path / "out.csv"),
    }


def test_the_key_column_is_written_beside(tmp_path: Path) -> None:
    schema = Schema.loads('key = "vendor_id"\n' + SCHEMA)
    build_taxi_servable(tmp_path / "taxi", schema=schema)
    for name in ("rides.parquet", "rides.jsonl"):
        done = called("predict", tmp_path / "taxi", write(tmp_path / name), "-o", tmp_path / "out.parquet")
        assert done.returncode == 0, done.stderr
        out = pq.read_table(tmp_path / "out.parquet")
        assert out.column_names == ["vendor_id", "prediction"]
        assert out["vendor_id"].to_pylist() == taxi_rows(count=300)["vendor_id"].to_pylist()


def test_no_rows_are_a_file_without_rows(servable: Path, tmp_path: Path) -> None:
    rides = write(tmp_path / "rides.parquet", taxi_rows().select(FIELDS).slice(0, 0))
    assert called("predict", servable, rides, "-o", tmp_path / "out.parquet").returncode == 0
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 0
    printed = called("predict", servable, rides, "--json").stdout
    assert json.loads(printed) | {"digest": ""} == {"rows": 0, "mean": None, "digest": "", "predictions": []}


GOOD = '{"fare_amount": 5, "trip_distance": 1, "rate_code_id": 1, "pickup_datetime": "2018-01-01T00:00:00"}\n'


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("gone.parquet", None, "no such file"),
        ("gone.jsonl", None, "cannot be read"),
        ("empty.csv", "", "is empty"),
        ("empty.jsonl", "", "is empty"),
        ("cut.parquet", "PAR1 and no more", "cut.parquet"),
        ("ragged.csv", "fare_amount,trip_distance\n1,2\n1,2,3\n", "row"),
        ("latin.jsonl", b'{"store_and_fwd_flag": "\xe9"}\n', "line 1"),
        ("nan.jsonl", GOOD + '{"fare_amount": NaN}\n', "line 2"),
        ("list.jsonl", "[1, 2]\n", "not one JSON object"),
        ("deep.jsonl", "[" * 10_000 + "\n", "line 1"),
        ("text.jsonl", GOOD + GOOD.replace("5", '"5"', 1), "column fare_amount, row 1"),
        ("lacks.jsonl", GOOD + '{"fare_amount": 5}\n', "column trip_distance, row 1"),
        ("lacks.csv", "fare_amount,trip_distance\n1,2\n", "'rate_code_id' is not among the columns"),
        ("words.csv", "fare_amount,trip_distance,rate_code_id,pickup_datetime\na,2,1,2018-01-01\n", "fare_amount"),
        ("odd.xyz", "what", "format is not known"),
    ],
)
def test_bad_input_says_what_and_where_and_leaves_nothing(
    servable: Path, tmp_path: Path, name: str, content: str | bytes | None, says: str
) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    done = called("predict", servable, file, "-o", tmp_path / "out.parquet", "--json")
    assert done.returncode == 2
    assert says in done.stderr
    assert name in done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads(done.stdout)["error"]["code"] != "INTERNAL"
    assert [path.name for path in tmp_path.iterdir()] == ([] if content is None else [name])


def test_bad_places_are_refused(servable: Path, tmp_path: Path) -> None:
    rides = write(tmp_path / "rides.parquet")
    before = rides.read_bytes()
    cases = {
        ("predict", servable, rides, "-o", rides): "would replace the input",
        ("predict", servable, rides, "-o", tmp_path / "out.xlsx"): "format is not known",
        ("predict", servable, rides, "-o", tmp_path / "no" / "out.csv"): "mkdir -p",
        ("predict", tmp_path, rides): "no servable here",
    }
    for arguments, says in cases.items():
        done = called(*arguments)
        assert done.returncode == 2
        assert says in done.stderr
    assert rides.read_bytes() == before


def test_a_servable_with_a_flipped_byte_does_not_predict(servable: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(servable, tmp_path / "taxi"))
    data = bytearray((copied / "model.onnx").read_bytes())
    data[-100] ^= 4
    (copied / "model.onnx").write_bytes(data)
    done = called("predict", copied, write(tmp_path / "rides.csv"), "-o", tmp_path / "out.csv")
    assert done.returncode == 2
    assert "model.onnx is not what was built" in done.stderr
    assert not (tmp_path / "out.csv").exists()


def test_a_parquet_output_says_which_servable_made_it(servable: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    from treadle.validation import lineage_of

    out = tmp_path / "out.parquet"
    assert called("predict", servable, write(tmp_path / "rides.parquet"), "-o", out).returncode == 0
    assert lineage_of(pq.read_schema(out)) == {"prediction": Servable.load(servable).digest}
