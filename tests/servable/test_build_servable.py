"""Building: the proof, the bytes, and nothing left behind where it fails."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from taxi import build_taxi_servable, taxi_rows

from treadle import transform as tt
from treadle.errors import ModelFormatError, ParityError, ServableError
from treadle.frameworks import load_model, save_model
from treadle.ingest import build_examples, list_spans, read_examples, select_spans
from treadle.schema import Schema
from treadle.servable import Servable, build_servable
from treadle.statistics import generate
from treadle.training import fit, load_training_data

EXAMPLE = Path(__file__).parents[2] / "examples" / "taxi"


def preprocess(x: Any) -> dict[str, tt.Column]:
    when = x["pickup_datetime"]
    return {
        "big_tip": x["tip_amount"] > 0.2 * x["fare_amount"],
        "fare": tt.scale_to_z_score(tt.log1p(x["fare_amount"])),
        "distance": tt.scale_to_z_score(tt.log1p(x["trip_distance"])),
        "hour": tt.hour_of_day(when),
        "day": tt.one_hot(tt.day_of_week(when)),
        "pickup": tt.vocabulary(x["pickup_location_id"], top_k=100, num_oov_buckets=1),
        "flag": tt.one_hot(tt.vocabulary(x["store_and_fwd_flag"], num_oov_buckets=1)),
        "surcharge": tt.fill_missing(x["congestion_surcharge"], 0.0),
        "surcharge_z": tt.scale_to_z_score(x["congestion_surcharge"]),
    }


def train_trees(data: Any) -> Any:
    import lightgbm

    settings = {"objective": "binary", "deterministic": True, "num_threads": 1, "seed": 1, "verbosity": -1}
    return lightgbm.train(settings, lightgbm.Dataset(data.train.features, data.train.labels), num_boost_round=30)


def train_linear(data: Any) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=500).fit(np.nan_to_num(data.train.features), data.train.labels)


def without_z(x: Any) -> dict[str, tt.Column]:
    return {name: column for name, column in preprocess(x).items() if name != "surcharge_z"}


def factory(home: Path, train: Any = train_trees, preprocess: Any = preprocess) -> dict[str, Any]:
    """From data files to a servable in ``home``, as the steps of a pipeline do it."""
    schema = Schema.load(EXAMPLE / "schema.toml")
    for name in ("examples", "graph", "transformed", "model"):
        (home / name).mkdir(parents=True)
    spans = select_spans(
        list_spans(str(EXAMPLE / "data" / "yellow_tripdata_sample_{YYYY}-{MM}.parquet")), last="2018-02"
    )
    where = "payment_type = 1 AND fare_amount > 0"
    build_examples(spans, schema=schema, out_path=home / "examples", where=where, splits={"train": 3, "eval": 1})
    reader = read_examples(home / "examples")
    generate(reader.batches("train", columns=reader.manifest.columns), schema=schema).save(home / "train.json")
    graph = tt.analyze(preprocess, schema, lambda columns: reader.batches("train", columns), label="big_tip")
    graph.save(home / "graph")
    tt.write_transformed(graph, reader, home / "transformed")
    save_model(fit(train, load_training_data(home / "transformed")), home / "model")
    model, graph = load_model(home / "model"), tt.TransformGraph.load(home / "graph")
    return build_servable(
        home / "servable",
        feature_model=graph.feature_model(),
        model_onnx=model.to_onnx(),
        feature_names=graph.feature_names,
        native_predict=model.predict,
        transform_rows=graph.feature_matrix,
        schema=schema,
        rows=reader.table("eval"),
        task=model.task,
        baseline_path=home / "train.json",
        versions=model.versions,
    )


def contents(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(path.iterdir())}


def test_from_real_rides_to_a_servable_that_proves_itself(tmp_path: Path) -> None:
    manifest = factory(tmp_path)
    parity = manifest["parity"]
    assert parity["rows"] > 3000
    assert parity["single_rows"] == 64
    assert parity["max_difference"] < 1e-6
    assert parity["flipped"] == 0
    assert manifest["versions"].keys() >= {"treadle", "onnxruntime", "lightgbm"}
    servable = Servable.load(tmp_path / "servable")
    servable.warm_up()
    baseline = servable.baseline()
    assert baseline is not None
    assert baseline.num_rows > 9000
    assert {spec.name for spec in servable.inputs} == {
        "fare_amount",
        "trip_distance",
        "pickup_datetime",
        "pickup_location_id",
        "store_and_fwd_flag",
        "congestion_surcharge",
    }
    reader = read_examples(tmp_path / "examples")
    predictions = servable.predict_table(reader.table("eval"))
    proof = json.loads((tmp_path / "servable" / "parity.json").read_text())
    np.testing.assert_allclose(predictions[:1000], proof["predictions"]["native"], atol=1e-6)


def test_building_twice_in_two_places_gives_the_same_bytes(tmp_path: Path) -> None:
    home = {**os.environ, "OMP_NUM_THREADS": "1"}
    code = "import sys; sys.path.insert(0, sys.argv[1]); import test_build_servable as t; from pathlib import Path; "
    code += "t.factory(Path(sys.argv[2]))"
    for number, name in enumerate(("one", "two/deeper")):
        # Other hash seeds and other processes: nothing may hang on the order of a set or on where it runs.
        environment = {**home, "PYTHONHASHSEED": str(number)}
        command = [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path / name)]
        subprocess.run(command, check=True, env=environment, cwd=tmp_path)
    first, second = (contents(tmp_path / name / "servable") for name in ("one", "two/deeper"))
    assert first == second
    assert Servable.load(tmp_path / "one/servable").digest == Servable.load(tmp_path / "two/deeper/servable").digest
    assert str(tmp_path).encode() not in b"".join(first.values())


def test_a_linear_model_is_proven_too(tmp_path: Path) -> None:
    assert factory(tmp_path, train_linear, without_z)["parity"]["max_difference"] < 1e-6


def test_a_model_that_predicts_no_number_is_refused(tmp_path: Path) -> None:
    # surcharge_z is missing in every ride of 2018, and a linear model knows no missing values.
    with pytest.raises(ParityError, match="Every prediction is NaN") as caught:
        factory(tmp_path, train_linear)
    assert "fill_missing" in str(caught.value.hint)
    assert not (tmp_path / "servable").exists()


def test_the_digest_is_the_manifests(tmp_path: Path) -> None:
    build_taxi_servable(tmp_path / "a")
    manifest = (tmp_path / "a" / "manifest.json").read_bytes()
    assert Servable.load(tmp_path / "a").digest == "sha256:" + hashlib.sha256(manifest).hexdigest()
    build_taxi_servable(tmp_path / "b", bias=0.7)
    assert Servable.load(tmp_path / "b").digest != Servable.load(tmp_path / "a").digest


@pytest.mark.parametrize("off", [lambda p: p + 1e-3, lambda p: np.where(np.arange(len(p)) == 7, np.nan, p)])
def test_a_parity_beyond_its_bound_leaves_nothing(tmp_path: Path, off: Any) -> None:
    build_taxi_servable(tmp_path / "good")
    good = Servable.load(tmp_path / "good")
    with pytest.raises(ParityError, match=r"differs from the native model by up to .*bound 0.0001"):
        build_taxi_servable(tmp_path / "bad", native_predict=lambda _: off(good.predict_table(taxi_rows())))
    assert [path.name for path in tmp_path.iterdir()] == ["good"]


def test_an_infinity_in_the_proof_rows_is_no_difference(tmp_path: Path) -> None:
    rows = taxi_rows()
    fares = rows["fare_amount"].to_pylist()
    fares[3] = float("inf")
    rows = rows.set_column(rows.column_names.index("fare_amount"), "fare_amount", pa.array(fares))
    assert build_taxi_servable(tmp_path / "taxi", rows=rows)["parity"]["max_difference"] < 1e-6
    Servable.load(tmp_path / "taxi").warm_up()


def test_without_rows_there_is_no_proof_and_no_servable(tmp_path: Path) -> None:
    with pytest.raises(ParityError, match="no rows to compare"):
        build_taxi_servable(tmp_path / "taxi", rows=taxi_rows().slice(0, 0))
    assert not list(tmp_path.iterdir())


def test_a_graph_that_needs_what_requests_lack_is_refused(tmp_path: Path) -> None:
    schema = Schema.loads('[features.fare_amount]\ntype = "float"\nnot_in = ["SERVING"]\n')
    with pytest.raises(ServableError, match="needs 'fare_amount', 'trip_distance'.* a request does not have"):
        build_taxi_servable(tmp_path / "taxi", schema=schema)


def test_an_unknown_task_and_a_taken_place_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ServableError, match="is not a task"):
        build_taxi_servable(tmp_path / "taxi", task="ranking")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").write_text("keep")
    with pytest.raises(ServableError, match="something else"):
        build_taxi_servable(tmp_path / "taken")
    assert contents(tmp_path / "taken") == {"mine.txt": b"keep"}


def test_an_empty_directory_is_filled(tmp_path: Path) -> None:
    (tmp_path / "taxi").mkdir()
    build_taxi_servable(tmp_path / "taxi")
    assert Servable.load(tmp_path / "taxi").task == "binary"


def test_a_model_of_another_width_is_refused(tmp_path: Path) -> None:
    from sklearn.linear_model import LinearRegression

    from treadle.frameworks import adapter_for

    model = LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
    narrow = adapter_for(model).to_onnx(model, adapter_for(model).signature(model))
    with pytest.raises(ModelFormatError, match="gives 4 features, the model takes 1"):
        build_taxi_servable(tmp_path / "taxi", model_onnx=narrow)
