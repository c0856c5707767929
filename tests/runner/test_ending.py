"""What a node leaves is taken up while its process goes; the next one begins when it has gone."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from project_folder import Project

from treadle.runner import logs
from treadle.runner._task import RESULT
from treadle.runner._workers import Workers
from treadle.runner.backends._contract import Ended, Task

HEAVY = """
    import os, sys

    held = []

    @component
    def heavy() -> int:
        held.append(b"x" * 300_000_000)  # giving it back takes longer than deciding upon the next node
        sys.stdout.write("without an end")
        return os.getpid()

    @component
    def after(process: int) -> bool:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        return False

    @pipeline
    def p():
        after(heavy())
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_node_begins_when_the_one_before_has_gone(project: Project, workers: int) -> None:
    project.write(HEAVY)
    result = project.run(workers=workers)
    assert result.nodes["after"].value is True
    (log,) = logs("heavy", home=project.home)
    assert log.text == "without an end"


def test_a_node_that_closed_what_it_prints_to_has_its_result(project: Project) -> None:
    project.write(HEAVY.replace('sys.stdout.write("without an end")', "sys.stdout.close(); sys.stderr = None"))
    assert project.run().nodes["after"].value is True


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a process that reads a pipe with a name waits there")
def test_a_task_that_waits_for_another_to_go_can_be_killed_and_each_ends_once(tmp_path: Path) -> None:
    tasks = [Task(number, tmp_path / str(number), tmp_path / f"log-{number}") for number in range(3)]
    for task in tasks:
        task.folder.mkdir()
        os.mkfifo(task.folder / "request.json")  # it waits here
    ends: list[tuple[int, int]] = []

    def hear(workers: Workers, until: Callable[[], bool]) -> None:
        while not until():
            ends.extend((event.task, event.status) for event in workers.wait(1.0) if isinstance(event, Ended))

    with Workers(str(tmp_path)) as workers:
        workers.start(tasks[0])
        hear(workers, lambda: bool(workers._alive))
        (tasks[0].folder / RESULT).touch()
        assert workers._template is not None
        os.kill(workers._template.pid, signal.SIGUSR1)  # as it would itself
        hear(workers, lambda: len(ends) == 1)
        workers.start(tasks[1])
        workers.start(tasks[2])
        workers.kill(1)
        hear(workers, lambda: len(ends) == 2)
        time.sleep(0.1)
        assert not (tmp_path / "log-2").exists()
        os.kill(workers._alive[0], signal.SIGKILL)
        hear(workers, lambda: 2 in workers._alive)
        workers.kill(2)
        hear(workers, lambda: len(ends) == 3)
    assert ends == [(0, 0), (1, -signal.SIGKILL), (2, -signal.SIGKILL)]
