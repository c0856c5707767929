"""The process of the next node imports while this one works; nothing else of it shows."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from project_folder import Project

from treadle.runner._workers import Workers
from treadle.runner.backends import LocalBackend
from treadle.runner.backends._contract import Ended, Task

LOOKS = """
    import os

    @component
    def first(x: int) -> int:
        import time
        time.sleep(0.2)
        return x

    @component
    def second(x: int) -> list[bool]:
        import sys
        there = "markdown_it" in sys.modules
        import markdown_it
        return [there, "beside" in sys.modules, os.environ["TREADLE_HOME"].endswith(".treadle")]

    @pipeline
    def p(x: int = 1):
        second(first(x))
"""


ONE = """
    @component
    def only(x: int) -> int:
        return x

    @pipeline
    def p(x: int = 1):
        only(x)
"""


def test_the_next_node_has_imported_before_it_starts(project: Project) -> None:
    project.write(LOOKS)
    assert project.run(workers=2).nodes["second"].value == [True, False, True]
    assert project.run({"x": 2}, workers=1).nodes["second"].value == [False, False, True]


def test_a_node_that_was_prepared_and_is_reused_leaves_nothing(project: Project) -> None:
    project.write(LOOKS.replace("return x\n", "return 5\n"))
    project.run(workers=2)
    result = project.run({"x": 2}, workers=2)
    assert {name: node.state for name, node in result.nodes.items()} == {"first": "ran", "second": "cached"}
    assert not (project.home / "logs" / result.id / "second.txt").exists()
    assert project.staging() == []


def test_what_the_projects_own_modules_read_counts_as_ever(project: Project) -> None:
    project.write("RATE = int(open('rate.txt').read())\n", "rates.py")
    (project.folder / "rate.txt").write_text("3")
    project.write(
        LOOKS.replace("import markdown_it\n", "import markdown_it, rates\n").replace(
            '"beside" in sys.modules', "rates.RATE == 3"
        )
    )
    assert project.run(workers=2).nodes["second"].value == [True, True, True]
    (project.folder / "rate.txt").write_text("4")
    result = project.run(workers=2)
    assert (result.nodes["second"].state, result.nodes["second"].value) == ("ran", [False, False, True])


def place(folder: Path) -> dict[str, object]:
    return {"home": str(folder), "sys_path": [os.path.abspath(entry) for entry in sys.path], "roots": [str(folder)]}


def children(of: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{of}/task/{of}/children").read_text().split()]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_a_prepared_process_that_dies_or_is_not_needed_is_no_loss(tmp_path: Path) -> None:
    (tmp_path / "task").mkdir()
    with Workers(str(tmp_path)) as workers:
        for node in ("kept", "killed", "dropped"):
            workers.prepare(node, [("json", ""), ("no_such_module", "at_all")], place(tmp_path))
        template = workers._template
        assert template is not None
        while len(children(template.pid)) < 3:
            time.sleep(0.01)
        os.kill(children(template.pid)[1], 9)
        workers.drop("dropped")
        while len(children(template.pid)) > 1:
            time.sleep(0.01)
        for number, node in enumerate(("kept", "killed")):
            workers.start(Task(number, tmp_path / "task", tmp_path / "log", node=node))
        ended: list[int] = []
        while len(ended) < 2:  # the tasks say nothing, and are lost; but both were begun
            ended += [event.task for event in workers.wait(1.0) if isinstance(event, Ended)]
    assert sorted(ended) == [0, 1]
    assert not Path(f"/proc/{template.pid}").exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_a_template_that_nobody_hears_ends_without_a_word(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "task").mkdir()
    os.mkfifo(tmp_path / "task" / "request.json")  # it waits here
    with Workers(str(tmp_path)) as workers:
        workers.start(Task(0, tmp_path / "task", tmp_path / "log", node="node"))
        while not workers._alive:
            workers.wait(1.0)
        template = workers._template
        assert template is not None
        assert template.stdout is not None
        template.stdout.close()
        os.kill(workers._alive[0], 9)  # that it has ended is to be told
        assert template.wait() == 0
    assert capfd.readouterr().err == ""


def pipes(process: int) -> set[str]:
    found = {os.readlink(link) for link in Path(f"/proc/{process}/fd").iterdir()}
    return {link for link in found if link.startswith("pipe:")}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_a_node_holds_no_pipe_of_the_template(tmp_path: Path) -> None:
    (tmp_path / "task").mkdir()
    os.mkfifo(tmp_path / "task" / "request.json")  # it waits here
    with Workers(str(tmp_path)) as workers:
        workers.prepare("other", [("json", "")], place(tmp_path))
        workers.start(Task(0, tmp_path / "task", tmp_path / "log", node="node"))
        while not workers._alive:
            workers.wait(1.0)
        template = workers._template
        assert template is not None
        process = workers._alive[0]
        while not os.readlink(f"/proc/{process}/fd/1").endswith("log"):
            time.sleep(0.01)
        assert len(pipes(template.pid)) >= 4
        assert not pipes(process) & pipes(template.pid)


def test_a_python_without_a_module_that_is_imported_later_is_no_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = tmp_path / "asked"
    (tmp_path / "ssl.py").write_text(f"open({str(asked)!r}, 'w').close()\nraise ImportError('no ssl here')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "task").mkdir()
    with Workers(str(tmp_path)) as workers:
        workers.prepare("light", [], place(tmp_path))
        one_ends(workers, Task(0, tmp_path / "task", tmp_path / "log"))
        assert not asked.exists()  # nobody needs it
        workers.prepare("heavy", [("json", "")], place(tmp_path))
        while not asked.exists():
            time.sleep(0.01)
        one_ends(workers, Task(1, tmp_path / "task", tmp_path / "log"))


def one_ends(workers: Workers, task: Task) -> None:
    workers.start(task)
    while not any(isinstance(event, Ended) for event in workers.wait(1.0)):
        pass


class Plain:
    """A launcher of somebody's own, which prepares nothing."""

    def __init__(self, warmed: list[str] | None = None) -> None:
        self._workers = Workers()
        self._warmed = warmed
        self.start, self.kill = self._workers.start, self._workers.kill
        self.wait, self.close = self._workers.wait, self._workers.close

    def __enter__(self) -> Plain:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def warm_up(self) -> None:
        if self._warmed is not None:
            self._warmed.append("asked")
        self._workers.warm_up()


class PlainBackend(LocalBackend):
    name = "plain"

    def __init__(self) -> None:
        super().__init__()
        self.warmed: list[str] = []

    def launcher(self) -> Any:
        return Plain(self.warmed)


def test_a_launcher_need_not_prepare(project: Project) -> None:
    project.write(LOOKS)
    assert project.run(workers=2, backend=PlainBackend()).nodes["second"].value == [False, False, True]


def test_processes_are_made_ready_at_once_unless_all_may_be_reused(project: Project) -> None:
    project.write(ONE)
    for reuse, asked in [(True, True), (True, False), (False, True)]:
        backend = PlainBackend()
        project.run(backend=backend, reuse=reuse)
        assert bool(backend.warmed) is asked
    project.write("VALUE = " + "-" * 5000 + "1\n", "deep.py")
    project.edit("return x", "import deep; return deep.VALUE")
    project.home = project.folder / "new"
    backend = PlainBackend()
    assert project.run(backend=backend).nodes["only"].reason == "it could not be decided upon"
    assert backend.warmed == ["asked"]  # before that


def test_code_that_cannot_be_read_ahead_fails_its_node_alone(project: Project) -> None:
    project.write(LOOKS)
    project.write("VALUE = " + "-" * 5000 + "1\n", "deep.py")
    project.edit("import markdown_it\n", "import markdown_it, deep; deep.VALUE\n")
    result = project.run(workers=2)
    assert {name: node.state for name, node in result.nodes.items()} == {"first": "ran", "second": "failed"}
    assert "recursion" in str(result.nodes["second"].error)
    assert result.nodes["second"].reason == "it could not be decided upon"


def test_what_was_read_need_not_be_kept(project: Project) -> None:
    project.home.mkdir()
    (project.home / "code").write_text("in the way")
    project.write(LOOKS)
    assert project.run(workers=2).state == "succeeded"
