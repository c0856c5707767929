"""``treadle approve`` and ``reject``, as a person gives them; and the loop, whose retraining waits for one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TAXI = Path(__file__).parents[2] / "examples" / "taxi"
PIPELINE = """
import json
from treadle import Output, component, pipeline
from treadle.artifact import Model, Verdict
from treadle.components import approval
from treadle.components._approval import Approval, check_approval


@component
def fit(rate: float, *, model: Output[Model], verdict: Output[Verdict]) -> None:
    (model.path / "m.txt").write_text(str(rate))
    (verdict.path / "verdict.json").write_text(json.dumps({"state": "passed", "reasons": ["auc is 0.9"]}))


@component
def promote(model: Model, approval: Approval) -> dict:
    check_approval(approval, model)
    return dict(approval.properties)


@pipeline
def flow(rate: float = 0.1, promoted: float = 0.1, hours: float = 24.0):
    made, other = fit(rate), fit(promoted, node="other")
    promote(other.model, approval(made.model, made.verdict, expires_hours=hours, node="release"))
"""


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.engines)])
def treadle(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Runs a command in a folder, with the store's databases in a file or in PostgreSQL: code, output, what it told."""
    if request.param == "postgres":
        (tmp_path / ".treadle").mkdir()
        (tmp_path / ".treadle" / "store.toml").write_text(f'metadata = "{request.getfixturevalue("postgres_url")}"\n')
    (tmp_path / "flow.py").write_text(PIPELINE)
    environment = {name: value for name, value in os.environ.items() if name != "TREADLE_HOME"}

    def treadle(*command: str) -> tuple[int, Any, str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "treadle", *command, "--json"],
            cwd=tmp_path,
            env={**environment, "OMP_NUM_THREADS": "1"},
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        printed, told = process.communicate(timeout=120)
        with pytest.raises(ProcessLookupError):  # nothing that it started is left
            os.killpg(process.pid, 0)
        return process.returncode, json.loads(printed), told

    return treadle


def states(run: Any) -> dict[str, str]:
    return {name: node["state"] for name, node in run["nodes"].items()}


def test_who_when_and_why(treadle: Any) -> None:
    code, waits, told = treadle("run", "flow.py")
    digest = waits["nodes"]["fit"]["outputs"]["model"]["digest"]
    assert (code, waits["state"], states(waits)["release"]) == (0, "waiting", "waiting")
    assert f"release asks for approval of {digest}" in told
    assert "verdict passed: auc is 0.9" in told
    assert f"treadle approve {waits['run']} release" in told
    code, done, _ = treadle("approve", "last", "release", "--reason", "looked at it", "--by", "ada")
    assert code == 0
    assert (done["digest"], done["by"], done["resumed"]["state"]) == (digest, "ada", "succeeded")
    answer = done["resumed"]["nodes"]["promote"]["value"]
    assert (answer["by"], answer["reason"], answer["digest"]) == ("ada", "looked at it", digest)
    assert answer["at"].endswith("+00:00")
    assert [run["state"] for run in treadle("status")[1]["runs"]] == ["succeeded", "succeeded"]
    code, refused, _ = treadle("run", "flow.py", "--set", "promoted=0.2")
    assert (code, refused["nodes"]["promote"]["error"]["code"]) == (2, "APPROVAL_MISMATCH")


def test_a_no_and_a_question_that_is_too_old(treadle: Any) -> None:
    treadle("run", "flow.py")
    code, done, _ = treadle("reject", "last", "release", "--reason", "too slow")
    assert (code, states(done["resumed"])["promote"]) == (0, "skipped")
    code, refused, told = treadle("run", "flow.py")
    assert (code, refused["nodes"]["release"]["error"]["code"]) == (1, "APPROVAL_REJECTED")
    assert "too slow" in told
    treadle("run", "flow.py", "--set", "rate=0.3", "--set", "hours=0")
    code, late, _ = treadle("approve", "last", "release", "--reason", "late")
    assert (code, late["error"]["code"]) == (2, "APPROVAL_EXPIRED")
    code, expired, told = treadle("run", "flow.py", "--set", "rate=0.3", "--set", "hours=0")
    assert (code, expired["nodes"]["release"]["error"]["code"]) == (1, "APPROVAL_EXPIRED")
    assert "Traceback" not in told


def test_a_run_that_fails_before_the_question_is_no_answer(treadle: Any, tmp_path: Path) -> None:
    text = PIPELINE.replace("    (model.path", "    open('there').close()\n    (model.path")
    (tmp_path / "flow.py").write_text(text)
    (tmp_path / "there").touch()
    waits = treadle("run", "flow.py")[1]
    (tmp_path / "there").unlink()
    code, done, _ = treadle("approve", "last", "release", "--reason", "good", "--by", "ada")
    assert (code, done["resumed"]["state"]) == (2, "failed")
    assert [run["state"] for run in treadle("status")[1]["runs"]] == ["failed", "waiting"]
    (tmp_path / "there").touch()
    assert treadle("run", "flow.py")[1]["state"] == "succeeded"
    (first,) = [run for run in treadle("status")[1]["runs"] if run["run"] == waits["run"]]
    assert first["state"] == "succeeded"


@pytest.mark.engines
def test_a_retraining_waits(treadle: Any, tmp_path: Path) -> None:
    pytest.importorskip("lightgbm", reason="LightGBM is not installed")
    (tmp_path / "data").mkdir()
    for month in ("2018-01", "2018-02"):
        shutil.copy(TAXI / "data" / f"yellow_tripdata_sample_{month}.parquet", tmp_path / "data")
    shutil.copy(TAXI / "schema.toml", tmp_path)
    gates = 'GATES = [at_least("auc", 0.55), within("calibration", 0.97, 1.03), no_worse("log_loss")]'
    text = (TAXI / "pipeline.py").read_text()
    assert gates in text
    text = text.replace(gates, 'GATES = [at_least("auc", 0.5)]')
    (tmp_path / "first.py").write_text(text)
    push = '    step.push(servable, scores.verdict, examples, name="taxi", serving=serving)\n'
    asked = '    asked = step.approval(servable, scores.verdict, node="release")\n'
    assert push in text
    text = text.replace(push, asked + push.replace("examples, name", "examples, asked, name")).split("policy =")[0]
    (tmp_path / "asking.py").write_text(text + 'policy = treadle.RetrainPolicy(every="1mo", window=1)\n')
    months = ("--set", "first=2018-01", "--set", "last=2018-01", "--set", "serving=serving")
    assert treadle("run", "first.py", *months)[1]["state"] == "succeeded"
    loop = ("loop", "asking.py", "--model", "taxi", "--serving", "serving", "--log", "log", "--labels", "labels")
    code, first, told = treadle(*loop, "--now", "2018-03-01")
    (turn,) = first["turns"]
    assert (code, turn["action"]) == (0, "waiting")
    assert "waiting" in told
    assert treadle(*loop, "--now", "2018-03-01")[1]["turns"] == []
    assert treadle("approve", turn["run"], "release", "--reason", "good", "--by", "ada")[1]["resumed"]["state"] == (
        "succeeded"
    )
    (settled,) = treadle(*loop, "--now", "2018-03-01")[1]["turns"]
    assert (settled["window"], settled["action"]) == (turn["window"], "promoted")
    assert (tmp_path / "serving" / "taxi" / "champion").read_text().strip() == "2"
