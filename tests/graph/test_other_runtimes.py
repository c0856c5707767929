"""The proof outside: the same in a process that knows nothing of Treadle, and in a browser's runtime.

What a model's metadata says of prepared texts, images and lists is done here, as a page or a program in another
language would do it; the graph is the whole rest.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import ops
import ops_lists
import ops_text
import pyarrow as pa
import pytest

from treadle import transform as tt
from treadle.graph import InputSpec, Session, byte_alphabet, encode_table, serialize
from treadle.schema import Schema

HERE = Path(__file__).parent
NODE_MODULES = HERE.parents[1] / "build" / "node" / "node_modules"
KINDS = {"O": "string", "i": "int64", "f": "float64"}


class Operations(NamedTuple):
    """All operations of a kind at once: what horizontal fusion joins must stay apart in meaning."""

    schema: Schema
    rows: Callable[[int, int], pa.Table]
    ops: dict[str, Callable[[Any], Any]]

    def __call__(self, x: Any) -> dict[str, Any]:
        return {name: op(x) for name, op in self.ops.items()}


EVERYTHING = {
    "numbers": Operations(ops.SCHEMA, ops.many_rows, ops.OPS),
    "texts": Operations(ops.SCHEMA, ops.many_rows, {name: op for name, (op, _) in ops_text.OPS.items()}),
    "lists": Operations(ops_lists.SCHEMA, ops_lists.many_rows, {name: op for name, (op, _) in ops_lists.OPS.items()}),
}


def exported(folder: Path, preprocess: Any, schema: Schema, train: pa.Table, table: pa.Table) -> tt.TransformGraph:
    """Write the model and what goes into it for a table: `model.onnx`, `feed.json`."""
    graph = tt.analyze(preprocess, schema, lambda columns: iter(train.select(columns).to_batches()))
    model = serialize(graph.feature_model())
    (folder / "model.onnx").write_bytes(model)
    session = Session(model)
    specs = [InputSpec(name, schema.features[name].type, kind) for name, kind in session.inputs.items()]
    feed = session._with_prepared(encode_table(specs, table))
    types = {name: KINDS[tensor.dtype.kind] for name, tensor in feed.items()}
    columns = {
        name: [[each if types[name] == "string" else repr(each) for each in row] for row in tensor.tolist()]
        for name, tensor in feed.items()
    }
    (folder / "feed.json").write_text(json.dumps({"types": types, "columns": columns}))
    return graph


@pytest.mark.parametrize("kind", EVERYTHING)
def test_another_process_gives_the_same_bits_in_bulk_and_row_by_row(tmp_path: Path, kind: str) -> None:
    every = EVERYTHING[kind]
    table = every.rows(120, 2)
    agree_elsewhere(exported(tmp_path, every, every.schema, every.rows(1500, 0), table), table, tmp_path)


@pytest.mark.engines
def test_another_process_gives_the_same_bits_for_pieces_and_images(tmp_path: Path) -> None:
    agree_elsewhere(*pieces_and_images(tmp_path), tmp_path)


def agree_elsewhere(graph: tt.TransformGraph, table: pa.Table, folder: Path) -> None:
    files = [str(folder / name) for name in ("model.onnx", "feed.json", "out.npy")]
    ran = subprocess.run([sys.executable, str(HERE / "other_runtime.py"), *files], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    whole, rows = np.load(folder / "out.npy")
    bulk = graph.feature_matrix(table)
    for column, name in enumerate(graph.feature_names):
        np.testing.assert_array_equal(whole[:, column], bulk[:, column], err_msg=name)
        np.testing.assert_array_equal(rows[:, column], bulk[:, column], err_msg=name)


def without_nul(table: pa.Table) -> pa.Table:
    """onnxruntime-web ends a text at a NUL, as C does."""

    def clean(value: Any) -> Any:
        if isinstance(value, list):
            return [clean(each) for each in value]
        if isinstance(value, bytes):
            return value.replace(b"\x00", b"-")
        return value.replace("\x00", "-") if isinstance(value, str) else value

    rows = [{name: clean(value) for name, value in row.items()} for row in table.to_pylist()]
    return pa.Table.from_pylist(rows, schema=table.schema)


def pieces_and_images(folder: Path) -> tuple[tt.TransformGraph, pa.Table]:
    image = pytest.importorskip("PIL.Image", reason="pip install 'treadle[images]'")
    (folder / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\nun\n##able\na\n", encoding="utf-8")
    pieces = [*byte_alphabet(), "un", "ab"]
    (folder / "vocab.json").write_text(json.dumps({piece: number for number, piece in enumerate(pieces)}))
    (folder / "merges.txt").write_text("u n\na b\n")
    schema = Schema.loads('[features.text]\ntype = "string"\n[features.photo]\ntype = "bytes"\n')

    def preprocess(x: Any) -> dict[str, tt.Column]:
        pieces = tt.wordpiece(x["text"], folder / "vocab.txt", size=6)
        return {
            "id": tt.token_ids(pieces, padding="[PAD]"),
            "mask": tt.token_mask(pieces),
            "bag": tt.bag_of_words(pieces),
            "bytes": tt.token_ids(tt.byte_bpe(x["text"], folder / "vocab.json", folder / "merges.txt", size=8)),
            "spread": tt.token_ids(tt.tokens(tt.replace(x["text"], "\x00", ""), size=3), num_oov_buckets=5),
            "px": tt.image(x["photo"], (2, 3), mean=0.5, std=(0.2, 0.3, 0.4), layout="chw"),
        }

    out = BytesIO()
    image.new("RGB", (9, 7), (10, 200, 30)).save(out, "PNG")
    table = pa.table({"text": ["a unable\x00 nope", "", None], "photo": [out.getvalue(), None, out.getvalue()]})
    return exported(folder, preprocess, schema, table, table), table


@pytest.mark.engines
@pytest.mark.skipif(
    shutil.which("node") is None or not (NODE_MODULES / "onnxruntime-web").exists(),
    reason="npm install --prefix build/node onnxruntime-web@1.30.0 installs the browser's runtime",
)
def test_onnxruntime_web_gives_the_same_to_float32(tmp_path: Path) -> None:
    folders = {name: tmp_path / name for name in (*EVERYTHING, "pieces")}
    for folder in folders.values():
        folder.mkdir()
    made = {"pieces": pieces_and_images(folders["pieces"])}
    for name, every in EVERYTHING.items():
        table = without_nul(every.rows(120, 3))
        made[name] = exported(folders[name], every, every.schema, without_nul(every.rows(1500, 0)), table), table
    command = ["node", str(HERE / "other_runtime.mjs"), str(NODE_MODULES), *map(str, folders.values())]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-3000:]
    for name, (graph, table) in made.items():
        got = np.frombuffer((folders[name] / "out.bin").read_bytes(), np.float32).reshape(-1, len(graph.feature_names))
        bulk = graph.feature_matrix(table)
        wanted = np.concatenate([bulk, bulk[:1]])
        for column, feature in enumerate(graph.feature_names):
            # Its logarithm and exponential are its own: the last bit of a float32 may differ.
            np.testing.assert_allclose(got[:, column], wanted[:, column], rtol=3e-7, atol=1e-12, err_msg=feature)
