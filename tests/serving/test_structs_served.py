"""A struct in the schema, beside a model that does not use it: read from files, checked and logged in requests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from client import Client
from test_text_servable import linear

from treadle import transform as tt
from treadle.errors import TransformError
from treadle.ingest import build_examples, list_spans, read_examples, scan
from treadle.monitoring import measure_drift
from treadle.schema import Schema
from treadle.servable import Servable, build_servable
from treadle.serving import ServerProcess
from treadle.statistics import Statistics, generate

SCHEMA = Schema.loads("""
[features.fare]
type = "float"
[features.tags]
type = "string"
list = true
[features.home]
type = "struct"
[features.home.fields.city]
type = "string"
values = ["Bern"]
drift = { l_infinity = 0.1 }
[features.home.fields.seen]
type = "timestamp"
required = false
[features.home.fields.photo]
type = "bytes"
required = false
""")
LINES = """\
{"fare": 1.5, "tags": ["a", "b"], "home": {"city": "Bern"}}
{"fare": 2.5, "tags": null, "home": null}
{"fare": 3.5, "tags": [], "home": {"city": "Thun"}}
"""


def preprocess(x: Any) -> dict[str, Any]:
    return {"fare": x["fare"]}


def test_structs_go_from_json_lines_into_examples_and_statistics(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(LINES)
    build_examples(list_spans(str(tmp_path / "a.jsonl")), schema=SCHEMA, out_path=tmp_path / "examples")
    rows = read_examples(tmp_path / "examples").table("train")
    assert rows.schema.field("home").type == SCHEMA.arrow_schema().field("home").type
    assert rows["tags"].to_pylist() == [["a", "b"], None, []]
    assert [home and home["city"] for home in rows["home"].to_pylist()] == ["Bern", None, "Thun"]
    lenient = scan(tmp_path / "a.jsonl", SCHEMA, lenient=True)
    assert (lenient.table().num_rows, lenient.refused) == (3, [])
    # the first file of a list, or of structs, may hold nothing but nulls
    statistics = Statistics.create(SCHEMA)
    statistics.add(pa.table({"tags": pa.nulls(2), "home": pa.nulls(2)}))
    statistics.add(rows.drop_columns("__row_id__"))
    assert (statistics.features["tags"].missing, statistics.features["home"].type) == (3, "struct")


def test_a_graph_takes_no_struct_and_says_so() -> None:
    with pytest.raises(TransformError, match="'home' is a struct"):
        tt.analyze(lambda x: {"city": x["home"]}, SCHEMA, lambda columns: iter([]))


def test_a_struct_is_served_checked_and_logged(tmp_path: Path) -> None:
    rows = pa.Table.from_pylist(
        [{"fare": 1.0, "tags": ["a"], "home": {"city": "Bern", "photo": b"x"}}] * 4, schema=SCHEMA.arrow_schema()
    )
    graph = tt.analyze(preprocess, SCHEMA, lambda columns: iter(rows.select(columns).to_batches()))
    build_servable(
        tmp_path / "fares",
        feature_model=graph.feature_model(),
        model_onnx=linear(1),
        feature_names=graph.feature_names,
        native_predict=lambda features: features[:, 0] * 0,
        transform_rows=graph.feature_matrix,
        schema=SCHEMA,
        rows=rows,
        task="regression",
    )
    servable = Servable.load(tmp_path / "fares")
    servable.warm_up()
    home = {"city": "Thun", "seen": "2018-10-01T12:30:00", "photo": {"b64": "eA=="}}
    with ServerProcess(tmp_path / "fares", log=tmp_path / "log") as server:
        client = Client(server)
        path = "/v1/models/fares:predict"
        body = {"instances": [{"fare": 2, "tags": None, "home": home}], "ids": ["1"]}
        assert client.post(body, path).status == 200
        wrong = client.post({"instances": [{"fare": 2, "tags": [], "home": {"city": 1}}]}, path)
        assert (wrong.status, b"home.city" in wrong.data) == (400, True)
        described = client.get("/v1/models/fares/metadata").json["features"]
        assert [field["name"] for field in described[2]["fields"]] == ["city", "seen", "photo"]
        assert b'feature="home.city",kind="out_of_domain"' in client.get("/metrics").data
    (segment,) = (tmp_path / "log" / "fares").glob("segment-*.parquet")
    logged = pq.read_table(segment)
    assert logged["home"][0].as_py()["city"] == "Thun"
    assert logged["home"][0].as_py()["photo"] == b"x"
    report = measure_drift(logged, generate(rows), SCHEMA)
    assert report.drifted == {"home.city": {"l_infinity": 1.0}}
