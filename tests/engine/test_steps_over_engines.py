"""A pipeline whose steps run over an engine: the same artifacts, and the same fingerprints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from treadle import transform as tt
from treadle.components import ingest, statistics, transform
from treadle.pipeline import pipeline
from treadle.runner import RunResult, run

SCHEMA = """
[features.fare]
type = "float"
[features.city]
type = "string"
"""


def preprocess(x: tt.Columns) -> dict[str, Any]:
    return {"label": x["fare"] > 9.0, "fare": tt.scale_to_z_score(x["fare"]), "city": tt.vocabulary(x["city"])}


@pipeline
def measured(data: str, schema: str) -> None:
    examples = ingest(pattern=data, schema=schema)
    statistics(examples, schema=schema)
    transform(examples, schema=schema, preprocess=preprocess, label="label")


@pytest.fixture
def parameters(tmp_path: Path) -> dict[str, str]:
    random = np.random.default_rng(5)
    table = pa.table({"fare": random.lognormal(2, size=3000), "city": random.choice(["Ulm", "Bonn"], 3000)})
    pq.write_table(table, tmp_path / "rides.parquet")
    (tmp_path / "schema.toml").write_text(SCHEMA)
    return {"data": str(tmp_path / "rides.parquet"), "schema": str(tmp_path / "schema.toml")}


def digests(result: RunResult) -> dict[str, str]:
    assert result.state == "succeeded", {name: node.error for name, node in result.nodes.items()}
    return {
        f"{name}.{key}": artifact.digest
        for name, node in result.nodes.items()
        for key, artifact in node.outputs.items()
    }


def test_the_engine_is_not_in_the_fingerprint(
    parameters: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TREADLE_ENGINE", raising=False)
    first = run(measured, parameters, home=tmp_path / "home")
    monkeypatch.setenv("TREADLE_ENGINE", "an engine that would fail if it were asked")
    again = run(measured, parameters, home=tmp_path / "home")
    assert digests(again) == digests(first)
    assert {node.state for node in again.nodes.values()} == {"cached"}


def test_an_engine_that_is_not_there_stops_the_node(
    parameters: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TREADLE_ENGINE", "abacus")
    result = run(measured, parameters, home=tmp_path / "home")
    assert result.state == "failed"
    assert "no engine 'abacus'" in str(result.nodes["statistics"].error)


@pytest.mark.engines
@pytest.mark.parametrize("engine", ["spark", "ray"])
def test_steps_over_an_engine_make_the_same_artifacts(
    engine: str, parameters: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip({"spark": "pyspark", "ray": "ray"}[engine], reason=f"{engine} is not installed")
    monkeypatch.delenv("TREADLE_ENGINE", raising=False)
    plain = run(measured, parameters, home=tmp_path / "plain")
    monkeypatch.setenv("TREADLE_ENGINE", engine)
    monkeypatch.setenv("TREADLE_THREADS", "1")
    over = run(measured, parameters, home=tmp_path / "over", workers=1)
    assert {node.state for node in over.nodes.values()} == {"ran"}
    assert digests(over) == digests(plain)
    monkeypatch.delenv("TREADLE_ENGINE")
    again = run(measured, parameters, home=tmp_path / "over")
    assert {node.state for node in again.nodes.values()} == {"cached"}
