"""Conditions, loops and what runs at the end, decided while a pipeline runs."""

from __future__ import annotations

from typing import Any

import pytest
from project_folder import Project

PIPELINE = """
import treadle
from treadle import component, pipeline, Output
from treadle.artifact import Model


@component
def number(x: float) -> float:
    return x


@component
def report(auc: float, rows: int = 3) -> dict:
    return {"auc": auc, "deep": {"rows": rows}}


@component
def items(n: int) -> list:
    return list(range(n))


@component
def fit(rate: float, fail_at: float = -1.0, *, model: Output[Model]) -> float:
    if rate == fail_at:
        raise ValueError("no")
    (model.path / "rate.txt").write_text(str(rate))
    model.properties["rate"] = rate
    return rate * 2


@component
def total(parts: list, models: list[Model]) -> float:
    assert [float((m.path / "rate.txt").read_text()) * 2 for m in models] == parts
    return sum(parts)


@component
def same(model: Model) -> str:
    return (model.path / "rate.txt").read_text()


@component
def tell(status: dict, word: str = "") -> dict:
    return {"told": status, "word": word}
"""


def run(project: Project, body: str, **parameters: Any) -> dict[str, Any]:
    from treadle.pipeline import load_pipeline
    from treadle.runner import run as run_pipeline

    project.write(PIPELINE + body, "flow.py")
    result = run_pipeline(load_pipeline("flow.py"), parameters, home=project.home)
    nodes = {name: (node.state, node.reason, node.value) for name, node in result.nodes.items()}
    return {"state": result.state, **nodes}


CHOICE = """
@pipeline
def flow(x: float = 0.5, rows: int = 3):
    a = number(x)
    r = report(x, rows)
    with treadle.when((a > 0.9) & (r.value["deep"]["rows"] >= 3)) as good:
        yes = number(1.0, node="yes")
        number(yes, node="after_yes")
        with treadle.when(r.value["auc"] == 0.95):
            number(3.0, node="nested")
    with good.otherwise():
        number(2.0, node="no")
"""


def test_a_condition_chooses_when_the_pipeline_runs(project: Project) -> None:
    low = run(project, CHOICE, x=0.5)
    assert low["state"] == "succeeded"
    assert {name: low[name][0] for name in ("yes", "after_yes", "nested", "no")} == {
        "yes": "skipped",
        "after_yes": "skipped",
        "nested": "skipped",
        "no": "ran",
    }
    assert "number.value > 0.9" in low["yes"][1]
    assert "number.value is 0.5" in low["yes"][1]
    high = run(project, CHOICE, x=0.95)
    assert {name: high[name][0] for name in ("yes", "after_yes", "nested", "no")} == {
        "yes": "ran",
        "after_yes": "cached",
        "nested": "ran",
        "no": "skipped",
    } or high["after_yes"][0] == "ran"
    few = run(project, CHOICE, x=0.95, rows=1)
    assert few["yes"][0] == "skipped"
    assert few["no"][0] == "cached"


def test_properties_of_artifacts_decide_too_and_parts_feed_parameters(project: Project) -> None:
    body = """
@pipeline
def flow():
    m = fit(0.5)
    with treadle.when(m.model["rate"] < 1):
        number(report(0.5).value["auc"], node="part")
"""
    found = run(project, body)
    assert found["part"] == ("ran", "first run", 0.5)


def test_what_cannot_be_compared_fails_the_node_and_says_so(project: Project) -> None:
    body = """
@pipeline
def flow():
    with treadle.when(report(0.5).value > 3):
        number(1.0, node="never")
"""
    assert run(project, body)["never"][0] == "failed"
    missing = body.replace(".value > 3", '.value["nothing"] > 3')
    assert run(project, missing)["never"][0] == "failed"


LOOP = """
@pipeline
def flow(n: int = 3, fail_at: float = -1.0):
    with treadle.for_each(items(n), parallelism=2) as rate:
        one = fit(rate, fail_at)
        with treadle.when(rate >= 1):
            same(one.model)
    total(one.value, one.model)
"""


@pytest.mark.parametrize("n", [0, 1, 5])
def test_a_loop_over_what_a_node_returned(project: Project, n: int) -> None:
    found = run(project, LOOP, n=n)
    assert found["state"] == "succeeded"
    assert found["total"][2] == sum(2 * rate for rate in range(n))
    assert [name for name in found if name.startswith("fit")] == [f"fit.{i}" for i in range(n)]
    assert [found[f"same.{i}"][0] for i in range(n)] == ["skipped", "ran", "ran", "ran", "ran"][:n]


def test_rounds_that_were_there_before_are_reused(project: Project) -> None:
    run(project, LOOP, n=2)
    found = run(project, LOOP, n=3)
    assert [found[f"fit.{i}"][0] for i in range(3)] == ["cached", "cached", "ran"]


def test_a_round_that_fails_does_not_stop_the_others(project: Project) -> None:
    found = run(project, LOOP, n=4, fail_at=0.0)
    assert found["state"] == "failed"
    assert [found[f"fit.{i}"][0] for i in range(4)] == ["failed", "ran", "ran", "ran"]
    assert found["total"][:2] == ("skipped", "fit.0 failed")


def test_loops_over_artifacts_and_over_what_a_loop_made(project: Project) -> None:
    body = """
@pipeline
def flow():
    with treadle.for_each([fit(1.0).model, fit(2.0).model]) as model:
        same(model)
    with treadle.for_each(items(2)) as rate:
        made = fit(rate, node="made")
    with treadle.for_each(made.model) as model:
        same(model, node="again")
"""
    found = run(project, body)
    assert [found[f"same.{i}"][2] for i in range(2)] == ["1.0", "2.0"]
    assert [found[f"again.{i}"][2] for i in range(2)] == ["0", "1"]


def test_a_loop_over_no_list_fails_the_run(project: Project) -> None:
    body = """
@component
def anything():
    return 3

@pipeline
def flow():
    with treadle.for_each(anything()) as rate:
        fit(rate)
    number(1.0, node="other")
"""
    found = run(project, body)
    assert found["state"] == "failed"
    assert found["fit"][0] == "failed"
    assert found["other"][0] == "ran"


EXIT = """
@pipeline
def flow(fail_at: float = -1.0):
    fit(1.0, fail_at)
    with treadle.at_exit() as status:
        tell(status, status["state"])
        with treadle.when(status["state"] == "failed"):
            number(1.0, node="alarm")
"""


def test_exit_nodes_hear_how_the_run_went_and_run_every_time(project: Project) -> None:
    for _ in range(2):
        good = run(project, EXIT)
        assert good["tell"][0] == "ran"
        assert good["tell"][2]["word"] == "succeeded"
        assert good["alarm"][0] == "skipped"
    bad = run(project, EXIT, fail_at=1.0)
    assert bad["state"] == "failed"
    assert bad["tell"][2]["told"]["nodes"]["fit"]["error"]["what"] == "fit raised ValueError: no"
    assert bad["alarm"][0] == "ran"


def test_the_plan_knows_what_is_known(project: Project) -> None:
    from treadle.pipeline import load_pipeline
    from treadle.runner import plan

    project.write(PIPELINE + CHOICE, "flow.py")
    home = project.home
    before = plan(load_pipeline("flow.py"), home=home)
    assert before.nodes["yes"].state == "depends"
    run(project, CHOICE)
    after = plan(load_pipeline("flow.py"), home=home)
    assert {name: node.state for name, node in after.nodes.items()} == {
        "number": "cached",
        "report": "cached",
        "yes": "skipped",
        "after_yes": "skipped",
        "nested": "skipped",
        "no": "cached",
    }
    run(project, LOOP)
    looped = plan(load_pipeline("flow.py"), {"n": 4}, home=home)
    assert looped.nodes["fit"].state == "depends"
    same = plan(load_pipeline("flow.py"), home=home)
    assert same.nodes["fit.1"].state == "cached"
    project.write(PIPELINE + EXIT, "flow.py")
    assert plan(load_pipeline("flow.py"), home=home).nodes["tell"].state == "run"
