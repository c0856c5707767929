"""Classes with two steps, and programs in containers, as components."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from treadle.artifact import Model
from treadle.components import container
from treadle.errors import ComponentError
from treadle.pipeline import Component, component, load_pipeline
from treadle.runner import RunResult, run

PIPELINE = '''
from pathlib import Path
import treadle
from treadle import Output, component, pipeline
from treadle.artifact import Artifact, Model
from treadle.components import container


@component(retries=1)
class Count:
    """Counts files, as they are when the run decides."""

    factor = 10

    def resolve(self, folder: str) -> list:
        return sorted(path.name for path in Path(folder).glob("*.csv"))

    def run(self, folder: str, resolved: list) -> int:
        return len(resolved) * self.factor


@component
def fit(rate: float, *, model: Output[Model]) -> None:
    (model.path / "m.txt").write_text(str(rate))


report = container(
    "report",
    image="example/report@sha256:1",
    command=["sh", "-c", "cat {model}/m.txt > {html}/r.txt && echo {{{title}}} {depth} >> {html}/r.txt"],
    inputs={"model": Model},
    outputs={"html": Artifact},
    parameters={"title": str, "depth": int},
)


@component
def text(html: Artifact) -> str:
    return (html.path / "r.txt").read_text()


@pipeline
def counting():
    Count("data")


@pipeline
def reporting(title: str = "T"):
    made = report(model=fit(0.5), title=title, depth=3)
    text(made)
'''

# Stands where Docker would: shows the mounted folders to the command under their names in the container.
DOCKER = """#!/bin/sh
shift 2
sed_script=""
while [ "$1" = "--volume" ]; do
  host=${2%%:*}; rest=${2#*:}; sed_script="$sed_script;s|${rest%%:*}|$host|g"; shift 2
done
shift
command=$(printf '%s' "$3" | sed "$sed_script")
exec "$1" "$2" "$command"
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "flow.py"
    path.write_text(PIPELINE)
    (tmp_path / "data").mkdir()
    return path


def go(file: Path, name: str, **parameters: Any) -> RunResult:
    return run(load_pipeline(f"{file}:{name}"), parameters, home=file.parent / "store")


def test_a_class_resolves_and_runs(file: Path) -> None:
    assert go(file, "counting").nodes["Count"].value == 0
    assert go(file, "counting").nodes["Count"].state == "cached"
    (file.parent / "data" / "a.csv").write_text("")
    assert go(file, "counting").nodes["Count"].value == 10
    file.write_text(PIPELINE.replace("factor = 10", "factor = 100"))
    assert go(file, "counting").nodes["Count"].value == 100
    file.write_text(PIPELINE.replace("factor = 10", "factor = 100").replace('glob("*.csv")', 'glob("*.nothing")'))
    assert go(file, "counting").nodes["Count"].value == 0


def test_classes_that_are_no_components() -> None:
    class Idle:
        pass

    class Needy:
        def __init__(self, x: int) -> None: ...

        def run(self) -> None: ...

    class Twice:
        def resolve(self) -> int:
            return 1

        def run(self) -> None: ...

    for kind, options, words in [
        (Idle, {}, "has a method run"),
        (Needy, {}, "without arguments"),
        (Twice, {"resolve": lambda: 1}, "as well"),
    ]:
        with pytest.raises(ComponentError, match=words):
            component(**options)(kind)  # type: ignore[call-overload]
    made = component(Twice)
    assert (made.name, repr(made).endswith("Twice>")) == ("Twice", True)


def test_a_program_in_a_container(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "docker").write_text(DOCKER)
    (tmp_path / "bin" / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    result = go(file, "reporting")
    assert result.state == "succeeded", [str(node.error) for node in result.nodes.values() if node.error]
    assert result.nodes["text"].value == "0.5{T} 3\n"
    assert {node.state for node in go(file, "reporting").nodes.values()} == {"cached"}
    assert go(file, "reporting", title="U").nodes["report"].state == "ran"
    file.write_text(PIPELINE.replace("sha256:1", "sha256:2"))
    assert go(file, "reporting").nodes["report"].state == "ran"
    (tmp_path / "bin" / "docker").write_text("#!/bin/sh\nexit 3\n")
    file.write_text(PIPELINE.replace("sha256:1", "sha256:3"))
    error = go(file, "reporting").nodes["report"].error
    assert error is not None
    assert (error.code, error.what) == ("CONTAINER", "The command in the container ended with status 3")


def test_without_docker_that_is_said(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    error = go(file, "reporting").nodes["report"].error
    assert error is not None
    assert "neither Docker nor Podman is here" in error.what


def test_commands_that_do_not_fit_their_declarations() -> None:
    with pytest.raises(ComponentError, match="list of texts"):
        container("x", image="i", command="ls -l")
    with pytest.raises(ComponentError, match="not declared"):
        container("x", image="i", command=["{model}"])
    with pytest.raises(ComponentError, match="declared twice"):
        container("x", image="i", command=[], inputs={"a": Model}, parameters={"a": int})
    made = container("x", image="i", command=["{a}"], inputs={"a": Model})
    assert isinstance(made, Component)
    assert list(made.signature.parameters) == ["a"]
