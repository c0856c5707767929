"""Which rows a model saw, by their ids."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from treadle.cli import main as exits
from treadle.ingest import read_examples, rows_seen
from treadle.metadata import MetadataStore
from treadle.storage import ArtifactStore

PIPELINE = """
from treadle import Examples, Output, component, pipeline
from treadle.artifact import Model
from treadle.components import ingest

@component
def train(examples: Examples, *, model: Output[Model]) -> None:
    (model.path / "model.txt").write_text("a model")

@pipeline
def months():
    train(ingest("data/{YYYY}-{MM}.csv", schema="schema.toml").examples)
"""


def main(command: list[str]) -> object:
    with pytest.raises(SystemExit) as ended:
        exits(command)
    return ended.value.code


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """The digest of a model made from two months."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TREADLE_HOME", str(tmp_path / ".treadle"))
    (tmp_path / "data").mkdir()
    for month, rows in (("2018-01", 3), ("2018-02", 2)):
        (tmp_path / "data" / f"{month}.csv").write_text("x\n" + "".join(f"{n}\n" for n in range(rows)))
    (tmp_path / "schema.toml").write_text('[features.x]\ntype = "int"\n')
    (tmp_path / "pipeline.py").write_text(PIPELINE)
    assert main(["run", "pipeline.py", "--json"]) == 0
    run = json.loads(capsys.readouterr().out)
    digest: str = run["nodes"]["train"]["outputs"]["model"]["digest"]
    return digest


def ask(capsys: pytest.CaptureFixture[str], *command: str, code: int = 0) -> Any:
    assert main(["lineage", *command, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_the_rows_of_a_model(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = ask(capsys, model, "--rows")
    assert sorted(row["span"] for row in told["rows"]) == ["2018-01"] * 3 + ["2018-02"] * 2
    (examples,) = {row["examples"] for row in told["rows"]}
    reader = read_examples(tmp_path / ".treadle" / "artifacts" / "sha256" / examples[7:9] / examples[9:])
    for split in reader.splits:
        ids = reader.table(split).column("__row_id__").to_pylist()
        assert sorted(row["row"] for row in told["rows"] if row["split"] == split) == sorted(ids)
    assert told["next"] is None
    assert ask(capsys, examples, "--rows")["rows"] == told["rows"]


def test_pages_and_one_span(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    everything = ask(capsys, model, "--rows")["rows"]
    first = ask(capsys, model, "--rows", "--limit", "2")
    second = ask(capsys, model, "--rows", "--limit", "2", "--after", str(first["next"]))
    last = ask(capsys, model, "--rows", "--limit", "2", "--after", str(second["next"]))
    assert first["rows"] + second["rows"] + last["rows"] == everything
    assert last["next"] is None
    february = [row for row in everything if row["span"] == "2018-02"]
    assert ask(capsys, model, "--rows", "--span", "2018-02")["rows"] == february
    assert ask(capsys, model, "--rows", "--span", "2018-03")["rows"] == []


def test_for_people(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lineage", model, "--rows", "--limit", "1"]) == 0
    told = capsys.readouterr()
    assert "2018-0" in told.out
    assert "--after 1" in told.err
    assert main(["lineage", model, "--rows", "--span", "1999-01"]) == 0
    assert "no rows" in capsys.readouterr().out


def test_rows_of_nothing_and_of_what_is_gone(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lineage", "--rows"]) == 2
    assert "lineage DIGEST --rows" in capsys.readouterr().err
    (examples,) = {row["examples"] for row in ask(capsys, model, "--rows")["rows"]}
    place = tmp_path / ".treadle" / "artifacts" / "sha256" / examples[7:9] / examples[9:]
    place.rename(tmp_path / "elsewhere")
    assert "ARTIFACT_MISSING" in json.dumps(ask(capsys, model, "--rows", code=2))


def test_the_same_from_python(model: str, tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path / ".treadle")
    with MetadataStore(tmp_path / ".treadle" / "metadata.sqlite") as metadata:
        seen = list(rows_seen(metadata, store, model))
        (spans,) = metadata.lineage.spans(model)
        assert [row.span for row in rows_seen(metadata, store, model, span="2018-02")] == ["2018-02"] * 2
        assert list(rows_seen(metadata, store, spans.examples)) == seen
        assert list(rows_seen(metadata, store, model, span="2018-03")) == []
        reached = metadata.lineage.reached_by_span("2018-02", type_name="Model")
    assert (spans.first, spans.last) == ("2018-01", "2018-02")
    assert len({row.row for row in seen}) == 5
    assert [found.artifact.digest for found in reached] == [model]
