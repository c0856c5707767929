"""Which rows a model saw, by their ids."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from in_process import called

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


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The store of a run that made a model from two months."""
    folder = tmp_path_factory.mktemp("months")
    (folder / "data").mkdir()
    for month, rows in (("2018-01", 3), ("2018-02", 2)):
        (folder / "data" / f"{month}.csv").write_text("x\n" + "".join(f"{n}\n" for n in range(rows)))
    (folder / "schema.toml").write_text('[features.x]\ntype = "int"\n')
    (folder / "pipeline.py").write_text(PIPELINE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TREADLE_HOME", str(folder / ".treadle"))
        done = called("run", "pipeline.py", cwd=folder)
        assert done.returncode == 0, done.stderr
        yield folder / ".treadle"


@pytest.fixture
def model(home: Path) -> str:
    """Its digest."""
    with MetadataStore(home / "metadata.sqlite") as metadata:
        ((_, found),) = metadata.lineage.artifacts(type_name="Model")
    return found.digest


def ask(*command: str, code: int = 0) -> Any:
    done = called("lineage", *command, "--json")
    assert done.returncode == code
    return json.loads(done.stdout)


def test_the_rows_of_a_model(model: str, home: Path) -> None:
    told = ask(model, "--rows")
    assert sorted(row["span"] for row in told["rows"]) == ["2018-01"] * 3 + ["2018-02"] * 2
    (examples,) = {row["examples"] for row in told["rows"]}
    reader = read_examples(home / "artifacts" / "sha256" / examples[7:9] / examples[9:])
    for split in reader.splits:
        ids = reader.table(split).column("__row_id__").to_pylist()
        assert sorted(row["row"] for row in told["rows"] if row["split"] == split) == sorted(ids)
    assert told["next"] is None
    assert ask(examples, "--rows")["rows"] == told["rows"]


def test_pages_and_one_span(model: str) -> None:
    everything = ask(model, "--rows")["rows"]
    first = ask(model, "--rows", "--limit", "2")
    second = ask(model, "--rows", "--limit", "2", "--after", str(first["next"]))
    last = ask(model, "--rows", "--limit", "2", "--after", str(second["next"]))
    assert first["rows"] + second["rows"] + last["rows"] == everything
    assert last["next"] is None
    february = [row for row in everything if row["span"] == "2018-02"]
    assert ask(model, "--rows", "--span", "2018-02")["rows"] == february
    assert ask(model, "--rows", "--span", "2018-03")["rows"] == []


def test_for_people(model: str) -> None:
    told = called("lineage", model, "--rows", "--limit", "1")
    assert told.returncode == 0
    assert "2018-0" in told.stdout
    assert "--after 1" in told.stderr
    assert "no rows" in called("lineage", model, "--rows", "--span", "1999-01").stdout


def test_rows_of_nothing_and_of_what_is_gone(model: str, home: Path) -> None:
    refused = called("lineage", "--rows")
    assert refused.returncode == 2
    assert "lineage DIGEST --rows" in refused.stderr
    (examples,) = {row["examples"] for row in ask(model, "--rows")["rows"]}
    place = home / "artifacts" / "sha256" / examples[7:9] / examples[9:]
    place.rename(home / "elsewhere")
    try:
        assert "ARTIFACT_MISSING" in json.dumps(ask(model, "--rows", code=2))
    finally:
        (home / "elsewhere").rename(place)


def test_the_same_from_python(model: str, home: Path) -> None:
    store = ArtifactStore(home)
    with MetadataStore(home / "metadata.sqlite") as metadata:
        seen = list(rows_seen(metadata, store, model))
        (spans,) = metadata.lineage.spans(model)
        assert [row.span for row in rows_seen(metadata, store, model, span="2018-02")] == ["2018-02"] * 2
        assert list(rows_seen(metadata, store, spans.examples)) == seen
        assert list(rows_seen(metadata, store, model, span="2018-03")) == []
        reached = metadata.lineage.reached_by_span("2018-02", type_name="Model")
    assert (spans.first, spans.last) == ("2018-01", "2018-02")
    assert len({row.row for row in seen}) == 5
    assert [found.artifact.digest for found in reached] == [model]
