"""plan, why and status: what would happen, why it did, and what has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from treadle.cli import main

PIPELINE = """
from treadle import component, pipeline
from settings import RATE

@component
def start(x: int) -> int:
    return x + 1

@component
def scale(a: int) -> float:
    return a * RATE

@component(cache=False)
def tell(a: float) -> float:
    return a

@pipeline
def main(x: int = 2):
    tell(scale(start(x)))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "flow.py").write_text(PIPELINE)
    (tmp_path / "settings.py").write_text("RATE = 2\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TREADLE_HOME", raising=False)
    return tmp_path


def treadle(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as exit_:
        main(list(arguments))
    return int(exit_.value.code or 0), capsys.readouterr().out


def ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    code, out = treadle(capsys, *arguments, "--json")
    assert code == 0
    assert out.count("\n") == 1
    return json.loads(out)


def states(answer: Any) -> dict[str, str]:
    return {name: node["state"] for name, node in answer["nodes"].items()}


def test_a_plan_before_and_after(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = ask(capsys, "plan", "flow.py")
    assert plan["pipeline"] == "main"
    assert states(plan) == {"start": "run", "scale": "depends", "tell": "run"}
    assert not (folder / ".treadle").exists()
    ask(capsys, "run", "flow.py")
    assert states(ask(capsys, "plan", "flow.py")) == {"start": "cached", "scale": "cached", "tell": "run"}
    (folder / "settings.py").write_text("RATE = 3\n")
    plan = ask(capsys, "plan", "flow.py")
    assert states(plan) == {"start": "cached", "scale": "run", "tell": "run"}
    assert plan["nodes"]["scale"]["reason"] == "constant settings.RATE changed"
    assert states(ask(capsys, "plan", "flow.py", "--set", "x=3"))["start"] == "run"
    assert len(ask(capsys, "status")["runs"]) == 1
    code, out = treadle(capsys, "plan", "flow.py")
    assert code == 0
    assert "constant settings.RATE changed" in out


def test_why_names_what_changed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = ask(capsys, "run", "flow.py")["run"]
    found = ask(capsys, "why", "scale")
    assert (found["state"], found["reason"], found["compared_with"], found["changes"]) == ("ran", "first run", None, [])
    (folder / "settings.py").write_text("RATE = 3\n")
    second = ask(capsys, "run", "flow.py", "--set", "x=3")["run"]
    found = ask(capsys, "why", "start")
    assert found["run"] == second
    assert found["compared_with"] == first
    assert found["changes"] == [{"part": "parameter x", "before": "2", "after": "3"}]
    found = ask(capsys, "why", "scale")
    assert [change["part"] for change in found["changes"]] == ["constant settings.RATE", "input a"]
    assert ask(capsys, "why", "scale", "--run", first)["reason"] == "first run"
    ask(capsys, "run", "flow.py", "--set", "x=3")
    found = ask(capsys, "why", "scale")
    assert (found["state"], found["changes"]) == ("cached", [])
    assert second in found["reason"]
    code, out = treadle(capsys, "why", "start", "--run", second)
    assert code == 0
    assert "~ parameter x: 2 -> 3" in out
    assert "cache=False" in ask(capsys, "why", "tell")["reason"]


def test_status_lists_runs_and_their_nodes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = ask(capsys, "run", "flow.py")
    second = ask(capsys, "run", "flow.py")
    runs = ask(capsys, "status")["runs"]
    assert [(run["run"], run["state"], run["pipeline"]) for run in runs] == [
        (second["run"], "succeeded", "main"),
        (first["run"], "succeeded", "main"),
    ]
    assert states(ask(capsys, "status", "last")) == {"start": "cached", "scale": "cached", "tell": "ran"}
    shown = ask(capsys, "status", first["run"])
    assert (
        shown["nodes"]["scale"]["outputs"]["value"]["digest"] == first["nodes"]["scale"]["outputs"]["value"]["digest"]
    )
    code, out = treadle(capsys, "status", "last")
    assert code == 0
    assert second["run"] in out
    assert treadle(capsys, "status", "none", "--json")[0] == 2
    assert treadle(capsys, "why", "none", "--json")[0] == 2
    assert treadle(capsys, "why", "start", "--run", "none", "--json")[0] == 2
