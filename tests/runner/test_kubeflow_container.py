"""A program in an image on Kubeflow: what Treadle does before and after, with the compiled command in between."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from kubeflow_local import compiled
from project_folder import Project

from treadle.runner import history
from treadle.runner.backends.kubeflow._entry import main as task

pytestmark = [pytest.mark.engines, pytest.mark.filterwarnings("default")]

TEXT = """
from treadle.components import container

@component
def write(text: str, *, file: Output[Model]) -> None:
    (file.path / "a.txt").write_text(text)

@component
def number() -> int:
    return 3

count = container(
    "count", image="registry.example/busybox:1",
    command=["sh", "-c", "cat {file}/a.txt > {page}/page.txt; echo {n} {text} >> {page}/page.txt"],
    inputs={"file": Model}, outputs={"page": Artifact}, parameters={"n": int, "text": str},
)

@component
def read(page: Artifact) -> str:
    return (page.path / "page.txt").read_text()

@pipeline
def p():
    read(count(write("hello "), number().value, "times"))
"""


class Cluster:
    """Does by hand what Kubeflow does: gives each task its input and reads its output."""

    def __init__(self, text: str, folder: Path) -> None:
        import yaml

        specification = yaml.safe_load(text)
        self._executors = specification["deploymentSpec"]["executors"]
        self._components = specification["components"]
        self._folder = folder

    def run(self, name: str, artifacts: dict[str, str] | None = None, **parameters: str) -> dict[str, str]:
        """Run a task; where its artifacts are."""
        outputs = self._components[f"comp-{name}"].get("outputDefinitions", {})
        place = self._folder / "cluster" / name
        made = {output: str(place / output) for output in outputs.get("artifacts", {})}
        told = {
            "inputs": {
                "parameterValues": parameters,
                "artifacts": {key: {"artifacts": [{"uri": uri}]} for key, uri in (artifacts or {}).items()},
            },
            "outputs": {
                "parameters": {key: {"outputFile": str(place / key)} for key in outputs.get("parameters", {})},
                "artifacts": {key: {"artifacts": [{"name": key, "uri": uri}]} for key, uri in made.items()},
                "outputFile": str(place / "output.json"),
            },
        }
        container = self._executors[f"exec-{name}"]["container"]
        words = [self._filled(word, told, made, artifacts or {}, parameters) for word in container["args"]]
        if "treadle" in container["command"]:
            self.status = task(words)
        else:
            place.mkdir(parents=True)
            command = [self._filled(word, told, made, artifacts or {}, parameters) for word in container["command"]]
            self.status = subprocess.run([*command, *words], check=False).returncode
        return made

    def read(self, name: str, parameter: str) -> str:
        return (self._folder / "cluster" / name / parameter).read_text()

    def _filled(
        self, word: str, told: Any, made: dict[str, str], artifacts: dict[str, str], parameters: dict[str, str]
    ) -> str:
        word = word.replace("{{$.pipeline_job_uuid}}", "r1").replace("{{$}}", json.dumps(told))
        for key, path in artifacts.items():
            word = word.replace(f"{{{{$.inputs.artifacts['{key}'].path}}}}", path)
        for key, path in made.items():
            word = word.replace(f"{{{{$.outputs.artifacts['{key}'].path}}}}", path)
        for key, value in parameters.items():
            word = word.replace(f"{{{{$.inputs.parameters['{key}']}}}}", value)
        return word


@pytest.fixture
def kubeflow(project: Project, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    pytest.importorskip("kfp", reason="kfp is not installed")
    monkeypatch.setenv("TREADLE_HOME", str(project.home))
    project.write(TEXT)
    return Cluster(compiled(f"{project.folder / 'pipeline.py'}:p", {}, (), project.folder), project.folder)


def executions(project: Project) -> dict[str, Any]:
    with history(project.home) as metadata:
        return {one.node: one for one in metadata.executions("r1")}


def test_its_output_is_published_and_read(project: Project, kubeflow: Cluster) -> None:
    kubeflow.run("write")
    kubeflow.run("number")
    prepared = kubeflow.run("count-prepare")
    texts = {key: kubeflow.read("count-prepare", key) for key in ("n", "text")}
    made = kubeflow.run("count", prepared, **texts)
    kubeflow.run("count-publish", {"made_page": made["page"]})
    kubeflow.run("read")
    assert kubeflow.read("read", "value") == "hello 3 times\n"
    for _ in range(2):  # it is tried again when it dies after what it recorded
        kubeflow.run("finish")
        assert kubeflow.status == 0
    found = executions(project)
    assert {name: one.state for name, one in found.items()} == dict.fromkeys(found, "ran")
    with history(project.home) as metadata:
        ancestors = metadata.lineage.ancestors(found["count"].outputs["page"].digest)
    assert {one.artifact.type_name for one in ancestors} == {"Model", "Value"}


def test_a_program_that_fails_has_failed(project: Project, kubeflow: Cluster) -> None:
    kubeflow.run("write")
    kubeflow.run("number")
    kubeflow.run("count-prepare")
    for _ in range(2):
        kubeflow.run("finish")
        assert kubeflow.status == 1
    assert {name: one.state for name, one in executions(project).items()} == {
        "write": "ran",
        "number": "ran",
        "count": "failed",
        "read": "skipped",
    }


def test_a_program_before_which_nothing_ran_does_not_run(
    project: Project, kubeflow: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    kubeflow.run("count-prepare")
    assert kubeflow.status == 2
    assert "same store" in capsys.readouterr().err
    kubeflow.run("count-publish", {"made_page": str(project.folder)})
    assert kubeflow.status == 2
    assert "has not begun" in capsys.readouterr().err
