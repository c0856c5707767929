"""Loops in loops, branches that meet again, and parts of pipelines that have them."""

from __future__ import annotations

from typing import Any

import pytest
from project_folder import Project

from treadle.errors import PipelineError
from treadle.pipeline import load_pipeline
from treadle.runner import Selection, plan

PIPELINE = """
import treadle
from treadle import component, pipeline, Output
from treadle.artifact import Model


@component
def number(x: float) -> float:
    return x


@component
def groups(n: int) -> list:
    return [list(range(i + 1)) for i in range(n)]


@component
def fit(group: list, x: int, fail_at: int = -1, *, model: Output[Model]) -> int:
    if x == fail_at:
        raise ValueError("no")
    (model.path / "x.txt").write_text(f"{len(group)}{x}")
    return 10 * len(group) + x


@component
def gather(parts: list, models: list[Model] = None) -> list:
    assert [int((m.path / "x.txt").read_text()) for m in models or []] in ([], parts)
    return parts


@component
def show(model: Model, why: float = 0.0) -> str:
    return (model.path / "x.txt").read_text()
"""

NESTED = """
@pipeline
def flow(n: int = 2, fail_at: int = -1):
    with treadle.for_each(groups(n)) as group:
        with treadle.for_each(group, parallelism=1) as x:
            one = fit(group, x, fail_at)
        inside = gather(one.value, one.model, node="inside")
    gather(one.value, one.model, node="all")
    gather(inside, node="lists")
"""

BRANCHES = """
@pipeline
def flow(x: float = 0.5, broken: int = -1):
    n = number(x)
    with treadle.when(n > 0.5) as large:
        big = fit([1, 2, 3], 3, broken, node="big")
    with large.otherwise():
        small = fit([1], 1, broken, node="small")
    shown = show(treadle.one_of(big.model, small.model))
    gather([treadle.one_of(big.value, small.value), 7], node="told")
    number(shown_length(shown), node="after")


@component
def shown_length(text: str) -> int:
    return len(text)
"""


IN_ROUNDS = """
@pipeline
def flow(n: int = 3, broken: int = -1):
    with treadle.for_each(groups(n)) as group, treadle.for_each(group) as x:
        with treadle.when(x > 0) as large:
            big = fit(group, x, broken, node="big")
        with large.otherwise():
            small = fit([1, 2, 3, 4], x, broken, node="small")
    gather(treadle.one_of(big.value, small.value), treadle.one_of(big.model, small.model), node="all")
"""


def written(project: Project, body: str) -> None:
    project.write(PIPELINE + body)


def results(project: Project, parameters: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    run = project.run(parameters, **options)
    return {"state": run.state, **{name: (node.state, node.value) for name, node in run.nodes.items()}}


def planned(project: Project, **options: Any) -> dict[str, str]:
    found = plan(load_pipeline(project.folder / "pipeline.py"), home=project.home, **options)
    return {name: node.state for name, node in found.nodes.items()}


def test_a_loop_in_a_loop_over_lists_that_only_the_run_knows(project: Project) -> None:
    written(project, NESTED)
    found = results(project)
    assert found["state"] == "succeeded"
    assert [name for name in found if name.startswith("fit")] == ["fit.0.0", "fit.1.0", "fit.1.1"]
    assert found["all"] == ("ran", [10, 20, 21])  # flat, the outer rounds first
    assert (found["inside.0"][1], found["inside.1"][1]) == ([10], [20, 21])
    assert found["lists"][1] == [[10], [20, 21]]
    more = results(project, {"n": 3})
    assert {name: state for name, (state, _) in list(more.items())[1:] if name.startswith("fit")} == {
        "fit.0.0": "cached",
        "fit.1.0": "cached",
        "fit.1.1": "cached",
        "fit.2.0": "ran",
        "fit.2.1": "ran",
        "fit.2.2": "ran",
    }
    assert results(project, {"n": 0})["all"] == ("ran", [])


def test_a_round_of_an_inner_loop_that_fails_takes_only_its_own_along(project: Project) -> None:
    written(project, NESTED)
    found = results(project, {"fail_at": 1})
    assert found["state"] == "failed"
    states = {name: node[0] for name, node in found.items() if name != "state"}
    assert (states["fit.1.1"], states["inside.0"], states["inside.1"], states["all"]) == (
        "failed",
        "ran",
        "skipped",
        "skipped",
    )


def test_an_item_that_is_no_list_fails_the_inner_loop_and_says_so(project: Project) -> None:
    written(project, NESTED.replace("for_each(groups(n))", "for_each([[1], 2])"))
    with pytest.raises(PipelineError, match="goes through a list, not 2"):
        project.run()


@pytest.mark.parametrize(("x", "ran", "shown"), [(0.9, "big", "33"), (0.1, "small", "11")])
def test_a_node_takes_whichever_branch_ran(project: Project, x: float, ran: str, shown: str) -> None:
    written(project, BRANCHES)
    found = results(project, {"x": x})
    assert found["state"] == "succeeded"
    assert {name for name in ("big", "small") if found[name][0] == "skipped"} == {"big", "small"} - {ran}
    assert found["show"] == ("ran", shown)
    assert found["told"][1] == [int(shown), 7]
    assert found["after"][1] == 2
    again = results(project, {"x": x})
    assert {again[name][0] for name in (ran, "show", "told", "after")} == {"cached"}
    assert planned(project, parameters={"x": x}) == {name: state for name, (state, _) in list(again.items())[1:]}


def test_of_each_round_whichever_branch_ran(project: Project) -> None:
    written(project, IN_ROUNDS)
    assert planned(project)["all"] == "depends"
    found = results(project)
    assert found["state"] == "succeeded"
    assert found["all"] == ("ran", [40, 40, 21, 40, 31, 32])
    assert planned(project)["all"] == "cached"
    assert results(project, {"n": 0})["all"] == ("ran", [])
    run = project.run({"n": 3, "broken": 2})
    assert (run.nodes["all"].state, run.nodes["all"].reason) == ("skipped", "big.2.2 failed")


def test_the_branch_that_failed_is_the_reason(project: Project) -> None:
    written(project, BRANCHES)
    run = project.run({"x": 0.9, "broken": 3})
    assert (run.nodes["show"].state, run.nodes["show"].reason) == ("skipped", "big failed")
    neither = BRANCHES.replace("large.otherwise()", "treadle.when(n < 0.2)")
    written(project, neither)
    run = project.run({"x": 0.4})
    assert (run.state, run.nodes["show"].state, run.nodes["show"].reason) == ("succeeded", "skipped", "big was skipped")


def test_a_plan_says_depends_where_the_branch_is_not_known(project: Project) -> None:
    written(project, BRANCHES)
    assert planned(project) == {
        "number": "run",
        "big": "depends",
        "small": "depends",
        "show": "depends",
        "told": "depends",
        "shown_length": "depends",
        "after": "depends",
    }


def test_parts_with_branches(project: Project) -> None:
    written(project, BRANCHES)
    project.run()
    only = Selection(only=("show",))
    found = results(project, selection=only)
    assert {name: node[0] for name, node in found.items() if name != "state"} == {
        "number": "cached",
        "big": "skipped",
        "small": "cached",
        "show": "cached",
    }
    assert planned(project, selection=only) == {
        "number": "cached",
        "big": "skipped",
        "small": "cached",
        "show": "cached",
    }
    project.edit("return (model.path", "return 'x' + (model.path")
    assert results(project, selection=Selection(from_=("small",)))["show"] == ("ran", "x11")


def test_rounds_of_loops_are_selected_by_the_name_of_all_or_of_one(project: Project) -> None:
    written(project, NESTED)
    first = results(project)
    project.edit('f"{len(group)}{x}"', 'f"{len(group)}{x}" + ""')
    one = results(project, selection=Selection(only=("fit.1.1",)))
    assert {name: node[0] for name, node in one.items() if name != "state"} == {"groups": "cached", "fit.1.1": "ran"}
    inner = results(project, selection=Selection(only=("fit.1",)))
    assert {name: node[0] for name, node in inner.items() if name.startswith("fit")} == {
        "fit.1.0": "ran",
        "fit.1.1": "cached",
    }
    all_of_them = results(project, selection=Selection(only=("fit",)))
    assert {name: node[0] for name, node in all_of_them.items() if name.startswith("fit")} == {
        "fit.0.0": "ran",
        "fit.1.0": "cached",
        "fit.1.1": "cached",
    }
    after = results(project, selection=Selection(from_=("inside",)))
    assert after["lists"] == ("cached", first["lists"][1])
    assert "all" not in after
    until = results(project, selection=Selection(to=("inside.1",)))
    assert [name for name in until if name.startswith(("fit", "inside"))] == ["fit.1.0", "fit.1.1", "inside.1"]
    with pytest.raises(PipelineError, match="no node 'fit.7'"):
        project.run(selection=Selection(only=("fit.7",)))
    with pytest.raises(PipelineError, match="no node 'fit.x'"):
        project.run(selection=Selection(only=("fit.x",)))


def test_rounds_of_a_loop_over_a_list_of_the_pipeline_are_selected_too(project: Project) -> None:
    written(
        project,
        """
@pipeline
def flow():
    with treadle.for_each([1.0, 2.0, 3.0]) as x:
        one = number(x)
    gather(one, node="all")
""",
    )
    assert set(results(project, selection=Selection(only=("number",)))) == {"state", "number.0", "number.1", "number.2"}
    assert set(results(project, selection=Selection(only=("number.1",)))) == {"state", "number.1"}
    with_rest = results(project, selection=Selection(from_=("number.1",)))
    assert with_rest["all"] == ("ran", [1.0, 2.0, 3.0])  # the other rounds are taken from the store
    assert planned(project, selection=Selection(only=("number.1",))) == {"number.1": "cached"}


def test_a_plan_of_a_part_tells_what_lies_before_it(project: Project) -> None:
    written(project, NESTED)
    part = Selection(only=("all",))
    assert planned(project, selection=part)["groups"] == "missing"
    project.run()
    assert planned(project, selection=part) == {
        "groups": "cached",
        "fit.0.0": "cached",
        "fit.1.0": "cached",
        "fit.1.1": "cached",
        "all": "cached",
    }
    project.edit('f"{len(group)}{x}"', 'f"{len(group)}{x}" + ""')
    found = plan(load_pipeline(project.folder / "pipeline.py"), home=project.home, selection=part)
    assert found.nodes["fit.0.0"].state == "missing"
    assert "not selected" in found.nodes["fit.0.0"].reason
    assert found.nodes["all"].state == "depends"
    based = plan(load_pipeline(project.folder / "pipeline.py"), home=project.home, selection=part, base="last")
    assert {node.state for node in based.nodes.values()} == {"taken", "cached"}
