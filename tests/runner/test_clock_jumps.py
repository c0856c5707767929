"""Real processes whose wall clock jumps (libfaketime): runs end, keep their order, and are reused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from project_folder import Project
from test_leases import GATED, RUN, SECONDS

pytestmark = pytest.mark.engines

LIBRARY = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)
PAST, PRESENT, FUTURE = "@2001-01-01 00:00:00", "@2026-01-01 00:00:00", "@2037-01-01 00:00:00"


class Clock:
    """The wall clock of processes; the machine's monotonic clock, which nobody can set, stays as it is."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.set(PRESENT)

    def set(self, moment: str) -> None:
        part = self.file.with_suffix(".part")
        part.write_text(moment + "\n")
        part.replace(self.file)

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "TZ": "UTC",
        }


@pytest.fixture
def clock(project: Project) -> Clock:
    if LIBRARY is None:
        pytest.skip("clock jumps are not tested with real processes: apt-get install faketime")
    found = Clock(project.folder / "moment")
    probe = [sys.executable, "-c", "import time; print(time.gmtime().tm_year, time.monotonic())"]
    year, monotonic = subprocess.run(
        probe, env=found.environment(), capture_output=True, text=True, check=True
    ).stdout.split()
    assert year == "2026"
    assert abs(float(monotonic) - time.monotonic()) < 60
    return found


def treadle(clock: Clock, *command: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "treadle", *command, "--json"],
        env=clock.environment(), capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("jump", [PAST, FUTURE])
def test_a_clock_that_is_set_while_a_run_is_at_work(project: Project, clock: Clock, jump: str) -> None:
    project.write(GATED)
    gate = project.folder / "gate"
    driver = subprocess.Popen(
        [sys.executable, "-c", RUN, str(gate), str(project.home)],
        env=clock.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while not Path(f"{gate}.reached").exists():
        assert driver.poll() is None, driver.communicate()
        time.sleep(0.01)
    clock.set(jump)
    time.sleep(2 * SECONDS)
    assert [run["state"] for run in treadle(clock, "status")["runs"]] == ["running"]
    gate.touch()
    told, errors = driver.communicate(timeout=60)
    assert (told, errors) == ("succeeded\n", "")
    assert treadle(clock, "verify")["damaged"] == []
    print("1 jump of the clock under a run at work: 0 lost")


def test_the_order_of_runs_under_a_clock_that_goes_back(project: Project, clock: Clock) -> None:
    project.write(
        """
        @component
        def read(n: int) -> int:
            return n

        @pipeline
        def p(n: int = 1):
            read(n)
        """
    )
    made = []
    for moment, n in ((FUTURE, 1), (PRESENT, 2), (PAST, 3), (FUTURE, 2)):
        clock.set(moment)
        made.append(treadle(clock, "run", "pipeline.py", "--set", f"n={n}"))
    assert [run["nodes"]["read"]["state"] for run in made] == ["ran", "ran", "ran", "cached"]
    listed = [run["run"] for run in treadle(clock, "status")["runs"]]
    assert listed == [run["run"] for run in reversed(made)]
    clock.set(PAST)
    assert treadle(clock, "status", "last")["run"] == made[-1]["run"]
    assert treadle(clock, "gc", "--delete", "--keep-runs", "1", "--keep-days", "0")["runs_kept"] == 1
    assert treadle(clock, "run", "pipeline.py", "--set", "n=2")["nodes"]["read"]["state"] == "cached"
    print(f"{len(made)} runs, each at another time of the clock: 0 out of order")
