"""Death and refusal at any moment of a run of three nodes: resumed, nothing is lost and nothing doubled.

The short form takes a few moments of each kind; `make drill` takes them all.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from crash import can_trace, check, command, environment, kill_after, prepare, resume, traced

needs_strace = pytest.mark.skipif(not can_trace(), reason="strace is not there or may not trace")
WRITES = "write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,ftruncate,unlink,mkdir"


def _kill_at_random_times(folder: Path, count: int) -> None:
    chance = random.Random(11)
    killed = 0
    for number in range(count):
        place = prepare(folder / str(number))
        killed += kill_after(place, chance.uniform(0.05, 1.2)) < 0
        resume(place)
    print(f"killed at {killed} of {count} random times: 0 lost, 0 doubled")


def _inject_until_unfaulted(folder: Path, calls: str, fault: str, *, step: int, most: int) -> None:
    tried = 0
    for number in range(1, most, step):
        place = prepare(folder / f"{calls.partition(',')[0]}-{number}")
        code = traced(place, f"{calls}:{fault}:when={number}")
        tried += 1
        resume(place)
        shutil.rmtree(place)
        if code == 0 and number > 400:
            break
    print(f"{fault} at {tried} system calls of {calls.partition(',')[0]}...: 0 lost, 0 doubled")


def test_killed_at_some_random_times(tmp_path: Path) -> None:
    _kill_at_random_times(tmp_path, 3)


@needs_strace
@pytest.mark.parametrize("number", [40, 140])
def test_killed_at_some_system_calls_that_write(tmp_path: Path, number: int) -> None:
    place = prepare(tmp_path)
    traced(place, f"{WRITES}:signal=KILL:when={number}")
    resume(place)


@needs_strace
@pytest.mark.parametrize("error", ["EIO", "ENOSPC", "EROFS"])
def test_some_errors_of_the_disk(tmp_path: Path, error: str) -> None:
    place = prepare(tmp_path)
    traced(place, f"{WRITES}:error={error}:when={random.Random(error).randrange(20, 120)}")
    resume(place)


@pytest.mark.drill
def test_killed_at_many_random_times(tmp_path: Path) -> None:
    _kill_at_random_times(tmp_path, 100)


@pytest.mark.drill
@needs_strace
def test_killed_at_every_system_call_that_writes(tmp_path: Path) -> None:
    _inject_until_unfaulted(tmp_path, WRITES, "signal=KILL", step=1, most=2000)


@pytest.mark.drill
@needs_strace
@pytest.mark.parametrize("error", ["EIO", "ENOSPC", "EROFS"])
def test_every_error_of_the_disk(tmp_path: Path, error: str) -> None:
    _inject_until_unfaulted(tmp_path, WRITES, f"error={error}", step=1, most=2000)


@pytest.mark.drill
def test_sixteen_runs_share_a_store(tmp_path: Path) -> None:
    place = prepare(tmp_path)
    processes = [
        subprocess.Popen(command(), cwd=place, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(16)
    ]
    for process in processes:
        out, told = process.communicate(timeout=300)
        assert process.returncode == 0, told.decode()
        assert json.loads(out)["state"] == "succeeded"
    print("16 runs at once on one store: 16 succeeded")


def test_a_whole_store_passes_the_check(tmp_path: Path) -> None:
    place = prepare(tmp_path)
    resume(place)
    check(place)
    (damaged, *_) = (place / ".treadle" / "artifacts").rglob("weights")
    damaged.chmod(0o600)
    damaged.write_text("else")
    with pytest.raises(AssertionError):
        check(place)
