"""Flights analysed, transformed and written in one command; 20 raw columns in bulk; one row through 200 trees.

The flights come from `python tools/build_flights_data.py`; without them that figure is left out. The limits beside the
figures are the project's own. Polars, DuckDB and scikit-learn do the same by hand (`peers/*_transform.py`), as whole
commands over the same file in the same run.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from environments import SCRIPTS
from features import cpu_of, micros
from processes import Use, measure_with_memory

FLIGHTS = Path(__file__).parents[1] / "build" / "flights" / "flights.parquet"
NUMBERS = [f"n{i}" for i in range(6)]
WHOLE = [f"i{i}" for i in range(6)]
TEXTS = [f"t{i}" for i in range(8)]
COMMAND = """
import sys
import pyarrow as pa, pyarrow.parquet as pq
from treadle import transform as tt
from treadle.schema import Schema
scores = ["dep_delay", "arr_delay", "air_time", "distance", "hour", "minute"]
texts = ["carrier", "origin", "dest", "tailnum"]
types = {**dict.fromkeys([*scores, "dep_time"], "float"), **dict.fromkeys(texts, "string")}
schema = Schema.loads("".join(f'[features.{name}]\\ntype = "{kind}"\\n' for name, kind in types.items()))
def preprocess(x):
    return {
        **{name: tt.scale_to_z_score(x[name]) for name in scores},
        **{name: tt.vocabulary(x[name]) for name in texts},
        "dep_time": tt.bucketize(x["dep_time"], 10),
    }
flights = pq.ParquetFile(sys.argv[1], read_dictionary=texts)
graph = tt.analyze(preprocess, schema, lambda columns: flights.iter_batches(65536, columns=columns))
out = pa.schema([(name, pa.float32()) for name in graph.feature_names])
with pq.ParquetWriter(sys.argv[2], out, compression="zstd") as writer:
    for batch in flights.iter_batches(65536, columns=list(graph.inputs_for())):
        writer.write_table(graph.transform(batch))
"""


def run() -> list[dict]:
    found = [*bulk(), *one_row()]
    return [*flights(), *found] if FLIGHTS.exists() else found


def flights() -> list[dict]:
    ours = whole("-c", COMMAND)
    name = "336,776 flights: 6 z-scores, 4 vocabularies, 10 buckets, whole command"
    return [
        figure(name, ours.wall, f"s wall ({ours.megabytes:.0f} MB)", 0.8),
        figure("the same", ours.cpu, "CPU s", 0.8),
        *(by_hand(module, ours) for module in ("polars", "duckdb", "sklearn") if importlib.util.find_spec(module)),
    ]


def by_hand(module: str, ours: Use) -> dict:
    used = whole(str(SCRIPTS / f"{module}_transform.py"))
    return {
        "name": f"the same by hand with {module}",
        "value": used.wall,
        "unit": f"s wall ({used.cpu:.2f} s CPU, {used.megabytes:.0f} MB)",
        "against": f"treadle ({ours.wall:.2f} s, {ours.cpu:.2f} s CPU)",
        "reference": ours.wall,
        "ratio": used.wall / ours.wall,
    }


def whole(*script: str) -> Use:
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "out.parquet")
        return measure_with_memory([sys.executable, *script, str(FLIGHTS), out], rounds=5)


def twenty(x):
    from treadle import transform as tt

    return {
        **{name: tt.scale_to_z_score(tt.fill_missing(x[name], 0.0)) for name in NUMBERS},
        **{name: tt.bucketize(x[name], 10) for name in WHOLE},
        **{name: tt.vocabulary(x[name], top_k=1000, num_oov_buckets=1) for name in TEXTS},
    }


def twenty_six(x):
    from treadle import transform as tt

    return {**twenty(x), **{f"{name} log": tt.log1p(tt.clip(x[name], 0)) for name in NUMBERS}}


def made(rows: int, preprocess):
    """Rows of 6 floats, 6 integers and 8 texts, and the graph over them."""
    from treadle import transform as tt
    from treadle.schema import Schema

    random = np.random.default_rng(0)
    words = [np.array([f"{name}-word-{i:04}" for i in range(500)], dtype=object) for name in TEXTS]
    table = pa.table(
        {
            **{name: pa.array(random.normal(3, 2, rows), mask=random.random(rows) < 0.05) for name in NUMBERS},
            **{name: random.integers(0, 10_000, rows) for name in WHOLE},
            **{name: each[random.integers(0, 500, rows)] for name, each in zip(TEXTS, words, strict=True)},
        }
    )
    kinds = {**dict.fromkeys(NUMBERS, "float"), **dict.fromkeys(WHOLE, "int"), **dict.fromkeys(TEXTS, "string")}
    schema = Schema.loads("".join(f'[features.{name}]\ntype = "{kind}"\n' for name, kind in kinds.items()))
    return table, tt.analyze(preprocess, schema, lambda columns: iter(table.select(columns).to_batches(65536)))


def bulk() -> list[dict]:
    rows = 200_000
    table, graph = made(rows, twenty_six)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.parquet"
        pq.write_table(table, file)

        def work() -> None:
            batches = pq.ParquetFile(file, read_dictionary=TEXTS).iter_batches(65536, use_threads=False)
            for batch in batches:
                graph.feature_matrix(batch)

        work()
        cost = cpu_of(work) / rows * 1e9
    return [figure("20 raw columns (8 texts) to 26 features, from Parquet", cost, "CPU ns/row", 750)]


def one_row() -> list[dict]:
    """A feed of 20 raw features through the fused graph."""
    import lightgbm

    from treadle.frameworks import adapter_for
    from treadle.graph import InputSpec, Session, encode_table, fuse, serialize

    table, graph = made(20_000, twenty)
    matrix = graph.feature_matrix(table)
    label = (np.nan_to_num(matrix[:, 0]) + matrix[:, 12] / 300 > 0.8).astype(int)
    model = lightgbm.LGBMClassifier(n_estimators=200, n_jobs=1, verbose=-1).fit(matrix, label)
    adapter = adapter_for(model)
    fused = fuse(graph.feature_model(), adapter.to_onnx(model, adapter.signature(model)))
    session = Session(serialize(fused))
    types = dict(zip((*NUMBERS, *WHOLE, *TEXTS), ["float"] * 6 + ["int"] * 6 + ["string"] * 8, strict=True))
    specs = [InputSpec(name, types[name], tensor) for name, tensor in session.inputs.items()]
    feed = encode_table(specs, table.slice(0, 1))
    cost = micros(lambda: session.run(feed))
    return [
        figure(f"one row of 20 raw features and 200 trees, one graph of {len(fused.graph.node)} nodes", cost, "us", 35)
    ]


def figure(name: str, value: float, unit: str, limit: float) -> dict:
    return {
        "name": name,
        "value": value,
        "unit": unit,
        "against": f"limit {limit:g}",
        "reference": limit,
        "ratio": value / limit,
    }
