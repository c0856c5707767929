"""Retries of what may pass, timeouts that leave no process, resources that make nodes take turns."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from project_folder import Project

from ended_processes import ends
from treadle.errors import NodeLostError, NodeTimeoutError, UserCodeError
from treadle.runner import _retry, history
from treadle.runner._resources import Pool, needs_of
from treadle.runner._retry import is_transient, seconds_before

FLAKY = """
    import os

    class Busy(Exception):
        transient = True

    @component(retries=2)
    def flaky(counter: str, kind: str, good_at: int) -> int:
        attempt = len(os.listdir(counter)) + 1
        (Path(counter) / str(attempt)).touch()
        print("attempt", attempt)
        if attempt < good_at:
            if kind == "lost":
                os.kill(os.getpid(), 9)
            raise {"own": Busy, "network": ConnectionResetError, "bug": ValueError}[kind]("no")
        return attempt

    @pipeline
    def p(kind: str, counter: str, good_at: int = 3):
        flaky(counter, kind, good_at)
"""


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_retry, "FIRST_SECONDS", 0.01)


@pytest.mark.parametrize("kind", ["own", "network", "lost"])
def test_what_may_pass_is_tried_again(project: Project, tmp_path_factory: pytest.TempPathFactory, kind: str) -> None:
    project.write(FLAKY)
    result = project.run({"kind": kind, "counter": str(tmp_path_factory.mktemp("counter"))})
    node = result.nodes["flaky"]
    assert (node.state, node.value, node.attempts) == ("ran", 3, 3)
    assert node.log is not None
    assert node.log.read_text().splitlines() == ["attempt 1", "attempt 2", "attempt 3"]
    printed = "".join(event.text for event in project.events if event.kind == "printed")
    assert printed == node.log.read_text()
    assert len([event for event in project.events if event.kind == "retrying"]) == 2
    with history(project.home) as metadata:
        assert [found.state for found in metadata.executions(result.id)] == ["failed", "failed", "ran"]
    assert project.staging() == []


def test_it_is_given_up_after_so_many_times(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    project.write(FLAKY)
    counter = tmp_path_factory.mktemp("counter")
    node = project.run({"kind": "own", "counter": str(counter), "good_at": 9}).nodes["flaky"]
    assert (node.state, node.attempts, len(os.listdir(counter))) == ("failed", 3, 3)


def test_a_bug_is_not_tried_again(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    project.write(FLAKY)
    counter = tmp_path_factory.mktemp("counter")
    node = project.run({"kind": "bug", "counter": str(counter)}).nodes["flaky"]
    assert (node.state, node.attempts, len(os.listdir(counter))) == ("failed", 1, 1)


def test_changing_a_setting_runs_nothing_again(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    project.write(FLAKY.replace("os.listdir(counter)", "'xx'"))
    parameters = {"kind": "own", "counter": str(tmp_path_factory.mktemp("counter"))}
    assert project.states(parameters) == {"flaky": "ran"}
    project.edit("@component(retries=2)", '@component(retries=5, timeout=60, resources={"cpu": 2})')
    assert project.states(parameters) == {"flaky": "cached"}


def test_what_is_transient() -> None:
    wrapped = UserCodeError("no")
    wrapped.__cause__ = TimeoutError()
    for error in (TimeoutError(), BrokenPipeError(), NodeLostError("x"), wrapped, OSError(11, "again")):
        assert is_transient(error)
    for error in (ValueError(), OSError(2, "not there"), UserCodeError("no"), MemoryError(), OSError(28, "full")):
        assert not is_transient(error)


def test_waits_grow_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_retry, "FIRST_SECONDS", 0.5)
    for attempt in range(2, 100):
        middle = min(0.5 * 2.0 ** (attempt - 2), 60.0)
        assert 0.75 * middle <= seconds_before(attempt) <= 1.25 * middle


SLOW = """
    import os, subprocess, sys, time

    @component(timeout=1)
    def slow(place: str) -> int:
        group = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        away = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
        Path(place).write_text(f"{os.getpid()} {group.pid} {away.pid}")
        time.sleep(600)

    @component
    def leaves(place: str) -> int:
        left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        Path(place).write_text(str(left.pid))
        return 1

    @pipeline
    def p(place: str):
        slow(place)

    @pipeline
    def q(place: str):
        leaves(place)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_a_timeout_kills_everything_that_the_node_started(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project.write(SLOW)
    place = tmp_path_factory.mktemp("place") / "processes"
    node = project.run({"place": str(place)}, name="p").nodes["slow"]
    assert node.state == "failed"
    assert node.error is not None
    assert node.error.code == NodeTimeoutError.code
    assert all(ends(int(process)) for process in place.read_text().split())


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_a_node_ends_with_what_it_started(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    project.write(SLOW)
    place = tmp_path_factory.mktemp("place") / "process"
    assert project.states({"place": str(place)}, name="q") == {"leaves": "ran"}
    assert ends(int(place.read_text()))


TURNS = """
    import os, time

    @component(resources={"seat": 2})
    def sit(folder: str, n: int) -> int:
        mine = Path(folder) / str(n)
        mine.touch()
        time.sleep(0.1)
        seen = len(os.listdir(folder))
        mine.unlink()
        return seen

    @pipeline
    def p(folder: str):
        for n in range(4):
            sit(folder, n)
"""


def test_declared_resources_make_nodes_take_turns(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    project.write(TURNS)
    for limit in (1, 3):  # one at a time, also when one needs more than there is
        folder = str(tmp_path_factory.mktemp("seats"))
        result = project.run({"folder": folder}, workers=4, limits={"seat": limit})
        assert [node.value for node in result.nodes.values()] == [1, 1, 1, 1]


AMOUNTS = st.integers(0, 12).map(lambda quarters: quarters / 4)


@given(st.lists(st.tuples(st.booleans(), AMOUNTS, AMOUNTS), max_size=40))
def test_a_pool_never_gives_more_than_it_has(steps: list[tuple[bool, float, float]]) -> None:
    pool = Pool({"cpu": 2.0, "memory": 2.5})
    out: list[dict[str, float]] = []
    for takes, cpu, memory in steps:
        needs = needs_of({"cpu": cpu, "memory": memory})
        if takes and pool.fits(needs):
            pool.take(needs)
            out.append(needs)
        elif out and not takes:
            pool.give_back(out.pop(0))
        for name, limit in (("cpu", 2.0), ("memory", 2.5)):
            using = [taken[name] for taken in out if taken[name] > 0]
            assert sum(using) <= limit + 1e-6 or len(using) == 1
