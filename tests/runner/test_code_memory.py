"""What is kept of read code: one file for each function, and believed only when it is whole."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from project_folder import Project

from treadle.pipeline import CodeReader, load_pipeline
from treadle.pipeline.code import _reading
from treadle.runner._memory import CodeMemory

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
