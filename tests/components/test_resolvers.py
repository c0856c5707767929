"""What earlier runs made, which data there is, and files from outside, as inputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from treadle.errors import PipelineError
from treadle.pipeline import Pipeline, load_pipeline
from treadle.runner import RunResult, run

PIPELINE = """
import json
from treadle import Output, Examples, component, pipeline
from treadle.artifact import Artifact, Model, ServableArtifact, Verdict, Pushed
from treadle.components import importer, latest, latest_blessed, latest_pushed, spans, trained_on


@component
def read(path: str, *, examples: Output[Examples]) -> None:
    (examples.path / "examples.json").write_text(json.dumps({"spans": ["2018-01", "2018-02"]}))


@component
def fit(examples: Examples, rate: float, *, model: Output[Model]) -> None:
    (model.path / "m.txt").write_text(str(rate))
    model.properties["rate"] = rate


@component
def pack(model: Model, *, servable: Output[ServableArtifact]) -> None:
    (servable.path / "s.txt").write_text((model.path / "m.txt").read_text())


@component
def judge(servable: ServableArtifact, champion: ServableArtifact, good: bool, *, verdict: Output[Verdict]) -> None:
    verdict.properties["state"] = "passed" if good else "failed"


@component
def give(servable: ServableArtifact, good: bool, *, pushed: Output[Pushed]) -> None:
    pushed.properties.update(pushed=good, name="taxi")


@component
def text(model: Artifact) -> str:
    return (model.path / "m.txt").read_text()


@component
def text_of_servable(servable: ServableArtifact) -> str:
    files = list(servable.path.iterdir())
    return files[0].read_text() if files else "none"


@pipeline
def flow(rate: float = 0.1, good: bool = True):
    model = fit(read("x"), rate)
    s = pack(model)
    other = pack(fit(read("x"), 99.0, node="other"))
    judge(s, other, good)
    give(s, good)
    trained_on(model)


@pipeline
def resolve():
    text(latest(pipeline="flow", output="fit.model", of=Model))
    text_of_servable(latest_blessed(pipeline="flow"), node="blessed")
    text_of_servable(latest_pushed(name="taxi"), node="pushed")
    text_of_servable(latest_pushed(name="none", missing_ok=True), node="absent")


@pipeline
def outside(path: str = "given"):
    text(importer(path=path, properties={"a": 1}, of=Model))


@component
def words(first: str, last: str, number: int) -> str:
    return f"{first} {last} {number}"


@component
def length(x: list) -> int:
    return len(x)


@pipeline
def windows(window: int = 2):
    found = spans(pattern="data/part-{YYYY}-{MM}.csv", window=window)
    words(found.value[0], found.value[-1], length(found))
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TREADLE_HOME", str(tmp_path / ".treadle"))
    path = tmp_path / "flow.py"
    path.write_text(PIPELINE)
    return path


def go(file: Path, name: str, **parameters: Any) -> RunResult:
    return run(load_pipeline(f"{file}:{name}"), parameters)


def values(result: RunResult) -> dict[str, Any]:
    assert result.state == "succeeded", [str(node.error) for node in result.nodes.values() if node.error]
    return {name: node.value for name, node in result.nodes.items() if "value" in node.outputs}


def test_latest_blessed_and_pushed(file: Path) -> None:
    nothing = go(file, "resolve")
    assert nothing.state == "failed"
    error = nothing.nodes["latest"].error
    assert error is not None
    assert "There is not yet" in error.what
    assert nothing.nodes["absent"].value == "none"

    first = go(file, "flow", rate=0.1)
    assert first.nodes["trained_on"].value == ["2018-01", "2018-02"]
    assert go(file, "flow", rate=0.2, good=False).state == "succeeded"
    found = go(file, "resolve")
    assert values(found) == {"text": "0.2", "blessed": "0.1", "pushed": "0.1", "absent": "none"}
    assert found.nodes["latest"].outputs["artifact"].properties == {"rate": 0.2}
    assert {node.state for node in go(file, "resolve").nodes.values()} == {"cached"}
    go(file, "flow", rate=0.3)
    assert values(go(file, "resolve")) == {"text": "0.3", "blessed": "0.3", "pushed": "0.3", "absent": "none"}


def test_files_from_outside_count_by_content(file: Path) -> None:
    given = file.parent / "given"
    given.mkdir()
    (given / "m.txt").write_text("one")
    assert values(go(file, "outside")) == {"text": "one"}
    again = go(file, "outside")
    assert again.nodes["importer"].state == "cached"
    (given / "m.txt").write_text("two")
    assert values(go(file, "outside")) == {"text": "two"}
    (file.parent / "m.txt").write_text("three")
    assert values(go(file, "outside", path="m.txt")) == {"text": "three"}
    missing = go(file, "outside", path="nowhere").nodes["importer"].error
    assert missing is not None
    assert missing.what == "There is nothing to import"


def test_spans_in_a_window(file: Path) -> None:
    (file.parent / "data").mkdir()
    for month in ("01", "02", "03"):
        (file.parent / "data" / f"part-2018-{month}.csv").write_text("a\n1\n")
    assert values(go(file, "windows"))["words"] == "2018-02 2018-03 2"
    assert values(go(file, "windows", window=9))["words"] == "2018-01 2018-03 3"


def test_the_type_of_an_open_output_is_said_at_the_call() -> None:
    from treadle.artifact import Examples, Model
    from treadle.components import importer, trained_on

    def wrong() -> None:
        trained_on(importer(path="x", of=Examples))

    def a_text() -> None:
        importer(path="x", of="Model")

    with pytest.raises(PipelineError, match="takes Model"):
        Pipeline(wrong).compile()
    with pytest.raises(PipelineError, match="makes Artifact, not 'Model'"):
        Pipeline(a_text).compile()
    ir = Pipeline(lambda: importer(path="x", of=Model)).compile()
    assert json.loads(json.dumps(ir.to_json()))["nodes"][0]["outputs"] == {"artifact": "Model"}
