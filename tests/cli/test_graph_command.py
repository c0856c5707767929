"""`treadle graph show`: a transform graph, a servable's graph, as text, JSON and a drawing; and what is no graph."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa
import pytest
from click.testing import CliRunner

from treadle import transform as tt
from treadle.cli._graph import command
from treadle.errors import FileWriteError, ModelFormatError, UsageError
from treadle.graph import serialize
from treadle.schema import Schema

SCHEMA = Schema.loads('[features.fare]\ntype = "float"\n[features."<zone>"]\ntype = "string"\n')


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    def preprocess(x: Any) -> dict[str, Any]:
        return {"fare": tt.scale_to_z_score(tt.log1p(x["fare"])), "zone": tt.one_hot(tt.vocabulary(x["<zone>"]))}

    table = pa.table({"fare": [1.0, 2.0], "<zone>": ["a", "b"]})
    built = tt.analyze(preprocess, SCHEMA, lambda columns: iter(table.select(columns).to_batches()))
    built.save(tmp_path)
    (tmp_path / "alone.onnx").write_bytes(serialize(built.feature_model()))
    return tmp_path


def shown(*arguments: str) -> str:
    result = CliRunner().invoke(command, ["show", *arguments], catch_exceptions=False, standalone_mode=False)
    return result.stdout


def test_a_transform_graph_is_a_line_per_step(graph: Path) -> None:
    lines = shown(str(graph)).splitlines()
    assert lines[0] == "fare: float"
    assert lines[1] == "%1 = log1p(fare)"
    assert lines[2].startswith("%2 = subtract(%1)  0.8")
    assert "%5 = Lookup(<zone>)  [a, b]" in lines
    assert lines[-2:] == ["fare = %3", "zone = %6"]
    assert shown(str(graph / "graph.json")) == "\n".join(lines) + "\n"


def test_an_onnx_file_is_shown_too(graph: Path) -> None:
    text = shown(str(graph / "alone.onnx"))
    assert "fare: double" in text
    assert "LabelEncoder(<zone>)  2 keys" in text
    assert text.rstrip().splitlines()[-1].startswith("features = %")


def test_json_has_the_boxes(graph: Path) -> None:
    boxes = json.loads(shown(str(graph), "--json"))["boxes"]
    assert boxes[0] == {"name": "fare", "title": "fare", "detail": "float", "role": "input", "sources": []}
    assert {box["role"] for box in boxes} == {"input", "step", "output"}


def test_a_drawing_is_one_file_that_needs_nothing_else(graph: Path) -> None:
    page = graph / "graph.html"
    assert shown(str(graph), "--html", str(page)) == ""
    text = page.read_text(encoding="utf-8")
    assert "http" not in text
    assert "<script" not in text
    svg = ElementTree.fromstring(text[text.index("<svg") : text.index("</svg>") + 6])
    titles = [title.text for title in svg.iter("title")]
    assert "<zone>  string" in titles  # escaped, and back
    assert len(list(svg.iter("rect"))) == len(json.loads(shown(str(graph), "--json"))["boxes"])
    assert not list(graph.glob(".graph.html*"))


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (None, UsageError, "no graph at"),
        (b"", UsageError, "not an ONNX model"),
        (b"\xff\x00nonsense", UsageError, "not an ONNX model"),
    ],
)
def test_what_is_no_graph_is_an_error(tmp_path: Path, content: bytes | None, error: Any, message: str) -> None:
    if content is not None:
        (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(error, match=message):
        shown(str(tmp_path))


def test_a_damaged_transform_graph_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "graph.json").write_text("{")
    with pytest.raises(ModelFormatError, match="no transform graph here"):
        shown(str(tmp_path))


def test_a_page_that_cannot_be_written_is_an_error(graph: Path) -> None:
    with pytest.raises(FileWriteError, match="cannot be written"):
        shown(str(graph), "--html", str(graph / "no" / "page.html"))
