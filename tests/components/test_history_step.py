"""From files with a time to a servable with windows: the past, analyses kept per span, features computed on read."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.linear_model import SGDClassifier

import treadle
from treadle import components as step
from treadle import transform as tt
from treadle.artifact import digest_tree
from treadle.ingest import read_examples
from treadle.runner import RunResult, Selection, run
from treadle.servable import Servable
from treadle.transform import History, Recent

SCHEMA = """
[features.customer]
type = "string"
[features.time]
type = "timestamp"
[features.amount]
type = "float"
[features.fraud]
type = "bool"
not_in = ["SERVING"]
"""


def preprocess(x: Any) -> dict[str, Any]:
    past = {"by": x["customer"], "order": x["time"]}
    return {
        "fraud": x["fraud"] == True,  # noqa: E712 - a column
        "amount": tt.scale_to_z_score(x["amount"]),
        "mean": tt.fill_missing(tt.window(x["amount"], **past, rows=4).mean(), 0),
        "hour": tt.window(x["amount"], **past, seconds=7200, size=8).sum(),
        "before": tt.fill_missing(tt.lag(x["amount"], **past), -1),
    }


def train(data: Any) -> Any:
    model = SGDClassifier(loss="log_loss", random_state=0)
    for batch in data.train.batches(100):
        model.partial_fit(np.nan_to_num(batch.features), batch.labels, classes=[0, 1])
    return model


@treadle.pipeline
def fraud(data: str, schema: str, first: str, last: str, materialize: bool = True) -> None:
    rows = step.ingest(pattern=data, schema=schema, first=first, last=last)
    statistics = step.statistics(rows, schema=schema)
    past = step.history(rows, schema=schema, preprocess=preprocess)
    features = step.transform(past, schema=schema, preprocess=preprocess, label="fraud", materialize=materialize)
    model = step.train(features.transformed, past, trainer=train)
    step.package(model, features.graph, past, statistics, schema=schema)


class Shop:
    """Files of purchases, a month each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "schema.toml").write_text(SCHEMA)
        for month in (1, 2, 3, 4):
            self.arrives(month)

    def arrives(self, month: int) -> None:
        random = np.random.default_rng(month)
        rows = 400
        minutes = np.sort(random.integers(0, 28 * 24 * 60, rows))
        amounts = random.gamma(2, 10, rows)
        table = pa.table(
            {
                "customer": [f"c{i}" for i in random.integers(0, 12, rows)],
                "time": [datetime(2020, month, 1) + timedelta(minutes=int(m)) for m in minutes],
                "amount": amounts,
                "fraud": amounts + random.normal(0, 4, rows) > 30,
            }
        )
        pq.write_table(table, self.folder / f"2020-{month:02d}.parquet")

    def run(self, first: int, last: int, to: str = "package", **more: Any) -> RunResult:
        given = {"data": f"{self.folder}/{{YYYY}}-{{MM}}.parquet", "schema": str(self.folder / "schema.toml")}
        months = {"first": f"2020-{first:02d}", "last": f"2020-{last:02d}"}
        part = Selection(to=(to,))
        result = run(fraud, {**given, **months, **more}, home=self.folder / "home", selection=part)
        assert result.state == "succeeded", [node.error for node in result.nodes.values() if node.error]
        return result

    def kept(self) -> dict[str, int]:
        """The analyses that are kept, and when they were written."""
        return {file.name: file.stat().st_mtime_ns for file in (self.folder / "home" / "analyses").iterdir()}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_a_new_span_is_analysed_alone_and_the_graph_is_that_of_no_cache(shop: Shop) -> None:
    shop.run(1, 3, to="transform")
    before = shop.kept()
    moved = shop.run(2, 4, to="transform")
    after = shop.kept()
    assert {name: after[name] for name in before} == before
    fresh = {name for name in after if name not in before}
    assert 0 < len(fresh) < len(before)
    graph = moved.nodes["transform"].outputs["graph"]
    for file in (shop.folder / "home" / "analyses").iterdir():
        file.unlink()
    bytes_before = digest_tree(graph.path)
    again = Shop(shop.folder)  # the same files in a store that knows nothing of them
    (shop.folder / "home").rename(shop.folder / "old")
    assert digest_tree(again.run(2, 4, to="transform").nodes["transform"].outputs["graph"].path) == bytes_before


def test_a_row_of_the_pipeline_is_a_request_with_what_the_step_kept(shop: Shop) -> None:
    result = shop.run(1, 2, materialize=False)
    extended = result.nodes["history"].outputs["extended"].path
    servable = Servable.load(result.nodes["package"].outputs["servable"].path)
    assert {spec.name for spec in servable.inputs} == {"amount", "time", "amount@customer", "time@customer"}
    assert all(spec.required for spec in servable.inputs)
    reader = read_examples(extended)
    assert set(reader.splits) == {"train", "eval"}
    rows = [row for split in reader.splits for row in reader.table(split).to_pylist()]
    wanted = np.concatenate([servable.predict_table(reader.table(split)) for split in reader.splits])
    names = [spec.name for spec in servable.inputs]
    recent = Recent(History.of(preprocess, treadle.Schema.loads(SCHEMA)))
    for index in sorted(range(len(rows)), key=lambda i: rows[i]["time"]):
        row = {name: rows[index][name] for name in ("customer", "time", "amount", "fraud")}
        request = row | recent.before(row)
        request = {name: request[name] for name in names}
        np.testing.assert_allclose(servable.predict_rows([request])[0], wanted[index], rtol=1e-6)
        recent.see(row)
    later = {"customer": "c1", "time": datetime(2020, 3, 1), "amount": 1.0}
    assert Recent(History.load(extended / "history")).before(later) == recent.before(later)


def test_features_on_read_make_the_same_model_and_less_on_disk(shop: Shop) -> None:
    written, on_read = (shop.run(1, 3, to="train", materialize=written) for written in (True, False))
    models = [digest_tree(result.nodes["train"].outputs["model"].path) for result in (written, on_read)]
    assert models[0] == models[1]
    names = [
        pq.read_schema(r.nodes["transform"].outputs["transformed"].path / "train" / "part-00000.parquet").names
        for r in (written, on_read)
    ]
    assert len(names[0]) == 6
    assert names[1] == ["fraud", "__row_id__"]


def test_the_past_of_earlier_spans_is_carried_on(shop: Shop) -> None:
    @treadle.pipeline
    def two(data: str, schema: str) -> None:
        old = step.ingest(pattern=data, schema=schema, last="2020-02", splits={"train": 1}, node="old")
        new = step.ingest(pattern=data, schema=schema, first="2020-03", last="2020-03", splits={"train": 1}, node="new")
        both = step.ingest(pattern=data, schema=schema, last="2020-03", splits={"train": 1}, node="both")
        first = step.history(old, schema=schema, preprocess=preprocess, node="first")
        step.history(new, first, schema=schema, preprocess=preprocess, node="second")
        step.history(both, schema=schema, preprocess=preprocess, node="whole")

    given = {"data": f"{shop.folder}/{{YYYY}}-{{MM}}.parquet", "schema": str(shop.folder / "schema.toml")}
    result = run(two, given, home=shop.folder / "home")
    assert result.state == "succeeded", [node.error for node in result.nodes.values() if node.error]
    tables = {n: read_examples(result.nodes[n].outputs["extended"].path).table("train") for n in ("second", "whole")}
    columns = ["amount", "amount@customer", "time@customer"]
    assert tables["second"].num_rows == 400
    assert tables["second"].select(columns).to_pylist() == tables["whole"].slice(800).select(columns).to_pylist()
    states = [result.nodes[n].outputs["extended"].path / "history" for n in ("second", "whole")]
    assert digest_tree(states[0]) == digest_tree(states[1])
