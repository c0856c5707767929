"""The object that predicts, from a directory alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from taxi import FEATURES, build_taxi_servable, taxi_rows

from treadle.errors import InputColumnError, InputValueError, ServableError
from treadle.servable import Servable

RIDE = {"fare_amount": 12.5, "trip_distance": 2.6, "rate_code_id": 1, "pickup_datetime": "2018-10-05T19:18:31"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("servable") / "taxi"
    build_taxi_servable(path)
    return path


@pytest.fixture
def copied(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "taxi"))


def test_it_knows_what_it_takes(built: Path) -> None:
    servable = Servable.load(built)
    assert servable.task == "binary"
    assert servable.feature_names == tuple(FEATURES)
    assert [(spec.name, spec.tensor) for spec in servable.inputs] == [
        ("fare_amount", "float64"),
        ("trip_distance", "float64"),
        ("rate_code_id", "int64"),
        ("pickup_datetime", "int64"),
    ]
    assert "tip_amount" not in servable.schema.features
    assert servable.digest.startswith("sha256:")
    assert servable.baseline() is None
    proof = servable.warm_up()
    assert (proof["rows"], proof["max_difference"]) == (16, 0)
    assert 0 <= proof["max_difference_from_native"] <= servable.manifest["parity"]["max_difference"]


def test_rows_columns_and_tables_predict_alike(built: Path) -> None:
    servable = Servable.load(built)
    table = taxi_rows("2019-03", 300)
    rows = table.select([spec.name for spec in servable.inputs]).to_pylist()
    for row in rows:
        row["pickup_datetime"] = row["pickup_datetime"].isoformat()
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    bulk = servable.predict_table(table)
    assert bulk.dtype == np.float32
    np.testing.assert_array_equal(servable.predict_rows(rows), bulk)
    np.testing.assert_array_equal(servable.predict_columns(columns), bulk)
    np.testing.assert_array_equal([servable.predict_rows([row])[0] for row in rows], bulk)


def test_large_tables_are_predicted_in_parts(built: Path) -> None:
    servable = Servable.load(built)
    table = pa.concat_tables([taxi_rows(count=10_000)] * 4)
    assert len(servable.predict_table(table)) == 40_000


def test_no_rows_are_no_predictions(built: Path) -> None:
    servable = Servable.load(built)
    assert len(servable.predict_rows([])) == 0
    assert len(servable.predict_table(taxi_rows().slice(0, 0))) == 0


def test_missing_values_and_infinities_are_values(built: Path) -> None:
    servable = Servable.load(built)
    assert np.isnan(servable.predict_rows([{**RIDE, "fare_amount": None}])).all()
    assert servable.predict_rows([{**RIDE, "fare_amount": float("inf")}]).tolist() == [0.0]
    assert 0 < servable.predict_rows([{**RIDE, "rate_code_id": None}])[0] < 1


def test_features_that_it_does_not_use_change_nothing(built: Path) -> None:
    servable = Servable.load(built)
    assert servable.predict_rows([{**RIDE, "vendor_id": 99, "other": []}]) == servable.predict_rows([RIDE])


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"fare_amount": "12.5"}, InputValueError, "is text; the feature 'fare_amount' is of type float"),
        ({"rate_code_id": 1.5}, InputValueError, "a number with a fraction"),
        ({"pickup_datetime": "noon"}, InputValueError, "not an ISO 8601 time"),
    ],
)
def test_a_wrong_value_is_refused_with_its_row(
    built: Path, change: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says) as caught:
        Servable.load(built).predict_rows([RIDE, {**RIDE, **change}])
    assert caught.value.where["row"] == 1  # type: ignore[attr-defined]


def test_a_required_feature_that_is_absent_is_refused(built: Path) -> None:
    with pytest.raises(InputColumnError, match="'rate_code_id'"):
        Servable.load(built).predict_rows([{k: v for k, v in RIDE.items() if k != "rate_code_id"}])


def test_many_threads_may_predict_at_once(built: Path) -> None:
    servable = Servable.load(built)
    table = taxi_rows(count=500)
    expected = servable.predict_table(table)
    with ThreadPoolExecutor(8) as pool:
        for got in pool.map(lambda _: servable.predict_table(table), range(32)):
            np.testing.assert_array_equal(got, expected)


def test_more_threads_in_the_model_predict_the_same(built: Path) -> None:
    table = taxi_rows(count=2000)
    np.testing.assert_allclose(
        Servable.load(built, threads=2).predict_table(table), Servable.load(built).predict_table(table), atol=1e-6
    )


@pytest.mark.parametrize("name", ["model.onnx", "schema.toml", "warmup.json", "parity.json"])
def test_a_flipped_byte_is_found(copied: Path, name: str) -> None:
    data = bytearray((copied / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copied / name).write_bytes(data)
    with pytest.raises(ServableError, match=f"{name} is not what was built"):
        Servable.load(copied)


@pytest.mark.parametrize("name", ["model.onnx", "schema.toml", "warmup.json", "parity.json"])
@pytest.mark.parametrize("verify", [True, False])
def test_a_missing_file_is_found(copied: Path, name: str, verify: bool) -> None:
    (copied / name).unlink()
    with pytest.raises(ServableError, match=f"lacks {name}"):
        Servable.load(copied, verify=verify)


def test_a_truncated_model_is_refused_also_unverified(copied: Path) -> None:
    data = (copied / "model.onnx").read_bytes()
    (copied / "model.onnx").write_bytes(data[: len(data) // 2])
    with pytest.raises(Exception, match="ONNX Runtime refuses the model"):
        Servable.load(copied, verify=False)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"format": "treadle.servable/99"}, r"format 'treadle.servable/99'.*reads 'treadle.servable/1'"),
        ({"format": 3}, "is not the manifest of a servable"),
        ({"files": []}, "lacks its list of files"),
        ({"files": {"model.onnx": {}}}, "does not list parity.json, schema.toml, warmup.json"),
        ({"inputs": []}, "name different inputs"),
    ],
)
def test_a_manifest_that_cannot_be_is_refused(copied: Path, change: dict[str, Any], says: str) -> None:
    manifest = json.loads((copied / "manifest.json").read_text())
    (copied / "manifest.json").write_text(json.dumps(manifest | change))
    with pytest.raises(ServableError, match=says):
        Servable.load(copied)


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 100_000, '{"files": {"../../etc/passwd": {}}}'])
def test_a_manifest_that_is_none_is_refused(copied: Path, text: str) -> None:
    (copied / "manifest.json").write_text(text)
    with pytest.raises(ServableError):
        Servable.load(copied)


def test_files_outside_the_servable_are_never_read(copied: Path) -> None:
    manifest = json.loads((copied / "manifest.json").read_text())
    manifest["files"]["../outside"] = {"sha256": "", "size": 0}
    (copied / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ServableError, match="names a file outside"):
        Servable.load(copied, verify=False)


def test_no_servable_is_said_plainly(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(ServableError, match="no servable here"):
            Servable.load(path)


def test_a_machine_that_predicts_something_else_is_noticed(copied: Path) -> None:
    warmup = json.loads((copied / "warmup.json").read_text())
    warmup["predictions"][1] += 0.01
    (copied / "warmup.json").write_text(json.dumps(warmup))
    with pytest.raises(ServableError, match="not predicted as they were"):
        Servable.load(copied, verify=False).warm_up()


def test_predicting_loads_neither_onnx_nor_a_framework(built: Path) -> None:
    code = (
        "import sys; from treadle.servable import Servable; import json\n"
        "servable = Servable.load(sys.argv[1]); servable.warm_up(); servable.predict_rows([json.loads(sys.argv[2])])\n"
        "print([m for m in ('onnx', 'sklearn', 'lightgbm', 'duckdb', 'pandas', 'scipy') if m in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(built), json.dumps(RIDE)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "[]"
