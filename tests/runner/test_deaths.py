"""Death of the driver or of the template: nothing half-visible, nothing that lies, and the next run finishes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from project_folder import Project

from ended_processes import ends
from treadle.errors import NodeLostError
from treadle.runner import history

SLOW = """
    import os, time

    @component
    def first() -> int:
        return 1

    @component
    def slow(x: int, gate: str, *, out: Output[Model]) -> int:
        (out.path / "half").write_text("half")
        Path(gate + ".new").write_text(f"{os.getpid()} {os.getppid()}")
        os.rename(gate + ".new", gate + ".reached")
        while not os.path.exists(gate):
            time.sleep(0.01)
        return x + 1

    @component
    def last(x: int) -> int:
        return x + 1

    @pipeline
    def p(gate: str):
        last(slow(first(), gate).value)
"""
RUN = """
import sys
from pathlib import Path
from treadle.pipeline import load_pipeline
from treadle.runner import run
result = run(load_pipeline("pipeline.py"), {"gate": sys.argv[1]}, home=Path(sys.argv[2]))
"""


def begin(project: Project) -> tuple[subprocess.Popen[str], int, int]:
    """A run in a process of its own, as soon as its second node works: the driver, the node and the template."""
    project.write(SLOW)
    gate = project.folder / "gate"
    driver = subprocess.Popen(
        [sys.executable, "-c", RUN, str(gate), str(project.home)],
        cwd=project.folder,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not Path(f"{gate}.reached").exists():
        assert driver.poll() is None
        time.sleep(0.01)
    node, template = map(int, Path(f"{gate}.reached").read_text().split())
    return driver, node, template


def finish(project: Project) -> None:
    (project.folder / "gate").touch()
    states = project.states({"gate": str(project.folder / "gate")})
    assert states == {"first": "cached", "slow": "ran", "last": "ran"}
    assert project.staging() == []
    with history(project.home) as metadata:
        assert [run.state for run in metadata.runs()] == ["succeeded", "failed"]


def test_the_driver_is_killed(project: Project) -> None:
    driver, node, template = begin(project)
    driver.kill()
    driver.communicate()
    assert ends(node)
    assert ends(template)
    assert len(project.staging()) == 1
    with history(project.home) as metadata:
        (run,) = metadata.runs()
        assert run.state == "failed"
        executions = {execution.node: execution for execution in metadata.executions(run.id)}
    assert {name: execution.state for name, execution in executions.items()} == {"first": "ran", "slow": "failed"}
    assert (executions["slow"].error or {})["code"] == NodeLostError.code
    assert project.staging() == []
    finish(project)


def test_the_template_is_killed(project: Project) -> None:
    driver, node, template = begin(project)
    os.kill(template, signal.SIGKILL)
    _, told = driver.communicate(timeout=30)
    assert driver.returncode == 1
    assert "NodeLostError" in told
    assert project.staging() == []
    assert ends(node)
    finish(project)


def test_a_living_run_is_left_alone(project: Project) -> None:
    driver, _, _ = begin(project)
    with history(project.home) as metadata:
        (run,) = metadata.runs()
        assert run.state == "running"
    assert len(project.staging()) == 1
    (project.folder / "gate").touch()
    _, told = driver.communicate(timeout=30)
    assert (driver.returncode, told) == (0, "")
    with history(project.home) as metadata:
        assert [run.state for run in metadata.runs()] == ["succeeded"]
