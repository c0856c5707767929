"""A project whose runs make examples, models and a registered servable, as tests of the store's commands use it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from treadle.cli import main

PIPELINE = """
from treadle import Examples, Output, component, pipeline
from treadle.artifact import Model, ServableArtifact

@component
def read(first: str, last: str, *, examples: Output[Examples]) -> None:
    (examples.path / "rows.txt").write_text(first + last)
    examples.properties.update(first_span=first, last_span=last, rows=10)

@component
def train(examples: Examples, *, model: Output[Model]) -> None:
    (model.path / "model.txt").write_text("model of " + (examples.path / "rows.txt").read_text())

@component
def package(model: Model, *, servable: Output[ServableArtifact]) -> None:
    (servable.path / "manifest.json").write_text((model.path / "model.txt").read_text())

@pipeline
def main(first: str = "2018-01", last: str = "2018-03"):
    package(train(read(first, last)))
"""


class Store:
    """A folder with a pipeline file, and the command line in it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.home = folder / ".treadle"
        self._capsys = capsys

    def treadle(self, *arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as exit_:
            main(list(arguments))
        told = self._capsys.readouterr()
        return int(exit_.value.code or 0), told.out, told.err

    def ask(self, *arguments: str, code: int = 0) -> Any:
        found, out, err = self.treadle(*arguments, "--json")
        assert found == code, out + err
        assert out.count("\n") == 1
        return json.loads(out)

    def run(self, first: str = "2018-01", last: str = "2018-03") -> Any:
        return self.ask("run", "flow.py", "--set", f"first={first}", "--set", f"last={last}")


def digest(run: Any, node: str, output: str) -> str:
    found: str = run["nodes"][node]["outputs"][output]["digest"]
    return found
