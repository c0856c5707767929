"""The loop command: misuse is told, nothing is half done. Its turns are tested with the wheel."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

PIPELINE = """
import treadle

@treadle.component
def one() -> int:
    return 1

@treadle.pipeline
def taxi(first: str = "a", last: str = "b", serving: str = "s"):
    one()
"""


@pytest.fixture
def loop(tmp_path):
    def run(*more, policy="policy = treadle.RetrainPolicy()"):
        (tmp_path / "pipe.py").write_text(PIPELINE + policy + "\n")
        folders = ["--serving", "serving", "--log", "log", "--labels", "labels"]
        return subprocess.run(
            [sys.executable, "-m", "treadle", "loop", "pipe.py", "--model", "taxi", *folders, *more],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env={**os.environ, "TREADLE_HOME": ""},
        )

    return run


@pytest.mark.parametrize("now", ["yesterday", "2019-13-01", "2019-03-01T00:00:00+01:00"])
def test_a_time_that_is_none(loop, now):
    done = loop("--now", now, "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["code"] == "USAGE"
    assert now in done.stderr


@pytest.mark.parametrize(
    ("policy", "count"), [("", 0), ("a = treadle.RetrainPolicy()\nb = treadle.RetrainPolicy(every='1mo')", 2)]
)
def test_a_file_without_one_policy(loop, policy, count):
    done = loop(policy=policy)
    assert done.returncode == 2
    assert f"declares {count} policies" in done.stderr
    assert "policy = treadle.RetrainPolicy" in done.stderr


def test_one_policy_of_any_name_is_taken(loop):
    done = loop(policy="mine = treadle.RetrainPolicy()")
    assert "policies" not in done.stderr
    assert "no 'taxi@champion'" in done.stderr


def test_no_champion(loop):
    done = loop("--json")
    assert done.returncode == 2
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "REGISTRY"
    assert "Run the pipeline" in error["hint"]


def test_an_impossible_policy_is_told_with_the_file(loop):
    done = loop(policy="policy = treadle.RetrainPolicy(every='soon')")
    assert done.returncode == 2
    assert "'soon' is not a length of time" in done.stderr
