"""Reuse: never stale, never lost, and no more work than something changed for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from project_folder import Project

from treadle.runner import why

CHAIN = """
    import helpers

    @component
    def load(data: File) -> int:
        return len(data.read_text())

    @component
    def clean(x: int) -> int:
        return helpers.clip(x)

    @component
    def model(x: int, rate: float = 0.1) -> float:
        return x * rate

    @pipeline
    def p(data: str = "data.csv", rate: float = 0.1):
        model(clean(load(data)), rate)
"""
HELPERS = "TOP = 5\ndef clip(x):\n    return min(x, TOP)\n"


@pytest.fixture
def chain(project: Project) -> Project:
    project.write(CHAIN)
    project.write(HELPERS, "helpers.py")
    project.write("1,2,3,4,5,6,7", "data.csv")
    assert set(project.states().values()) == {"ran"}
    return project


def test_only_what_a_change_reaches_runs(chain: Project) -> None:
    chain.edit("TOP = 5", "TOP = 4", "helpers.py")
    assert chain.states() == {"load": "cached", "clean": "ran", "model": "ran"}
    assert chain.states({"rate": 0.2}) == {"load": "cached", "clean": "cached", "model": "ran"}


def test_the_same_result_ends_the_work_early(chain: Project) -> None:
    chain.edit("min(x, TOP)", "min(TOP, x)", "helpers.py")
    assert chain.states() == {"load": "cached", "clean": "ran", "model": "cached"}


def test_going_back_finds_the_old_result(chain: Project) -> None:
    chain.edit("TOP = 5", "TOP = 4", "helpers.py")
    chain.run()
    chain.edit("TOP = 4", "TOP = 5", "helpers.py")
    assert set(chain.states().values()) == {"cached"}


def test_a_files_content_counts_and_nothing_else_of_it(chain: Project) -> None:
    os.utime(chain.folder / "data.csv", (1, 1))
    assert set(chain.states().values()) == {"cached"}
    shutil.copy(chain.folder / "data.csv", chain.folder / "again.csv")
    assert set(chain.states({"data": "again.csv"}).values()) == {"cached"}
    chain.write("1,2,3,4,5,6,8", "data.csv")
    assert chain.states() == {"load": "ran", "clean": "cached", "model": "cached"}


def test_an_edit_within_a_second_of_the_same_size_is_seen(chain: Project) -> None:
    path = chain.folder / "helpers.py"
    subprocess.run([sys.executable, "-m", "compileall", "-q", "."], cwd=chain.folder, check=True)
    before = path.stat()
    path.write_text(HELPERS.replace("TOP = 5", "TOP = 1"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    result = chain.run()
    assert result.nodes["clean"].value == 1


def test_an_undeclared_file_that_is_opened_counts(project: Project) -> None:
    project.write(
        """
        import json
        HERE = Path(__file__).parent
        SETTINGS = json.loads((HERE / "settings.json").read_text())

        @component
        def table() -> str:
            return (HERE / "table.txt").read_text()

        @component
        def count() -> int:
            return len(list((HERE / "parts").glob("*.txt")))

        @component
        def settings() -> int:
            return SETTINGS["a"]

        @component
        def own() -> int:
            path = HERE / "counter.txt"
            n = int(path.read_text()) if path.exists() else 0
            path.write_text(str(n + 1))
            return n

        @pipeline
        def p():
            table(), count(), settings(), own()
        """
    )
    project.write("one", "table.txt")
    project.write("", "parts/a.txt")
    project.write('{"a": 1, "b": 2}', "settings.json")
    names = ["table", "count", "settings", "own"]
    assert list(project.states().values()) == ["ran"] * 4
    assert list(project.states().values()) == ["cached"] * 4
    project.write("two", "table.txt")
    assert [name for name, state in project.states().items() if state == "ran"] == ["table"]
    project.write("", "parts/b.txt")
    result = project.run()
    assert [name for name in names if result.nodes[name].state == "ran"] == ["count"]
    assert "parts" in result.nodes["count"].reason
    project.write('{"a": 3, "b": 2}', "settings.json")
    result = project.run()
    # a module reads it when it is imported: every node that imports the module has opened it
    assert result.nodes["settings"].state == "ran"
    assert result.nodes["settings"].value == 3


def test_a_file_that_an_argument_names_counts_however_it_is_read(project: Project) -> None:
    project.write(
        """
        import os

        @component
        def native(paths: list) -> int:
            # as a library in native code would: Python hears nothing of it
            return sum(os.stat(path).st_size for path in paths)

        @component
        def write(path: str) -> None:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.write(descriptor, b"made")

        @pipeline
        def p():
            native(["data.bin"])
            write("made.bin")
        """
    )
    project.write("123", "data.bin")
    assert list(project.states().values()) == ["ran", "ran"]
    assert list(project.states().values()) == ["cached", "cached"]
    project.write("1234", "data.bin")
    result = project.run()
    assert [node.state for node in result.nodes.values()] == ["ran", "cached"]
    assert "data.bin" in result.nodes["native"].reason


def test_reads_move_with_their_project(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.folder = project.folder / "here"
    project.write(
        """
        @component
        def read() -> str:
            return (Path(__file__).parent / "note.txt").read_text()

        @pipeline
        def p():
            read()
        """
    )
    project.write("one", "note.txt")
    project.run()
    project.folder = project.folder.rename(project.folder.parent / "there")
    assert project.states() == {"read": "cached"}
    project.write("two", "note.txt")
    assert project.states() == {"read": "ran"}


def test_a_step_that_looks_at_the_world_runs_when_the_world_changed(project: Project) -> None:
    project.write(
        """
        def look(*, folder: str):
            return sorted(path.name for path in Path(folder).iterdir())

        @component(resolve=look)
        def gather(folder: str, *, resolved: list) -> int:
            return len(resolved)

        @pipeline
        def p(folder: str):
            gather(folder)
        """
    )
    (project.folder / "in").mkdir()
    folder = str(project.folder / "in")
    assert project.run({"folder": folder}).nodes["gather"].value == 0
    assert project.states({"folder": folder}) == {"gather": "cached"}
    (project.folder / "in" / "x").touch()
    result = project.run({"folder": folder})
    assert result.nodes["gather"].value == 1
    assert "resolved" in result.nodes["gather"].reason
    assert project.states({"folder": folder}) == {"gather": "cached"}


def test_a_component_may_ask_to_run_every_time(project: Project) -> None:
    project.write(
        """
        @component(cache=False)
        def now() -> int:
            return 1

        @component
        def after(x: int) -> int:
            return x

        @pipeline
        def p():
            after(now())
        """
    )
    project.run()
    assert project.states() == {"now": "ran", "after": "cached"}


def test_a_closure_that_cannot_be_compared_runs_every_time(project: Project) -> None:
    project.write(
        """
        import threading

        def make(lock):
            @component
            def step() -> int:
                with lock:
                    return 1
            return step

        step = make(threading.Lock())

        @pipeline
        def p():
            step()
        """
    )
    project.run()
    result = project.run()
    assert result.nodes["step"].state == "ran"
    assert "cannot be compared" in result.nodes["step"].reason


@pytest.mark.parametrize("folder", ["env/site-packages", "anywhere"])
def test_a_version_of_a_package_counts(project: Project, folder: str) -> None:
    site = project.folder / folder
    for name, text in {"fakelib/__init__.py": "def f(x): return x\n", "fakelib-1.0.dist-info/METADATA": ""}.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text)
    project.write(
        """
        import fakelib

        @component
        def uses() -> int:
            return fakelib.f(1)

        @component
        def other() -> int:
            return 1

        @pipeline
        def p():
            uses(), other()
        """
    )

    def states() -> dict[str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "treadle", "run", "pipeline.py", "--json"],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": str(site), "TREADLE_HOME": str(project.home)},
        )
        return {name: node["state"] for name, node in json.loads(done.stdout)["nodes"].items()}

    assert states() == {"uses": "ran", "other": "ran"}
    assert states() == {"uses": "cached", "other": "cached"}
    (site / "fakelib-1.0.dist-info").rename(site / "fakelib-1.1.dist-info")
    assert states() == {"uses": "ran", "other": "cached"}
    found = why("uses", home=project.home)
    assert [str(change) for change in found.changes] == ["package fakelib changed: 1.0 -> 1.1"]


def test_a_damaged_or_lost_artifact_is_made_again(chain: Project) -> None:
    path = chain.run().nodes["clean"].outputs["value"].path
    (path / "value.json").chmod(0o644)
    (path / "value.json").write_text("6")
    result = chain.run()
    assert {name: node.state for name, node in result.nodes.items()} == {
        "load": "cached",
        "clean": "ran",
        "model": "cached",
    }
    assert "damaged" in result.nodes["clean"].reason
    assert (path / "value.json").read_text() == "5"
    shutil.rmtree(path)
    result = chain.run()
    assert result.nodes["clean"].state == "ran"
    assert "is gone" in result.nodes["clean"].reason


def test_code_that_changes_while_it_runs_leaves_nothing_to_reuse(project: Project) -> None:
    project.write(
        """
        import os, time

        @component
        def slow(gate: str) -> int:
            os.open(gate + ".reached", os.O_CREAT)
            while not os.path.exists(gate):
                time.sleep(0.01)
            return 1

        @pipeline
        def p(gate: str):
            slow(gate)
        """
    )
    gate = project.folder / "gate"
    states: list[dict[str, str]] = []
    worker = threading.Thread(target=lambda: states.append(project.states({"gate": str(gate)})))
    worker.start()
    while not Path(f"{gate}.reached").exists():
        time.sleep(0.01)
    project.edit("return 1", "return 2")
    gate.touch()
    worker.join()
    project.edit("return 2", "return 1")
    assert states == [{"slow": "ran"}]
    assert project.states({"gate": str(gate)}) == {"slow": "ran"}
    assert project.states({"gate": str(gate)}) == {"slow": "cached"}


def test_two_stores_hold_the_same_digests(project: Project, tmp_path: Path) -> None:
    project.write(CHAIN)
    project.write(HELPERS, "helpers.py")
    project.write("1,2,3", "data.csv")
    first = project.run()
    project.home = tmp_path / "elsewhere"
    second = project.run()
    digests = [
        {name: node.outputs["value"].digest for name, node in result.nodes.items()} for result in (first, second)
    ]
    assert digests[0] == digests[1]
    assert {node.state for node in second.nodes.values()} == {"ran"}
