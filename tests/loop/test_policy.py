from __future__ import annotations

from datetime import datetime

import pytest

from treadle.errors import MonitoringError, PolicyError
from treadle.loop import Observation, RetrainPolicy

NOW = datetime(2019, 4, 1)


def seen(**fields):
    return Observation(**({"now": NOW, "drifted": (), "metrics": {}} | fields))


def test_nothing_declared_never_triggers():
    policy = RetrainPolicy()
    assert not policy.decide(seen(drifted=("a", "b"), metrics={"auc": 0.1}, trained_at=datetime(2000, 1, 1))).retrain


@pytest.mark.parametrize(
    ("value", "reasons"),
    [
        (0.969, ("calibration 0.969 < 0.97 in 2019-02",)),
        (1.031, ("calibration 1.031 > 1.03 in 2019-02",)),
        (0.97, ()),
        (1.03, ()),
        (None, ()),
    ],
)
def test_quality_bounds(value, reasons):
    policy = RetrainPolicy(quality={"calibration": (0.97, 1.03)})
    decision = policy.decide(seen(metrics={"calibration": value}, labelled="2019-02"))
    assert decision.reasons == reasons
    assert decision.retrain == bool(reasons)


def test_one_sided_bound():
    policy = RetrainPolicy(quality={"auc": (0.6, None)})
    assert policy.decide(seen(metrics={"auc": 0.59})).retrain
    assert not policy.decide(seen(metrics={"auc": 0.99})).retrain


def test_drift_counts_features():
    policy = RetrainPolicy(drift=2)
    assert not policy.decide(seen(drifted=("a",))).retrain
    assert policy.decide(seen(drifted=("b", "a"))).reasons == ("drift: a, b",)
    assert policy.decide(seen(drifted=("b", "a"), labelled="2019-02")).reasons == ("drift in 2019-02: a, b",)


def test_every_is_the_age_of_the_training_data():
    policy = RetrainPolicy(every="6mo")
    assert not policy.decide(seen(trained_at=datetime(2018, 10, 2))).retrain
    assert policy.decide(seen(trained_at=datetime(2018, 10, 1))).retrain
    assert not policy.decide(seen(trained_at=None)).retrain


def test_cooldown_holds_back_and_says_so():
    policy = RetrainPolicy(drift=1, cooldown="2mo")
    held = policy.decide(seen(drifted=("a",), attempted_at=datetime(2019, 2, 2)))
    assert not held.retrain
    assert held.reasons == ("drift: a", "cooldown until 2019-04-02")
    assert policy.decide(seen(drifted=("a",), attempted_at=datetime(2019, 2, 1))).retrain


def test_several_reasons_are_all_told():
    policy = RetrainPolicy(drift=1, quality={"auc": (0.6, None)}, every="1mo")
    decision = policy.decide(seen(drifted=("a",), metrics={"auc": 0.5}, trained_at=datetime(2019, 1, 1)))
    assert len(decision.reasons) == 3


@pytest.mark.parametrize(
    "fields",
    [
        {"quality": {"aux": (0.5, None)}},
        {"quality": {"auc": (None, None)}},
        {"quality": {"auc": (0.5,)}},
        {"window": 0},
        {"drift": 0},
    ],
)
def test_impossible_policies(fields):
    with pytest.raises(PolicyError):
        RetrainPolicy(**fields)


@pytest.mark.parametrize("name", ["every", "cooldown", "period", "label_delay"])
def test_impossible_lengths_of_time(name):
    with pytest.raises(MonitoringError, match="not a length of time"):
        RetrainPolicy(**{name: "soon"})
