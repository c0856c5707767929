"""A person approves exactly these bytes: the question, the answer, and who may not go past."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from treadle.artifact import Artifact, Output, canonical_json, digest_tree
from treadle.cli._approve import command as approve
from treadle.cli._reject import command as reject
from treadle.cli._status import command as status
from treadle.components import Approval, Approvals
from treadle.components import approval as approval_component
from treadle.components._approval import check_approval
from treadle.errors import (
    ApprovalError,
    ApprovalExpiredError,
    ApprovalMismatchError,
    ApprovalRejectedError,
)
from treadle.metadata import RunRecord
from treadle.pipeline import Wait, load_pipeline
from treadle.runner import RunResult, history, plan, run

PIPELINE = """
import json
import treadle
from treadle import Output, component, pipeline
from treadle.artifact import Model, Verdict
from treadle.components import Approval, approval


@component
def fit(rate: float, *, model: Output[Model], verdict: Output[Verdict]) -> None:
    (model.path / "m.txt").write_text(str(rate))
    (verdict.path / "verdict.json").write_text(json.dumps({"state": "passed", "reasons": ["auc is 0.9"]}))


@component
def promote(model: Model, approval: Approval) -> str:
    return approval.properties["by"]


@component
def tell(status: dict) -> str:
    return status["state"]


@pipeline
def flow(rate: float = 0.1, hours: float = 24.0):
    made = fit(rate)
    asked = approval(made.model, made.verdict, expires_hours=hours, node="ask")
    promote(made.model, asked)
    with treadle.at_exit() as status:
        tell(status)
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TREADLE_HOME", str(tmp_path / ".treadle"))
    path = tmp_path / "flow.py"
    path.write_text(PIPELINE)
    return path


def go(file: Path, **parameters: Any) -> RunResult:
    return run(load_pipeline(file), parameters)


def runs() -> list[RunRecord]:
    with history() as metadata:
        return metadata.runs()


def states(result: RunResult) -> dict[str, str]:
    return {name: node.state for name, node in result.nodes.items()}


def test_a_run_waits_and_goes_on_when_somebody_approves(file: Path) -> None:
    waiting = go(file)
    assert waiting.state == "waiting"
    assert states(waiting) == {"fit": "ran", "ask": "waiting", "promote": "waiting", "tell": "waiting"}
    digest = waiting.nodes["fit"].outputs["model"].digest
    assert digest in waiting.nodes["ask"].reason
    assert "verdict passed: auc is 0.9" in waiting.nodes["ask"].reason
    assert go(file).state == "waiting"
    also_waiting, _ = runs()

    answered = CliRunner().invoke(
        approve, [waiting.id, "ask", "--reason", "looks right", "--by", "ada", "--json"], standalone_mode=False
    )
    assert answered.return_value == 0, answered.output
    told = json.loads(answered.stdout.splitlines()[-1])
    assert (told["decision"], told["digest"], told["by"]) == ("approved", digest, "ada")
    assert {name: node["state"] for name, node in told["resumed"]["nodes"].items()} == {
        "fit": "cached",
        "ask": "ran",
        "promote": "ran",
        "tell": "ran",
    }
    assert told["resumed"]["nodes"]["promote"]["value"] == "ada"
    again = go(file)
    assert (again.state, again.nodes["promote"].state) == ("succeeded", "cached")
    assert plan(load_pipeline(file)).nodes["ask"].state == "run"
    shown = CliRunner().invoke(status, [], standalone_mode=False).stdout
    assert {run.state for run in runs()} == {"succeeded"}  # also of those that nobody went on with by name
    for run_id in (waiting.id, also_waiting.id):
        assert f"(went on as {told['resumed']['run']})" in next(line for line in shown.splitlines() if run_id in line)
    assert go(file, rate=0.2).state == "waiting"  # other bytes, another question


def test_a_rejected_candidate_fails_and_its_reason_is_told(file: Path) -> None:
    waiting = go(file)
    answered = CliRunner().invoke(reject, ["last", "ask", "--reason", "too slow", "--by", "bob"], standalone_mode=False)
    assert answered.return_value == 0, answered.output
    again = go(file)
    assert again.state == "failed"
    error = again.nodes["ask"].error
    assert error is not None
    assert (error.code, error.what) == ("APPROVAL_REJECTED", "bob rejected it: too slow")
    assert again.nodes["tell"].value == "failed"
    with Approvals(file.parent / ".treadle") as approvals, pytest.raises(ApprovalError, match="rejected by bob"):
        approvals.decide(waiting.id, "ask", approved=True, by="eve", reason="x")


def test_a_question_that_has_expired_fails_once_and_is_asked_anew(file: Path) -> None:
    error = go(file, hours=0.0).nodes["ask"].error
    assert error is not None
    assert error.code == "APPROVAL_EXPIRED"
    assert go(file, hours=24.0).state == "waiting"


def test_questions_and_answers(tmp_path: Path) -> None:
    now = [datetime(2024, 1, 1, tzinfo=UTC)]
    with Approvals(tmp_path, clock=lambda: now[0]) as approvals:
        ask = {"verdict": "passed", "expires": timedelta(hours=1)}
        first = approvals.ask("gate", "sha256:a", place=("r1", "n"), **ask)  # type: ignore[arg-type]
        assert approvals.ask("gate", "sha256:a", place=("r2", "n"), **ask) == first  # type: ignore[arg-type]
        assert approvals.ask("other", "sha256:a", **ask) != first  # type: ignore[arg-type]
        assert approvals.decision(first) is None
        assert [(run_, node) for run_, node, _ in approvals.waiting()] == [("r1", "n"), ("r2", "n")]
        for run_, node, by, reason in [("r3", "n", "a", "b"), ("r1", "m", "a", "b"), ("r1", "n", " ", "b")]:
            with pytest.raises(ApprovalError):
                approvals.decide(run_, node, approved=True, by=by, reason=reason)
        now[0] += timedelta(hours=1)
        with pytest.raises(ApprovalExpiredError):
            approvals.decide("r1", "n", approved=True, by="a", reason="b")
        with pytest.raises(ApprovalExpiredError):
            approvals.decision(first)
        second = approvals.ask("gate", "sha256:a", place=("r3", "n"), **ask)  # type: ignore[arg-type]
        assert second.id != first.id
        approvals.decide("r3", "n", approved=True, by="a", reason="b")
        now[0] += timedelta(hours=9)
        found = approvals.decision(second)
        assert found is not None
        assert (found.approved, found.by, found.reason) == (True, "a", "b")
        assert approvals.waiting() == []


def test_other_bytes_than_the_approved_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.txt").write_text(name)
    right, wrong = (Artifact(tmp_path / name, digest_tree(tmp_path / name)) for name in ("a", "b"))
    (tmp_path / "approval").mkdir()
    (tmp_path / "approval" / "approval.json").write_bytes(canonical_json({"digest": right.digest}))
    approved = Approval(tmp_path / "approval", "sha256:0")
    check_approval(approved, right)
    with pytest.raises(ApprovalMismatchError):
        check_approval(approved, wrong)


def test_called_plainly_it_waits_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TREADLE_HOME", str(tmp_path / "home"))
    (tmp_path / "out").mkdir()
    subject = Artifact(tmp_path, "sha256:1")
    with pytest.raises(Wait, match="for approval of sha256:1"):
        approval_component(subject, approval=Output(tmp_path / "out"))
    with Approvals(tmp_path / "home") as approvals:
        request = approvals.ask("approval", "sha256:1", verdict="", expires=None, place=("r", "n"))
        approvals.decide("r", "n", approved=False, by="a", reason="b")
        assert approvals.decision(request) is not None
    with pytest.raises(ApprovalRejectedError):
        approval_component(subject, approval=Output(tmp_path / "out"))
