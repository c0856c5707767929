"""A servable whose graph takes hashes and tokens: what is prepared of a text travels with the model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pyarrow as pa
import pytest

from treadle import transform as tt
from treadle.errors import ModelFormatError
from treadle.graph import Session
from treadle.schema import Schema
from treadle.servable import Servable, build_servable

SCHEMA = Schema.loads('[features.title]\ntype = "string"\n[features.note]\ntype = "string"\nrequired = false\n')
WORDS = ["red house", "Blue  HOUSE", "", "a\x00b \U0001f600", "one two three four five", "é"]
ROWS = pa.table({"title": [*WORDS, None] * 8, "note": [None, *WORDS] * 8})


def preprocess(x: Any) -> dict[str, tt.Column]:
    words = tt.tokens(tt.lower(x["title"]), size=3)
    return {
        "hash": tt.hash_buckets(x["title"], 100),
        "new": tt.vocabulary(x["note"], top_k=2, num_oov_buckets=4),
        "bag": tt.bag_of_words(words),
        "ids": tt.token_ids(words, num_oov_buckets=1),
        "rare": tt.tfidf(words),
        "short": tt.length(x["note"]) < 6,
    }


def linear(width: int) -> onnx.ModelProto:
    from onnx import helper, numpy_helper

    weights = (np.arange(width, dtype=np.float32) % 7 / 10).reshape(-1, 1)
    nodes = [
        helper.make_node("IsNaN", ["x"], ["gone"]),
        helper.make_node("Where", ["gone", "zero", "x"], ["filled"]),
        helper.make_node("MatMul", ["filled", "w"], ["y"]),
    ]
    given = [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["N", width])]
    found = [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["N", 1])]
    constants = [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(np.float32(0), "zero")]
    graph = helper.make_graph(nodes, "model", given, found, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def build(path: Path) -> tt.TransformGraph:
    graph = tt.analyze(preprocess, SCHEMA, lambda columns: iter(ROWS.select(columns).to_batches()))
    width = len(graph.feature_names)
    weights = np.arange(width) % 7 / 10
    build_servable(
        path,
        feature_model=graph.feature_model(),
        model_onnx=linear(width),
        feature_names=graph.feature_names,
        native_predict=lambda features: np.nan_to_num(features) @ weights,
        transform_rows=graph.feature_matrix,
        schema=SCHEMA,
        rows=ROWS,
        task="regression",
    )
    return graph


def test_it_predicts_in_bulk_and_alone_from_raw_text(tmp_path: Path) -> None:
    build(tmp_path / "servable")
    servable = Servable.load(tmp_path / "servable")
    assert {spec.name: spec.tensor for spec in servable.inputs} == {"title": "string", "note": "string"}
    servable.warm_up()
    together = servable.predict_table(ROWS)
    alone = [servable.predict_rows([row])[0] for row in ROWS.to_pylist()]
    np.testing.assert_allclose(alone, together, rtol=1e-6)
    assert servable.predict_rows([{"title": "red house"}]) == servable.predict_rows(
        [{"title": "red house", "note": None}]
    )
    assert len(servable.predict_rows([])) == 0


def test_another_process_predicts_the_same(tmp_path: Path) -> None:
    build(tmp_path / "servable")
    code = (
        "import json, sys; from treadle.servable import Servable; "
        "s = Servable.load(sys.argv[1]); rows = json.loads(sys.argv[2]); "
        "print(json.dumps([float(v) for v in s.predict_rows(rows)])); "
        "assert 'onnx' not in sys.modules and 'treadle.transform' not in sys.modules"
    )
    rows = ROWS.slice(0, 7).to_pylist()
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "servable"), json.dumps(rows)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    expected = Servable.load(tmp_path / "servable").predict_rows(rows)
    assert json.loads(done.stdout) == [float(value) for value in expected]


def test_building_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        build(tmp_path / name)
    assert Servable.load(tmp_path / "a").digest == Servable.load(tmp_path / "b").digest


@pytest.mark.parametrize(
    ("stored", "says"),
    [
        ("[", "cannot be read"),
        ('{"title/hash_0":{"feature":"title","steps":[["rhyme"],["hash",""]]}}', "does not know: hash, rhyme"),
        ('{"title/hash_0":{"feature":"title","steps":[["lower"]]}}', "does not know"),
        ('{"title/hash_0":{"steps":[]}}', "cannot be read"),
    ],
)
def test_steps_that_are_not_known_are_refused(stored: str, says: str) -> None:
    graph = tt.analyze(lambda x: {"h": tt.hash_buckets(x["title"], 9)}, SCHEMA, lambda columns: iter([]))
    model = graph.feature_model()
    model.metadata_props[0].value = stored
    with pytest.raises(ModelFormatError, match=says):
        Session(model.SerializeToString())


def test_a_feed_without_the_text_is_named() -> None:
    graph = tt.analyze(lambda x: {"h": tt.hash_buckets(x["title"], 9)}, SCHEMA, lambda columns: iter([]))
    with pytest.raises(ModelFormatError, match="lacks 'title'"):
        Session(graph.feature_model().SerializeToString()).run({})
