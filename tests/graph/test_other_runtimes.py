"""The proof outside: the same in a process that knows nothing of Treadle, and in a browser's runtime."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from ops import SCHEMA, everything, many_rows

from treadle import transform as tt
from treadle.graph import InputSpec, Session, encode_table, serialize
from treadle.schema import Schema

HERE = Path(__file__).parent
NODE_MODULES = HERE.parents[1] / "build" / "node" / "node_modules"


def exported(
    folder: Path, preprocess: Any, train: pa.Table, table: pa.Table
) -> tuple[tt.TransformGraph, Any, dict[str, str]]:
    graph = tt.analyze(preprocess, SCHEMA, lambda columns: iter(train.select(columns).to_batches()))
    model = serialize(graph.feature_model())
    (folder / "model.onnx").write_bytes(model)
    types = Session(model).inputs
    specs = [InputSpec(name, SCHEMA.features[name].type, kind) for name, kind in types.items()]
    feed = encode_table(specs, table)
    columns = {
        name: [each if types[name] == "string" else repr(each) for each in v[:, 0].tolist()] for name, v in feed.items()
    }
    return graph, columns, dict(types)


def test_another_process_gives_the_same_bits_in_bulk_and_row_by_row(tmp_path: Path) -> None:
    table = many_rows(200, seed=2)
    graph, columns, _ = exported(tmp_path, everything, many_rows(1500), table)
    (tmp_path / "feed.json").write_text(json.dumps(columns))
    files = [str(tmp_path / name) for name in ("model.onnx", "feed.json", "out.npy")]
    ran = subprocess.run([sys.executable, str(HERE / "other_runtime.py"), *files], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    whole, rows = np.load(tmp_path / "out.npy")
    bulk = graph.feature_matrix(table)
    for column, name in enumerate(graph.feature_names):
        np.testing.assert_array_equal(whole[:, column], bulk[:, column], err_msg=name)
        np.testing.assert_array_equal(rows[:, column], bulk[:, column], err_msg=name)


def without_nul(table: pa.Table) -> pa.Table:
    """onnxruntime-web ends a text at a NUL, as C does."""
    for name in ("s", "r"):
        values = [None if text is None else text.replace("\x00", "-") for text in table[name].to_pylist()]
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(values, pa.string()))
    values = [None if text is None else text.replace(b"\x00", b"-") for text in table["y"].to_pylist()]
    return table.set_column(table.schema.get_field_index("y"), "y", pa.array(values, pa.binary()))


def in_the_browsers_runtime(folder: Path, graph: tt.TransformGraph, columns: Any, types: dict[str, str]) -> Any:
    (folder / "feed.json").write_text(json.dumps({"types": types, "columns": columns}))
    files = [str(folder / name) for name in ("model.onnx", "feed.json", "out.bin")]
    ran = subprocess.run(
        ["node", str(HERE / "other_runtime.mjs"), str(NODE_MODULES), *files], capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    return np.frombuffer((folder / "out.bin").read_bytes(), np.float32).reshape(-1, len(graph.feature_names))


@pytest.mark.engines
@pytest.mark.skipif(
    shutil.which("node") is None or not (NODE_MODULES / "onnxruntime-web").exists(),
    reason="npm install --prefix build/node onnxruntime-web@1.30.0 installs the browser's runtime",
)
@pytest.mark.parametrize("rows", [1, 200])
def test_onnxruntime_web_gives_the_same_to_float32(tmp_path: Path, rows: int) -> None:
    table = without_nul(many_rows(rows, seed=3))
    graph, columns, types = exported(tmp_path, everything, many_rows(1500), table)
    got = in_the_browsers_runtime(tmp_path, graph, columns, types)
    bulk = graph.feature_matrix(table)
    for column, name in enumerate(graph.feature_names):
        # Its logarithm and exponential are its own: the last bit of a float32 may differ.
        np.testing.assert_allclose(got[:, column], bulk[:, column], rtol=3e-7, atol=1e-12, err_msg=name)


@pytest.mark.engines
@pytest.mark.skipif(
    shutil.which("node") is None or not (NODE_MODULES / "onnxruntime-web").exists(),
    reason="npm install --prefix build/node onnxruntime-web@1.30.0 installs the browser's runtime",
)
def test_onnxruntime_web_runs_what_is_behind_pieces_and_images(tmp_path: Path) -> None:
    """The steps before the graph are taken here, as a page would take them; the graph is the whole rest."""
    image = pytest.importorskip("PIL.Image", reason="pip install 'treadle[images]'")
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\nun\n##able\na\n", encoding="utf-8")
    schema = Schema.loads('[features.text]\ntype = "string"\n[features.photo]\ntype = "bytes"\n')

    def preprocess(x: Any) -> dict[str, tt.Column]:
        pieces = tt.wordpiece(x["text"], tmp_path / "vocab.txt", size=6)
        return {
            "id": tt.token_ids(pieces, padding="[PAD]"),
            "mask": tt.token_mask(pieces),
            "bag": tt.bag_of_words(pieces),
            "spread": tt.token_ids(tt.tokens(tt.replace(x["text"], "\x00", ""), size=3), num_oov_buckets=5),
            "px": tt.image(x["photo"], (2, 3), mean=0.5, std=(0.2, 0.3, 0.4), layout="chw"),
        }

    out = BytesIO()
    image.new("RGB", (9, 7), (10, 200, 30)).save(out, "PNG")
    table = pa.table({"text": ["a unable\x00 nope", "", None], "photo": [out.getvalue(), None, out.getvalue()]})
    graph = tt.analyze(preprocess, schema, lambda columns: iter(table.select(columns).to_batches()))
    model = serialize(graph.feature_model())
    (tmp_path / "model.onnx").write_bytes(model)
    session = Session(model)
    specs = [InputSpec(name, schema.features[name].type, kind) for name, kind in session.inputs.items()]
    feed = session._with_prepared(encode_table(specs, table))
    kinds = {"O": "string", "i": "int64", "f": "float64"}
    types = {name: kinds[tensor.dtype.kind] for name, tensor in feed.items()}
    columns = {
        name: [[each if types[name] == "string" else repr(each) for each in row] for row in tensor.tolist()]
        for name, tensor in feed.items()
    }
    got = in_the_browsers_runtime(tmp_path, graph, columns, types)
    np.testing.assert_array_equal(got, graph.feature_matrix(table))
