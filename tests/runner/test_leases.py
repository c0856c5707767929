"""An owner that is held up past its lease records nothing more, on one host and on several, noticed or not."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from project_folder import Project

from treadle.metadata import _postgres
from treadle.runner import history

GATED = """
    import os, select

    @component
    def first() -> int:
        return 1

    @component
    def slow(x: int, gate: str, *, out: Output[Model]) -> int:
        (out.path / "half").write_text("half")
        Path(gate + ".new").touch()
        os.rename(gate + ".new", gate + ".reached")
        while not os.path.exists(gate):
            select.select([], [], [], 0.01)  # a clock that a test sets does not reach it
        return x + 1

    @pipeline
    def p(gate: str):
        slow(first(), gate)
"""
SECONDS = 2.5
RUN = f"""
import sys
from pathlib import Path
from treadle.pipeline import load_pipeline
from treadle.runner import _driver, _lease, run
_driver.LEASE_SECONDS = _lease.LEASE_SECONDS = {SECONDS}
result = run(load_pipeline("pipeline.py"), {{"gate": sys.argv[1]}}, home=Path(sys.argv[2]))
print(result.state)
"""


class Shared:
    """A project whose lineage this process sees as another runner would."""

    def __init__(self, project: Project, kind: str) -> None:
        self.project = project
        self.kind = kind
        self.gate = project.folder / "gate"
        self.owner_home = project.folder / "owner" if kind == "postgres" else project.home
        self.drivers: list[subprocess.Popen[str]] = []

    def begin(self) -> subprocess.Popen[str]:
        """A run in a process of its own, as soon as its second node works."""
        self.project.write(GATED)
        driver = subprocess.Popen(
            [sys.executable, "-c", RUN, str(self.gate), str(self.owner_home)],
            cwd=self.project.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.drivers.append(driver)
        while not Path(f"{self.gate}.reached").exists():
            assert driver.poll() is None, driver.communicate()
            time.sleep(0.01)
        return driver

    def pause(self, driver: subprocess.Popen[str]) -> None:
        """Stop a driver outside of its transactions: who is stopped inside of one has the lock."""
        while True:
            os.kill(driver.pid, signal.SIGSTOP)
            if self._is_free():
                return
            os.kill(driver.pid, signal.SIGCONT)
            time.sleep(0.02)

    def _is_free(self) -> bool:
        """Whether nobody is in a transaction."""
        if self.kind == "postgres":
            import psycopg

            with psycopg.connect(os.environ["TREADLE_METADATA"], autocommit=True) as server:
                lock = _postgres._LOCK.replace("pg_advisory", "pg_try_advisory")
                return bool(server.execute(lock).fetchone()[0])
        with closing(sqlite3.connect(self.project.home / "metadata.sqlite", timeout=0.05)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return False
            return True

    def close(self) -> None:
        """End what a failed test has left."""
        for driver in self.drivers:
            driver.kill()
            driver.communicate()

    def runs(self) -> list[str]:
        with history(self.project.home) as metadata:
            return [run.state for run in metadata.runs()]

    def outputs(self) -> dict[str, tuple[str, int]]:
        """Of the oldest run: state and number of outputs of its nodes."""
        with history(self.project.home) as metadata:
            executions = metadata.executions(metadata.runs()[-1].id)
            return {found.node: (found.state, len(found.outputs)) for found in executions}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.engines)])
def shared(project: Project, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shared]:
    """SQLite: runners on one host share a folder. PostgreSQL: each host has a folder of its own."""
    if request.param == "postgres":
        monkeypatch.setenv("TREADLE_METADATA", request.getfixturevalue("postgres_url"))
    with closing(Shared(project, request.param)) as shared:
        yield shared


def test_a_heart_keeps_a_run_alive_past_its_first_lease(shared: Shared) -> None:
    driver = shared.begin()
    time.sleep(2 * SECONDS)
    assert shared.runs() == ["running"]
    shared.gate.touch()
    told, errors = driver.communicate(timeout=60)
    assert (told, errors) == ("succeeded\n", "")


def test_a_stopped_owner_is_taken_for_dead_and_records_nothing(shared: Shared) -> None:
    _stop_an_owner(shared)
    print("1 owner paused past its lease: 0 committed afterwards")


@pytest.mark.drill
def test_many_stopped_owners(project: Project) -> None:
    pauses = 20
    for _ in range(pauses):
        with closing(Shared(project, "sqlite")) as shared:
            _stop_an_owner(shared)
        shutil.rmtree(project.home)
        for file in project.folder.glob("gate*"):
            file.unlink()
    print(f"{pauses} owners paused past their lease: 0 committed afterwards")


def _stop_an_owner(shared: Shared) -> None:
    driver = shared.begin()
    shared.pause(driver)
    assert shared.runs() == ["running"]
    time.sleep(SECONDS + 0.2)
    assert shared.runs() == ["failed"]
    shared.gate.touch()
    # what it had recorded before is there for everybody; its bytes only where they were written
    states = shared.project.states({"gate": str(shared.gate)})
    assert states == {"first": "cached" if shared.kind == "sqlite" else "ran", "slow": "ran"}
    os.kill(driver.pid, signal.SIGCONT)
    _, errors = driver.communicate(timeout=60)
    assert driver.returncode == 1
    assert "LeaseLostError" in errors
    assert shared.runs() == ["succeeded", "failed"]
    assert shared.outputs() == {"first": ("ran", 1), "slow": ("failed", 0)}


def test_a_stopped_owner_records_nothing_even_if_nobody_noticed(shared: Shared) -> None:
    driver = shared.begin()
    shared.pause(driver)
    shared.gate.touch()
    time.sleep(SECONDS + 0.2)
    os.kill(driver.pid, signal.SIGCONT)
    _, errors = driver.communicate(timeout=60)
    assert driver.returncode == 1
    assert "LeaseLostError" in errors
    assert shared.runs() == ["failed"]
    assert shared.outputs() == {"first": ("ran", 1), "slow": ("failed", 0)}


def test_a_killed_owner_is_known_at_once_on_its_host_and_by_its_lease_elsewhere(shared: Shared) -> None:
    driver = shared.begin()
    driver.kill()
    driver.communicate()
    assert shared.runs() == (["failed"] if shared.kind == "sqlite" else ["running"])
    time.sleep(SECONDS + 0.2)
    assert shared.runs() == ["failed"]
