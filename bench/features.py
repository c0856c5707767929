"""The taxi graph: rows a second in bulk against decoding the same columns, and one row through the fused servable."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

TAXI = Path(__file__).parents[1] / "examples" / "taxi"
sys.path.insert(0, str(TAXI))


def run() -> list[dict]:
    import pipeline
    from treadle.schema import Schema
    from treadle.transform import analyze

    files = sorted((TAXI / "data").glob("*.parquet"))
    schema = Schema.load(pipeline.SCHEMA)
    rides = pa.concat_tables([pq.read_table(path) for path in files]).cast(schema.arrow_schema())
    graph = analyze(
        pipeline.preprocess,
        schema,
        lambda columns: rides.select(columns or rides.column_names).to_batches(),
        label="big_tip",
    )
    columns = list(graph.inputs_for(graph.feature_names))
    decode = cpu_of(lambda: [pq.read_table(path, columns=columns, use_threads=False) for path in files])
    transform = cpu_of(lambda: graph.feature_matrix(rides))
    bulk = {
        "name": f"bulk transform, {len(columns)} raw columns to {len(graph.feature_names)} features",
        "value": transform / rides.num_rows * 1e9,
        "unit": "CPU ns/row",
        "against": f"pyarrow decoding those columns ({decode / rides.num_rows * 1e9:.0f} ns/row)",
        "reference": decode / rides.num_rows * 1e9,
        "ratio": transform / decode,
    }
    return [bulk, *one_row()]


def one_row() -> list[dict]:
    """A row as Python values through the fused graph, against LightGBM alone on ready features."""
    from taxi_model import build

    from treadle.servable import Servable

    with tempfile.TemporaryDirectory() as folder:
        built = build(Path(folder) / "servable")
        servable = Servable.load(Path(folder) / "servable")
    one = {spec.name: [built.rows[0][spec.name]] for spec in servable.inputs}
    ready = built.features[:1].astype(np.float64)
    alone = micros(lambda: built.model.predict(ready, num_threads=1))
    ours = micros(lambda: servable.predict_columns(one))
    return [
        {
            "name": "one raw row -> prediction, in process",
            "value": ours,
            "unit": "us median",
            "against": f"LightGBM alone, features ready ({alone:.0f} us)",
            "reference": alone,
            "ratio": ours / alone,
        }
    ]


def cpu_of(work, rounds: int = 3) -> float:
    """The least CPU seconds of a few rounds."""
    costs = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        costs.append(time.process_time() - began)
    return min(costs)


def micros(work, rounds: int = 3000) -> float:
    """Median microseconds of one call."""
    for _ in range(50):
        work()
    costs = []
    for _ in range(rounds):
        began = time.perf_counter_ns()
        work()
        costs.append(time.perf_counter_ns() - began)
    return median(costs) / 1000
