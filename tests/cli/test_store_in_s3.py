"""Runs whose artifacts are in S3, on a real server of its protocol."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.engines

PIPELINE = """
from treadle import Output, component, pipeline
from treadle.artifact import Examples, Model


@component
def ingest(spans: list, *, examples: Output[Examples]) -> int:
    (examples.path / "rows").write_text("\\n".join(spans))
    examples.properties.update(first_span=spans[0], last_span=spans[-1])
    return len(spans)


@component
def train(examples: Examples, count: int, *, model: Output[Model]) -> None:
    (model.path / "model.txt").write_text((examples.path / "rows").read_text().upper() * count)


@pipeline
def months(spans: list = ["2018-01", "2018-02"]):
    made = ingest(spans)
    train(made.examples, made.value)
"""


class Host:
    """A host with a folder of its own."""

    def __init__(self, folder: Path, settings: str) -> None:
        self.folder = folder
        self.home = folder / ".treadle"
        self.home.mkdir(parents=True)
        (folder / "pipeline.py").write_text(PIPELINE)
        (self.home / "store.toml").write_text(settings)

    def __call__(self, *command: str, code: int = 0) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "treadle", *command, "--json"], cwd=self.folder, capture_output=True, text=True
        )
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)

    def states(self, *options: str) -> dict[str, str]:
        return {name: node["state"] for name, node in self("run", "pipeline.py", *options)["nodes"].items()}


def test_one_host(tmp_path: Path, s3_url: str) -> None:
    host = Host(tmp_path / "host", f'artifacts = "{s3_url}/store"\n')
    assert host("plan", "pipeline.py")["nodes"]["ingest"]["state"] == "run"
    assert host.states() == {"ingest": "ran", "train": "ran"}
    assert host.states() == {"ingest": "cached", "train": "cached"}
    subprocess.run(["rm", "-rf", host.home / "artifacts"], check=True)  # copies for reading
    assert host.states() == {"ingest": "cached", "train": "cached"}
    files = {path.name for path in (host.home / "artifacts").rglob("*") if path.is_file()}
    assert files == {"value.json"}, "what is reused and not read is not brought"
    checked = host("verify")
    assert (checked["artifacts"], checked["damaged"], checked["missing"]) == (3, [], [])
    exported = host("export", "last", str(tmp_path / "run.tar"))
    assert exported["artifacts"] == 3
    assert host.states("--set", 'spans=["2018-03"]') == {"ingest": "ran", "train": "ran"}
    gone = host("gc", "--delete", "--keep-runs", "0", "--keep-days", "0")
    assert gone["collected"] == 3
    assert host("verify")["artifacts"] == 3
    assert host("import", str(tmp_path / "run.tar"))["new"] is False
    assert host.states() == {"ingest": "cached", "train": "cached"}


def test_two_hosts_share_databases_and_artifacts(tmp_path: Path, s3_url: str, postgres_url: str) -> None:
    settings = f'metadata = "{postgres_url}"\nartifacts = "{s3_url}/store"\n'
    first, second = Host(tmp_path / "first", settings), Host(tmp_path / "second", settings)
    assert first.states() == {"ingest": "ran", "train": "ran"}
    assert second.states() == {"ingest": "cached", "train": "cached"}
    assert len(first("status")["runs"]) == 2


def test_a_lineage_does_not_take_anothers_place(tmp_path: Path, s3_url: str) -> None:
    settings = f'artifacts = "{s3_url}/store"\n'
    first, second = Host(tmp_path / "first", settings), Host(tmp_path / "second", settings)
    first("run", "pipeline.py")
    refused = second("run", "pipeline.py", code=2)
    assert "STORE_OWNER" in json.dumps(refused)
    assert len(list((first.home / "artifacts").rglob("model.txt"))) == 1
