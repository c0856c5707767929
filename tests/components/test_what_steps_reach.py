"""How far the fingerprints of the ready-made steps reach: as far as their work, and no farther.

What a step reaches by mistake makes it run again for changes that cannot matter to it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import treadle
from treadle.pipeline import CodeReader, FunctionReference, load_pipeline

TAXI = Path(__file__).parents[2] / "examples" / "taxi" / "pipeline.py"

# step, rooms that its work uses, rooms that it has nothing to do with
REACHES = [
    ("ingest", {"ingest"}, {"statistics", "transform", "graph", "evaluation", "servable", "metadata"}),
    ("statistics", {"ingest", "statistics"}, {"transform", "graph", "evaluation", "servable"}),
    ("validate", {"statistics", "validation"}, {"transform", "graph", "evaluation", "servable"}),
    ("transform", {"graph", "transform"}, {"evaluation", "servable", "training", "frameworks"}),
    ("train", {"training"}, {"evaluation", "servable", "monitoring"}),
    ("package", {"servable"}, {"evaluation", "monitoring", "training"}),
    ("evaluate", {"evaluation", "servable"}, {"monitoring", "registry"}),
    ("champion", {"registry"}, {"statistics", "transform", "graph", "evaluation", "servable", "ingest"}),
    ("webhook", set(), {"statistics", "transform", "graph", "evaluation", "servable", "ingest", "metadata", "storage"}),
]
NO_STEP_REACHES = {"cli", "loop", "notebook", "runner", "serving", "testing"}


@pytest.fixture(scope="module")
def reader() -> CodeReader:
    return CodeReader(load_pipeline(TAXI))


@pytest.mark.parametrize(("step", "used", "apart"), REACHES, ids=[step for step, *_ in REACHES])
def test_a_step_reaches_the_rooms_it_uses_and_no_others(
    step: str, used: set[str], apart: set[str], reader: CodeReader
) -> None:
    function = getattr(treadle.components, step).function
    parts = reader.read(FunctionReference(function.__module__, function.__qualname__)).parts
    modules = {part.removeprefix("source ") for part in parts if part.startswith("source treadle.")}
    rooms = {module.split(".")[1] for module in modules}
    assert used <= rooms
    assert not rooms & (apart | NO_STEP_REACHES)


def test_another_gate_changes_neither_features_nor_training(tmp_path: Path) -> None:
    before = _parts(TAXI.read_text(), tmp_path / "before")
    after = _parts(TAXI.read_text().replace('at_least("auc", 0.55)', 'at_least("auc", 0.6)'), tmp_path / "after")
    assert after == before
    assert not [part for part in before if "GATES" in part]


def test_another_tree_changes_training(tmp_path: Path) -> None:
    before = _parts(TAXI.read_text(), tmp_path / "before")
    after = _parts(TAXI.read_text().replace('"num_leaves": 15', '"num_leaves": 31'), tmp_path / "after")
    assert {part for part in before if before[part] != after[part]} == {"code pipeline.train"}


def _parts(text: str, folder: Path) -> dict[str, str]:
    """What the functions that the example gives to its steps reach."""
    folder.mkdir()
    (folder / "pipeline.py").write_text(text)
    reader = CodeReader(load_pipeline(folder / "pipeline.py"))
    functions = [FunctionReference("pipeline", name) for name in ("preprocess", "train")]
    return {name: value for function in functions for name, value in reader.read(function).parts.items()}
