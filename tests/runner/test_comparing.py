"""Two runs compared; a past run run again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from project_folder import Project

from treadle.cli import main
from treadle.errors import UsageError
from treadle.metadata import open_metadata
from treadle.pipeline import load_pipeline
from treadle.runner import Reproduction, _earlier, diff, rerun

TEXT = """
    import os
    RATE = 2

    @component
    def start(x: int, file: File) -> int:
        return x + len(file.read_text())

    @component
    def scale(a: int) -> int:
        return RATE * a

    @component(cache=False)
    def push(a: int) -> int:
        Path("journal").open("a").write("pushed\\n")
        return a

    @component
    def end(a: int) -> int:
        return a

    @component
    def chance(a: int) -> int:
        return int.from_bytes(os.urandom(4), "big")

    @pipeline
    def p(x: int = 1):
        end(push(scale(start(x, "data.txt"))))

    @pipeline
    def dice():
        end(chance(1), node="end")
"""


@pytest.fixture
def two(project: Project) -> tuple[Project, str, str]:
    project.write(TEXT)
    (project.folder / "data.txt").write_text("abc")
    first = project.run(name="p").id
    (project.folder / "data.txt").write_text("abcd")
    project.edit("RATE = 2", "RATE = 3")
    return project, first, project.run({"x": 4}, name="p").id


def test_what_differs_is_told_by_kind(two: tuple[Project, str, str]) -> None:
    project, first, second = two
    found = diff(first, second, home=project.home)
    assert not found.same
    assert [str(change) for change in found.parameters] == ["x changed: 1 -> 4"]
    start, scale = found.nodes["start"], found.nodes["scale"]
    assert [change.part for change in start.of_kind("parameters")] == ["parameter x"]
    assert [change.part for change in start.of_kind("data")] == ["file file"]
    assert [change.part for change in scale.of_kind("code")] == ["constant pipeline.RATE"]
    assert [change.part for change in scale.of_kind("data")] == ["input a"]
    assert not scale.of_kind("packages")
    assert set(scale.results) == {"value"}
    json.dumps(found.to_json())
    for asked in ((), (second,), (second, second)):
        assert diff(*asked, home=project.home) == found
    with pytest.raises(UsageError, match="no run of this pipeline before it"):
        diff(after=first, home=project.home)
    with pytest.raises(UsageError, match="no run of this pipeline before it"):
        diff(first, first, home=project.home)
    with pytest.raises(UsageError, match="no such run"):
        diff(first, "none", home=project.home)


def test_the_run_before_is_found_however_many_are_newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_earlier, "_LOOKED_AT", 1)
    with open_metadata(tmp_path) as metadata:
        for number in range(12):
            metadata.begin_run(f"r{number}", pipeline="p", ir={"parameters": {}})
            metadata.finish_run(f"r{number}", "succeeded")
    assert diff(after="r1", home=tmp_path).before == "r0"
    with pytest.raises(UsageError, match="no run of this pipeline before it"):
        diff(after="r0", home=tmp_path)


def _rerun(project: Project, run: str = "last", name: str = "p") -> Reproduction:
    return rerun(load_pipeline(project.folder / f"pipeline.py:{name}"), run, home=project.home)


def test_a_run_comes_out_the_same_and_its_effects_are_not_repeated(two: tuple[Project, str, str]) -> None:
    project, first, second = two
    found = _rerun(project)
    assert found.reproduced
    assert found.nodes == {"start": "reproduced", "scale": "reproduced", "push": "taken", "end": "reproduced"}
    assert found.difference.before == second
    assert (project.folder / "journal").read_text() == "pushed\npushed\n"
    old = _rerun(project, first)
    assert not old.reproduced
    assert old.nodes == {"start": "changed", "scale": "changed", "push": "taken", "end": "reproduced"}


def test_what_is_not_reproducible_is_found(project: Project) -> None:
    project.write(TEXT)
    with pytest.raises(UsageError):
        _rerun(project, name="dice")
    project.run(name="dice")
    found = _rerun(project, name="dice")
    assert found.nodes == {"chance": "different", "end": "changed"}
    assert not found.reproduced


def test_the_commands(
    two: tuple[Project, str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    project, first, second = two
    monkeypatch.setenv("TREADLE_HOME", str(project.home))

    def ask(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as exit_:
            main(list(arguments))
        return int(exit_.value.code or 0), capsys.readouterr().out

    code, out = ask("diff", first)
    assert code == 0
    assert "code: constant pipeline.RATE changed" in out
    assert "0 of 4 nodes are the same" in out
    assert ask("diff") == ask("diff", "last") == ask("diff", second) == (code, out)
    code, out = ask("diff", first, "last", "--json")
    assert json.loads(out)["nodes"]["start"]["changes"]["parameters"][0]["after"] == "4"
    code, out = ask("rerun", "pipeline.py:p", "--json")
    assert (code, json.loads(out)["reproduced"]) == (0, True)
    code, out = ask("rerun", "pipeline.py:p", first)
    assert code == 1
    assert "changed" in out
    assert ask("diff", "none")[0] == 2
