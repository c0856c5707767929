"""What is kept of read code: one file for each function, and believed only when it is whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from project_folder import Project

from treadle.pipeline import CodeReader, load_pipeline
from treadle.pipeline.code import _reading
from treadle.runner._memory import CodeMemory, Unneeded

TEXT = """
    RATE = 2

    @component
    def first(x: int) -> int:
        return RATE * x

    @pipeline
    def p(x: int = 1):
        first(x)
"""


def parts(project: Project) -> Mapping[str, str]:
    pipeline = load_pipeline(project.folder / "pipeline.py")
    reader = CodeReader(pipeline, CodeMemory(project.home / "code"))
    return reader.read(pipeline.compile().nodes["first"].component).parts


@pytest.mark.parametrize("foreign", ["[1]", "{}", '{"seen": 3}', '"text"', "not JSON"])
def test_what_another_has_written_is_read_again(project: Project, foreign: str) -> None:
    project.write(TEXT)
    before = parts(project)
    kept = list((project.home / "code").rglob("*.json"))
    assert kept
    for file in kept:
        file.write_text(foreign)
    assert parts(project) == before


def test_what_is_of_no_use_within_a_reading_is_read_again(project: Project) -> None:
    project.write(TEXT)
    before = parts(project)
    (kept,) = (project.home / "code" / "readings").iterdir()
    text = kept.read_text()
    for name in ("seen", "modules", "computed", "imports", "parts", "always"):
        assert f'"{name}"' in text
        kept.write_text(text.replace(f'"{name}"', '"other"'))
        assert parts(project) == before


def test_a_reading_replaces_the_one_before(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write(TEXT)
    before = parts(project)
    (kept,) = (project.home / "code" / "readings").iterdir()
    text = kept.read_text()
    monkeypatch.setattr(_reading, "_own_code", lambda: ["another version"])
    project.edit("RATE = 2", "RATE = 3")
    assert parts(project) != before
    assert list((project.home / "code" / "readings").iterdir()) == [kept]
    assert kept.read_text() != text


LATER = 4_000_000_000.0


def files(project: Project) -> set[Path]:
    return {file for file in (project.home / "code").rglob("*") if file.is_file()}


def test_what_a_function_of_a_run_rests_on_stays(project: Project) -> None:
    project.write(TEXT)
    before = parts(project)
    kept = CodeMemory(project.home / "code")
    whole = files(project)
    assert kept.prune({"pipeline:first"}, before=LATER, delete=True) == (0, 0)
    assert files(project) == whole
    project.edit("RATE = 2", "RATE = 3")
    assert parts(project) != before
    old = files(project)
    assert len(old) == len(whole) + 1  # the source as it was before
    assert kept.prune({"pipeline:first"}, before=LATER, delete=False).files == 1
    assert files(project) == old
    assert kept.prune({"pipeline:first"}, before=LATER, delete=True).files == 1
    assert len(files(project)) == len(whole)


@pytest.mark.parametrize("why", ["no run names it", "its folder is gone"])
def test_what_nothing_needs_leaves_when_it_is_no_longer_young(project: Project, why: str) -> None:
    project.write(TEXT)
    parts(project)
    foreign = ["readings/.unfinished", "0-3.8/old.json", "readings/foreign.json"]
    for name in foreign:
        (project.home / "code" / name).parent.mkdir(exist_ok=True)
        (project.home / "code" / name).write_text('{"function": [], "folder": 3, "seen": {"modules": {"m": []}}}')
    named = {"pipeline:first"}
    if why == "no run names it":
        named = {"pipeline:second", "other:first"}
    else:
        shutil.rmtree(project.folder)
    kept, found = CodeMemory(project.home / "code"), files(project)
    assert kept.prune(named, before=0.0, delete=True) == (0, 0)
    assert files(project) == found
    size = sum(os.path.getsize(file) for file in found)
    assert kept.prune(named, before=LATER, delete=False) == Unneeded(len(found), size)
    assert kept.prune(named, before=LATER, delete=True) == Unneeded(len(found), size)
    assert files(project) == set()
    assert kept.prune(named, before=LATER, delete=True) == (0, 0)


def test_where_nothing_was_kept_nothing_leaves(tmp_path: Path) -> None:
    assert CodeMemory(tmp_path / "none").prune(set(), before=LATER, delete=True) == (0, 0)
    (tmp_path / "file").write_text("no folder")
    assert CodeMemory(tmp_path / "file").prune(set(), before=LATER, delete=True) == (0, 0)
