"""A servable of the taxi example, built from the rooms directly: no pipeline, no store."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

TAXI = Path(__file__).parents[1] / "examples" / "taxi"


class Built(NamedTuple):
    """What a benchmark compares the servable with."""

    rows: list[dict]
    """Rows as requests bring them."""
    model: Any
    """The native model alone."""
    features: np.ndarray
    """The matrix it was trained on."""


def build(folder: Path, *, months: int = 3) -> Built:
    """Build the servable of the example's model in ``folder``."""
    sys.path.insert(0, str(TAXI))
    import pipeline
    from treadle.frameworks import load_model, save_model
    from treadle.schema import Schema
    from treadle.servable import build_servable
    from treadle.transform import analyze

    schema = Schema.load(pipeline.SCHEMA)
    files = sorted((TAXI / "data").glob("*.parquet"))[:months]
    rides = pa.concat_tables([pq.read_table(path) for path in files]).cast(schema.arrow_schema())
    rides = rides.filter((pc.field("payment_type") == 1) & (pc.field("fare_amount") > 0))
    graph = analyze(
        pipeline.preprocess, schema, lambda c: rides.select(c or rides.column_names).to_batches(), label="big_tip"
    )
    labels = graph.transform(rides, outputs=["big_tip"])["big_tip"].to_numpy()
    split = SimpleNamespace(features=graph.feature_matrix(rides), labels=labels)
    with tempfile.TemporaryDirectory() as staged:
        save_model(pipeline.train(SimpleNamespace(train=split)), Path(staged))
        native = load_model(Path(staged))
    build_servable(
        folder,
        feature_model=graph.feature_model(),
        model_onnx=native.to_onnx(),
        feature_names=graph.feature_names,
        native_predict=native.predict,
        transform_rows=graph.feature_matrix,
        schema=schema,
        rows=rides.slice(0, 1000),
        task="binary",
    )
    rows = rides.select(list(schema.environment("SERVING").features)).slice(0, 1000).to_pylist()
    for row in rows:
        for name, value in row.items():
            row[name] = value.isoformat() if hasattr(value, "isoformat") else value
    return Built(rows, native.native, split.features)
