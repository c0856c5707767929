"""The steps ``validate`` and ``quarantine``: rows, baseline, environment, lineage and policy inside a run."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from treadle.components import ingest, quarantine, statistics, validate
from treadle.ingest import read_examples
from treadle.pipeline import pipeline
from treadle.runner import RunResult, Selection, run
from treadle.validation import mark_lineage

SCHEMA = """
format = "treadle.schema/2"
label = "tip"
severity = { OUT_OF_RANGE = "quarantine" }

[environments.SERVING]
severity = { OUT_OF_RANGE = "ignore" }

[features.fare]
type = "float"
min = 0

[features.score]
type = "float"
produced_by = "sha256:1"

[features.tip]
type = "bool"

[rules.score_is_a_share]
rows = "score BETWEEN 0 AND 1"
severity = "warning"
"""


@pipeline
def checked(pattern: str, schema: str, environment: str, most: float = 0.1) -> None:
    examples = ingest(pattern=pattern, schema=schema, splits={"train": 1.0})
    kept = quarantine(examples, schema=schema, environment=environment, most=most)
    measured = statistics(kept["kept"], schema=schema)
    validate(measured, kept["kept"], schema=schema, environment=environment)


@pipeline
def compared(before: str, now: str, schema: str) -> None:
    old = statistics(ingest(pattern=before, schema=schema, splits={"train": 1.0}, node="old"), schema=schema)
    new = statistics(
        ingest(pattern=now, schema=schema, splits={"train": 1.0}, node="new"), schema=schema, node="measure"
    )
    validate(new, baseline=old, schema=schema)


class World:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "schema.toml").write_text(SCHEMA)

    def rides(self, name: str, fares: list[float], *, model: str = "sha256:1", tips: list[bool] | None = None) -> str:
        table = pa.table(
            {"fare": fares, "score": [0.5] * len(fares), "tip": tips or [place % 2 == 0 for place in range(len(fares))]}
        )
        pq.write_table(mark_lineage(table, {"score": model}), self.folder / f"{name}_2024-01.parquet")
        return f"{self.folder}/{name}_{{YYYY}}-{{MM}}.parquet"

    def check(self, pattern: str, to: str = "validate", **options: object) -> RunResult:
        parameters = {"pattern": pattern, "schema": str(self.folder / "schema.toml"), "environment": "TRAINING"}
        return run(checked, {**parameters, **options}, home=self.folder / "home", selection=Selection(to=(to,)))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def anomalies(result: RunResult, node: str = "validate") -> dict[str, dict[str, object]]:
    found = json.loads((result.nodes[node].outputs["anomalies"].path / "anomalies.json").read_bytes())
    return {anomaly["reason"]: anomaly for anomaly in found["anomalies"]}


def test_guilty_rows_are_set_aside_and_the_others_go_on(world: World):
    result = world.check(world.rides("rides", [5.0] * 19 + [-3.0]))
    assert result.state == "succeeded", [node.error for node in result.nodes.values()]
    kept, aside = (result.nodes["quarantine"].outputs[name] for name in ("kept", "aside"))
    reader = read_examples(kept.path)
    assert reader.manifest.splits == {"train": 19}
    assert (reader.manifest.rows_read, reader.manifest.rows_quarantined) == (20, 1)
    assert reader.manifest.quarantine == {"fare:OUT_OF_RANGE": 1}
    assert [found.rows for found in reader.manifest.span_rows] == [19]
    assert min(reader.table("train")["fare"].to_pylist()) == 5.0
    rows = pq.read_table(aside.path / "train.parquet")
    assert (rows["fare"].to_pylist(), rows["__reasons__"].to_pylist()) == ([-3.0], ["fare:OUT_OF_RANGE"])
    assert result.nodes["statistics"].outputs["statistics"].properties["train"] == 19
    assert anomalies(result) == {}


def test_where_nothing_is_guilty_the_rows_keep_their_names(world: World):
    result = world.check(world.rides("rides", [5.0, 6.0]), to="quarantine")
    before, after = (
        read_examples(result.nodes[node].outputs[name].path)
        for node, name in (("ingest", "examples"), ("quarantine", "kept"))
    )
    assert after.table("train").equals(before.table("train"))
    assert after.manifest == before.manifest


def test_too_many_guilty_rows_stop_the_run(world: World):
    pattern = world.rides("rides", [5.0, -1.0, -2.0])
    result = world.check(pattern)
    assert result.state == "failed"
    assert "2 of 3 rows would be set aside" in str(result.nodes["quarantine"].error)
    assert world.check(pattern, to="quarantine", most=0.7).state == "succeeded"


def test_an_environment_has_a_policy_of_its_own(world: World):
    result = world.check(world.rides("rides", [5.0, -1.0]), environment="SERVING")
    assert result.state == "succeeded"
    assert read_examples(result.nodes["quarantine"].outputs["kept"].path).manifest.splits == {"train": 2}


def test_rules_over_rows_name_the_rows(world: World):
    pattern = world.rides("rides", [5.0, 6.0])
    file = world.folder / "rides_2024-01.parquet"
    table = pq.read_table(file)
    pq.write_table(table.set_column(1, table.schema.field("score"), pa.array([0.5, 7.0])), file)
    result = world.check(pattern)
    broken = anomalies(result)["RULE"]
    assert broken["severity"] == "warning"
    shown = pq.read_table(result.nodes["validate"].outputs["anomalies"].path / "rows.parquet")
    assert shown["value"].to_pylist() == ["score_is_a_share"]
    assert broken["details"]["row_ids"] == shown["row_id"].to_pylist()  # type: ignore[index]


def test_another_upstream_model_is_an_anomaly(world: World):
    assert world.check(world.rides("rides", [5.0])).state == "succeeded"
    result = world.check(world.rides("rides", [5.0], model="sha256:2"))
    assert result.state == "failed"
    assert "comes from sha256:2, not sha256:1" in str(result.nodes["validate"].error)


def test_a_baseline_shows_that_the_label_moved(world: World):
    before = world.rides("old", [5.0] * 1000, tips=[place % 2 == 0 for place in range(1000)])
    now = world.rides("new", [5.0] * 1000, tips=[place % 10 < 7 for place in range(1000)])
    parameters = {"before": before, "now": now, "schema": str(world.folder / "schema.toml")}
    result = run(compared, parameters, home=world.folder / "home")
    assert result.state == "failed"
    assert "LABEL_SHIFT" in str(result.nodes["validate"].error)
    same = run(compared, {**parameters, "now": before}, home=world.folder / "home")
    assert same.state == "succeeded"
