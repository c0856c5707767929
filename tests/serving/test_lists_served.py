"""Features that are lists, from a servable over HTTP into the request log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from client import Client
from test_text_servable import linear

from treadle import transform as tt
from treadle.schema import Schema
from treadle.servable import Servable, build_servable
from treadle.serving import ServerProcess

SCHEMA = Schema.loads("""
[features.amounts]
type = "float"
list = true
max_items = 5
[features.tags]
type = "string"
list = true
max_items = 3
required = false
[features.seen]
type = "timestamp"
list = true
max_items = 2
[features.raw]
type = "bytes"
list = true
max_items = 2
""")
ROWS = pa.table(
    {
        "amounts": [[1.0, 2.5, None], [], None, [float("nan"), 7.0], [1.0] * 8] * 4,
        "tags": [["a", "b"], None, ["é\x00"], [], ["b", None, "b", "late"]] * 4,
        "seen": [[0, 3_600_000_000], None, [], [None], [86_400_000_000]] * 4,
        "raw": [[b"x", None], [], None, ["é".encode()], [b""]] * 4,
    },
    schema=SCHEMA.arrow_schema(),
)


def preprocess(x: Any) -> dict[str, Any]:
    return {
        "mean": tt.fill_missing(x["amounts"].mean(), -1),
        "long": tt.fill_missing(x["amounts"].length(), -1),
        "tags": tt.multi_hot(x["tags"]),
        "hour": tt.fill_missing(tt.hour_of_day(x["seen"][1]), 0),
        "x": x["raw"].contains("x"),
        "last": tt.scale_to_z_score(tt.items(x["amounts"], size=2, keep="last")),
    }


@pytest.fixture
def servable(tmp_path: Path) -> Servable:
    graph = tt.analyze(preprocess, SCHEMA, lambda columns: iter(ROWS.select(columns).to_batches()))
    width = len(graph.feature_names)
    build_servable(
        tmp_path / "lists",
        feature_model=graph.feature_model(),
        model_onnx=linear(width),
        feature_names=graph.feature_names,
        native_predict=lambda features: np.nan_to_num(features) @ (np.arange(width) % 7 / 10),
        transform_rows=graph.feature_matrix,
        schema=SCHEMA,
        rows=ROWS,
        task="regression",
    )
    return Servable.load(tmp_path / "lists")


def as_json(value: Any) -> Any:
    """What a client would write: times as text, bytes as base64, no NaN."""
    import base64

    if isinstance(value, list):
        return [as_json(item) for item in value]
    if isinstance(value, bytes):
        return {"b64": base64.b64encode(value).decode()}
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return None if isinstance(value, float) and value != value else value


def test_lists_are_answered_as_in_bulk_and_logged_as_they_came(servable: Servable, tmp_path: Path) -> None:
    servable.warm_up()
    expected = servable.predict_table(ROWS)
    rows = [{name: as_json(value) for name, value in row.items()} for row in ROWS.to_pylist()]
    del rows[1]["tags"]  # it need not be there
    with ServerProcess(servable.path, log=tmp_path / "log") as server:
        client = Client(server)
        path = "/v1/models/lists:predict"
        together = client.post({"instances": rows}, path)
        assert together.status == 200, together.data
        columns = {name: [row.get(name) for row in rows] for name in rows[0]}
        by_columns = client.post({"inputs": columns}, path)
        assert by_columns.status == 200, by_columns.data
        alone = [client.post({"instances": [row]}, path).json["predictions"][0] for row in rows[:5]]
        wrong = [
            ({"amounts": [1.0, "x"], "seen": [], "raw": []}, "amounts"),
            ({"amounts": 3.0, "seen": [], "raw": []}, "amounts"),
            ({"amounts": [], "tags": [["a"]], "seen": [], "raw": []}, "tags"),
            ({"amounts": [], "seen": ["soon"], "raw": []}, "seen"),
        ]
        for row, field in wrong:
            refused = client.post({"instances": [row]}, path)
            assert refused.status == 400, refused.data
            assert field in refused.data.decode()
    np.testing.assert_array_equal(np.float32(together.json["predictions"]), expected)
    np.testing.assert_array_equal(np.float32(by_columns.json["outputs"]), expected)
    np.testing.assert_array_equal(np.float32(alone), expected[:5])
    log = pa.concat_tables([pq.read_table(file) for file in sorted((tmp_path / "log" / "lists").glob("*.parquet"))])
    logged = log.slice(0, ROWS.num_rows).select(["tags", "amounts", "seen", "raw"]).to_pylist()
    sent = ROWS.select(["tags", "amounts", "seen", "raw"]).to_pylist()
    assert [as_json(list(row.values())) for row in logged] == [as_json(list(row.values())) for row in sent]
