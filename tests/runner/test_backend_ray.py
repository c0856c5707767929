"""The Ray backend passes the suite of backends, on two raylets; workers and raylets die."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from project_folder import Project
from ray_cluster import cluster, command, driver, environment, run_on

from ended_processes import ends, lives
from treadle.runner import cancel, history
from treadle.testing import BackendContract

pytestmark = [pytest.mark.engines, pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def ray_cluster() -> Iterator[Any]:
    pytest.importorskip("ray", reason="Ray is not installed")
    with cluster() as made:
        yield made


@pytest.fixture(scope="module")
def connected(ray_cluster: Any) -> Iterator[Any]:
    """A process that stays connected; connecting takes seconds."""
    with driver(ray_cluster.address) as process:
        yield process


class TestRayBackend(BackendContract):
    @pytest.fixture
    def execute(self, tmp_path: Path, connected: Any) -> Any:
        def run_there(target: str, parameters: Mapping[str, Any], _: tuple[str, ...]) -> None:
            asked = {"target": target, "parameters": parameters, "folder": str(tmp_path)}
            connected.stdin.write(json.dumps(asked) + "\n")
            connected.stdin.flush()
            assert "state" in json.loads(connected.stdout.readline())

        return run_there


WHERE = """
    import os, time

    @component(resources={"oven": 1})
    def baked() -> str:
        return os.environ.get("RAY_NODE", "") or str(os.getppid())

    @component(resources={"scale": 1})
    def weighed() -> int:
        return 1

    @component(resources={"cpu": 64})
    def huge() -> int:
        return 1

    @component(retries=1, resources={"RESOURCE": 1})
    def waits(mark: str) -> int:
        with open(mark, "a") as file:
            file.write(f"{os.getpid()}\\n")
        while len(open(mark).read().split()) < 2:
            time.sleep(0.05)
        return 1
"""


def until(happened: Callable[[], Any]) -> Any:
    for _ in range(600):
        if found := happened():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in 30 s")


def test_nodes_go_where_what_they_need_is(project: Project, ray_cluster: Any) -> None:
    project.write(WHERE + "\n    @pipeline\n    def p():\n        baked(); weighed(); huge()\n")
    told = run_on(ray_cluster.address, "pipeline.py", {}, project.folder)
    assert {name: node["state"] for name, node in told["nodes"].items()} == {
        "baked": "ran",
        "weighed": "ran",
        "huge": "failed",
    }
    error = told["nodes"]["huge"]["error"]
    assert error["code"] == "BACKEND"
    assert "CPU 64" in error["what"]
    assert "autoscaler" in error["hint"]


@pytest.fixture
def begin(project: Project, ray_cluster: Any) -> Iterator[Callable[[str], tuple[Any, int]]]:
    """Start a run of the node that waits; the run's process and the node's, when that is at work."""
    started: list[subprocess.Popen[str]] = []

    def begin(resource: str) -> tuple[Any, int]:
        text = WHERE.replace("RESOURCE", resource)
        project.write(text + "\n    @pipeline\n    def p():\n        waits(os.path.abspath('mark'))\n")
        process = subprocess.Popen(
            command("pipeline.py"),
            cwd=project.folder,
            env=environment(ray_cluster.address),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        mark = project.folder / "mark"
        return process, int(until(lambda: mark.exists() and mark.read_text().split())[0])

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def parent(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


def executions(project: Project) -> list[tuple[str, str | None]]:
    with history(project.home) as metadata:
        (run,) = metadata.runs()
        return [(one.state, one.error["code"] if one.error else None) for one in metadata.executions(run.id)]


def test_a_worker_that_is_killed_is_a_passing_fault(project: Project, begin: Any) -> None:
    driver, node = begin("oven")
    os.kill(parent(parent(node)), signal.SIGKILL)  # the node, its template, Ray's worker
    assert driver.wait(60) == 0
    assert executions(project) == [("failed", "NODE_LOST"), ("ran", None)]
    assert not lives(node)
    assert project.staging() == []


def test_a_run_on_ray_is_cancelled(project: Project, begin: Any) -> None:
    driver, node = begin("oven")
    cancel(home=project.home)
    assert driver.wait(60) != 0
    assert ends(node)
    assert executions(project)[0][0] == "failed"
    assert project.staging() == []


def test_a_driver_that_is_killed_takes_its_nodes_along(project: Project, begin: Any) -> None:
    driver, node = begin("oven")
    driver.kill()
    assert ends(node)
    assert executions(project) == [("failed", "NODE_LOST")]


def test_a_raylet_that_is_lost_is_a_passing_fault(project: Project, begin: Any, ray_cluster: Any) -> None:
    spare = ray_cluster.add_node(num_cpus=1, resources={"pan": 1})
    ray_cluster.wait_for_nodes()
    driver, node = begin("pan")
    ray_cluster.add_node(num_cpus=1, resources={"pan": 1})
    ray_cluster.wait_for_nodes()
    ray_cluster.remove_node(spare, allow_graceful=False)
    assert driver.wait(90) == 0
    assert executions(project) == [("failed", "NODE_LOST"), ("ran", None)]
    assert ends(node)


def test_an_output_may_have_any_name(project: Project, ray_cluster: Any) -> None:
    """Also that of a file which the backend keeps for itself."""
    project.write("""
        @component
        def makes(*, began: Output[Model]) -> None:
            (began.path / "file").write_text("made")

        @pipeline
        def p():
            makes()
    """)
    told = run_on(ray_cluster.address, "pipeline.py", {}, project.folder)
    assert told["nodes"]["makes"]["state"] == "ran", told


def test_a_cluster_that_is_not_there(project: Project) -> None:
    pytest.importorskip("ray", reason="Ray is not installed")
    project.write("@component\ndef a() -> int:\n    return 1\n\n@pipeline\ndef p():\n    a()\n")
    ended = subprocess.run(
        command("pipeline.py"),
        cwd=project.folder,
        env=environment("127.0.0.1:1"),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 2
    assert "[BACKEND]" in ended.stderr
    assert "RAY_ADDRESS" in ended.stderr
    assert "RAY_AUTH_MODE=token" in ended.stderr
