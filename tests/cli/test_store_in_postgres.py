"""Every command that asks the store, with the store's databases in PostgreSQL."""

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
def ingest(spans: list, *, examples: Output[Examples]) -> None:
    (examples.path / "rows").write_text("\\n".join(spans))
    examples.properties.update(first_span=spans[0], last_span=spans[-1])


@component
def train(examples: Examples, *, model: Output[Model]) -> None:
    (model.path / "model.txt").write_text((examples.path / "rows").read_text().upper())


@pipeline
def months(spans: list = ["2018-01", "2018-02"]):
    train(ingest(spans))
"""
SECRET = "hunter2-secret"


class Shop:
    """A folder of one host; what it prints is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.printed = ""
        folder.mkdir()
        (folder / "pipeline.py").write_text(PIPELINE)

    def __call__(self, *command: str, code: int = 0) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "treadle", *command, "--json"],
            cwd=self.folder, capture_output=True, text=True,
        )  # fmt: skip
        self.printed += done.stdout + done.stderr
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def shop(tmp_path: Path, postgres_url: str) -> Shop:
    shop = Shop(tmp_path / "host")
    (shop.folder / ".treadle").mkdir()
    url = postgres_url.replace("treadle@", f"treadle:{SECRET}@")
    (shop.folder / ".treadle" / "store.toml").write_text(f'metadata = "{url}"\n')
    return shop


def test_the_commands(shop: Shop, tmp_path: Path) -> None:
    assert shop("status") == {"runs": []}
    assert shop("plan", "pipeline.py")["nodes"]["ingest"]["state"] == "run"
    first = shop("run", "pipeline.py")
    assert {name: node["state"] for name, node in first["nodes"].items()} == {"ingest": "ran", "train": "ran"}
    again = shop("run", "pipeline.py", "--set", 'spans=["2018-01", "2018-02"]')
    assert {name: node["state"] for name, node in again["nodes"].items()} == {"ingest": "cached", "train": "cached"}
    assert [run["state"] for run in shop("status")["runs"]] == ["succeeded", "succeeded"]
    third = shop("run", "pipeline.py", "--set", 'spans=["2018-03"]')
    assert shop("why", "train")["state"] == "ran"
    difference = shop("diff", again["run"], third["run"])
    assert difference["nodes"]["ingest"]
    assert shop("rerun", "pipeline.py", first["run"])["nodes"]["train"]["outcome"] == "reproduced"
    reached = shop("lineage", "--span", "2018-03", "--type", "Model")["down"]
    assert [found["digest"] for found in reached] == [third["nodes"]["train"]["outputs"]["model"]["digest"]]
    assert shop("verify")["damaged"] == []
    assert shop("gc", "--delete", "--keep-runs", "0", "--keep-days", "0")["deleted"]
    assert len(shop("openlineage", third["run"])["events"]) == 6
    shop("verify", "--run", first["run"])
    exported = shop("export", first["run"], str(tmp_path / "run.tar"))
    assert shop("import", str(tmp_path / "run.tar"))["new"] is False
    assert exported["artifacts"] == 2
    assert not list((shop.folder / ".treadle").glob("*.sqlite"))
    assert SECRET not in shop.printed
    kept = [path for path in (shop.folder / ".treadle").rglob("*") if path.is_file() and path.name != "store.toml"]
    assert not [path for path in kept if SECRET.encode() in path.read_bytes()]


def test_a_wrong_password_is_not_repeated(shop: Shop) -> None:
    settings = shop.folder / ".treadle" / "store.toml"
    settings.write_text(f'metadata = "postgresql://me:{SECRET}@/x?host=/nowhere"\n')
    told = shop("status", code=2)
    assert "nowhere" in json.dumps(told)
    assert SECRET not in shop.printed


def test_another_host_sees_the_runs(shop: Shop, tmp_path: Path) -> None:
    done = shop("run", "pipeline.py")
    other = Shop(tmp_path / "other")
    (other.folder / ".treadle").mkdir()
    (other.folder / ".treadle" / "store.toml").write_text((shop.folder / ".treadle" / "store.toml").read_text())
    assert [run["run"] for run in other("status")["runs"]] == [done["run"]]
    # its own folder has not the bytes: what is not there is made again, and is the same
    again = other("run", "pipeline.py")
    made = [run["nodes"]["train"]["outputs"]["model"]["digest"] for run in (done, again)]
    assert made[0] == made[1]
