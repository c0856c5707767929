"""Death and refusal at any moment of a run of three nodes: resumed, nothing is lost and nothing doubled.

A fault strikes the n-th write system call of one process: the driver, the template that starts nodes, or a node. The
short form takes a few n of each; `make drill` takes every one, until a run passes that made fewer calls.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from crash import PLACES, WRITES, can_trace, check, command, environment, kill_after, prepare, resume, strike

needs_strace = pytest.mark.skipif(not can_trace(), reason="strace is not there or may not trace")
MOST = 3000
"""More write system calls than any process of the run makes: the loop ends before."""


def _kill_at_random_times(folder: Path, count: int) -> None:
    chance = random.Random(11)
    killed = 0
    for number in range(count):
        place = prepare(folder / str(number))
        killed += kill_after(place, chance.uniform(0.05, 1.2)) < 0
        resume(place)
    print(f"killed at {killed} of {count} random times: 0 lost, 0 doubled")


def _strike_until_unfaulted(folder: Path, place: str, fault: str, after: str = "") -> None:
    """Strike every write of a process, each in a run of its own."""
    struck = 0
    for call in WRITES:
        for nth in range(1, MOST):
            home = prepare(folder / f"{call}-{nth}")
            trial = strike(home, place, f"{call}:{fault}:when={nth}{after}")
            resume(home)
            shutil.rmtree(home)
            if not trial.faults:
                assert trial.status == 0, "no fault, and yet it failed"
                break
            struck += 1
        else:
            raise AssertionError(f"no run of the {place} passed unfaulted")
    assert struck > 0
    print(f"{fault}{after} at {struck} writes of the {place}: 0 lost, 0 doubled")


def test_killed_at_some_random_times(tmp_path: Path) -> None:
    _kill_at_random_times(tmp_path, 3)


@needs_strace
@pytest.mark.parametrize(
    ("place", "fault"),
    [
        ("driver", "fdatasync:signal=KILL:when=7"),
        ("template", "write:signal=KILL:when=1"),
        ("template", "write:error=EIO:when=1"),
        ("second", "rename:signal=KILL:when=1"),
        ("driver", "pwrite64:error=ENOSPC:when=30+"),
        ("driver", "fdatasync:error=EIO:when=5"),
        ("second", "mkdir:error=EROFS:when=1"),
    ],
)
def test_a_fault_at_one_write(tmp_path: Path, place: str, fault: str) -> None:
    home = prepare(tmp_path)
    trial = strike(home, place, fault)
    assert trial.faults > 0
    resume(home)
    print(f"{fault} in the {place}: {trial.faults} faults, 0 lost, 0 doubled")


@pytest.mark.drill
def test_killed_at_many_random_times(tmp_path: Path) -> None:
    _kill_at_random_times(tmp_path, 100)


@pytest.mark.drill
@needs_strace
@pytest.mark.parametrize("place", PLACES)
def test_killed_at_every_write(tmp_path: Path, place: str) -> None:
    _strike_until_unfaulted(tmp_path, place, "signal=KILL")


@pytest.mark.drill
@needs_strace
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("error", "after"), [("EIO", ""), ("ENOSPC", "+"), ("EROFS", "+")])
def test_every_write_refused(tmp_path: Path, place: str, error: str, after: str) -> None:
    _strike_until_unfaulted(tmp_path, place, f"error={error}", after)


@pytest.mark.parametrize("count", [4, pytest.param(16, marks=pytest.mark.drill)], ids=["short", "long"])
def test_runs_at_once_share_a_store(tmp_path: Path, count: int) -> None:
    place = prepare(tmp_path)
    processes = [
        subprocess.Popen(command(), cwd=place, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(count)
    ]
    for process in processes:
        out, told = process.communicate(timeout=300)
        assert process.returncode == 0, told.decode()
        assert json.loads(out)["state"] == "succeeded"
    print(f"{count} runs at once on one store: {count} succeeded")


def test_a_whole_store_passes_the_check(tmp_path: Path) -> None:
    place = prepare(tmp_path)
    resume(place)
    check(place)
    (damaged, *_) = (place / ".treadle" / "artifacts").rglob("weights")
    damaged.chmod(0o600)
    damaged.write_text("else")
    with pytest.raises(AssertionError):
        check(place)
