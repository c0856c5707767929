from __future__ import annotations

import json

import pytest

from treadle.errors import EvaluationError, GateError
from treadle.evaluation import Evaluation, SliceResult, Verdict, at_least, at_most, judge, no_worse, within


def scored(**metrics):
    slices = {"": SliceResult("", metrics), "zone=a": SliceResult("zone=a", metrics | {"auc": 0.55})}
    return Evaluation(slices, small_slices={"zone=b": 3})


def test_all_gates_hold():
    verdict = judge(scored(auc=0.6, log_loss=0.5), [at_least("auc", 0.6), at_most("log_loss", 0.5)])
    assert verdict.state == "passed"
    assert verdict.passed


def test_any_failed_gate_fails_with_its_value():
    verdict = judge(scored(auc=0.6, calibration=0.9), [at_least("auc", 0.5), within("calibration", 0.95, 1.05)])
    assert verdict.state == "failed"
    assert verdict.reasons == ("calibration >= 0.95 <= 1.05: is 0.9000.",)


@pytest.mark.parametrize(
    ("gate", "reason"),
    [
        (at_least("auc", 0.5), "undefined on these rows"),
        (at_least("log_loss", 0.1, slice="zone=b"), "only 3 rows"),
        (at_least("log_loss", 0.1, slice="zone=z"), "no such slice"),
    ],
)
def test_what_was_not_measured_never_passes(gate, reason):
    verdict = judge(scored(auc=None, log_loss=0.5), [at_most("log_loss", 1.0), gate])
    assert verdict.state == "not_evaluated"
    assert not verdict.passed
    assert reason in verdict.reasons[0]


def test_no_gate_is_not_a_pass():
    assert judge(scored(auc=0.9), []).state == "not_evaluated"
    assert judge(scored(auc=0.9), [no_worse("auc")]).state == "not_evaluated"


def test_change_gates_without_baseline_do_not_apply_and_say_so():
    verdict = judge(scored(auc=0.6), [at_least("auc", 0.5), no_worse("auc")])
    assert verdict.state == "passed"
    assert "not applied, there is no baseline" in verdict.reasons[1]


@pytest.mark.parametrize(
    ("metric", "value", "before", "by", "state"),
    [
        ("auc", 0.60, 0.61, 0.0, "failed"),
        ("auc", 0.60, 0.61, 0.02, "passed"),
        ("auc", 0.60, 0.59, -0.02, "failed"),
        ("auc", 0.625, 0.60, -0.02, "passed"),
        ("log_loss", 0.51, 0.50, 0.0, "failed"),
        ("log_loss", 0.50, 0.50, 0.0, "passed"),
        ("log_loss", 0.49, 0.50, 0.0, "passed"),
        ("log_loss", 0.49, None, 0.0, "not_evaluated"),
    ],
)
def test_change_against_the_baseline(metric, value, before, by, state):
    verdict = judge(scored(**{metric: value}), [no_worse(metric, by=by)], baseline=scored(**{metric: before}))
    assert verdict.state == state


def test_slice_gate():
    verdict = judge(scored(auc=0.6), [at_least("auc", 0.58, slice="zone=a")])
    assert verdict.state == "failed"
    assert "on zone=a" in verdict.reasons[0]


@pytest.mark.parametrize(
    "gate",
    [
        {"metric": "aux", "lower": 1},
        {"metric": "auc"},
        {"metric": "auc", "lower": "high"},
        {"metric": "auc", "lower": True},
        {"metric": "auc", "lower": float("nan")},
        {"metric": "auc", "least": 0.5},
        {"metric": "calibration", "worse_by": 0.0},
        {},
    ],
)
def test_malformed_gates(gate):
    with pytest.raises(GateError):
        judge(scored(auc=0.6), [gate])


def test_round_trip(tmp_path):
    verdict = judge(scored(auc=0.6), [at_least("auc", 0.5), no_worse("auc", by=0.1)], baseline=scored(auc=0.65))
    path = tmp_path / "verdict.json"
    path.write_text(json.dumps(verdict.to_json()))
    assert Verdict.load(path) == verdict
    with pytest.raises(EvaluationError):
        Verdict.from_json({"format": "treadle.verdict/1", "state": "maybe", "gates": [], "reasons": []})
