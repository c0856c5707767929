"""Run-time parameters that are left open when a pipeline is compiled."""

from __future__ import annotations

from typing import Any

import pytest

import treadle
from treadle.errors import PipelineError
from treadle.pipeline import Given, Item


@treadle.component
def number(n: int) -> int:
    return n


@treadle.component
def text(t: str) -> str:
    return t


@treadle.pipeline
def flows(n: int = 1, items: list = [], extra: dict = {}) -> None:  # noqa: B006
    with treadle.when(n > 3):
        number(n)
    with treadle.for_each(items) as item:
        number(item, node="each")
    number(extra["deep"], node="part")


@treadle.pipeline
def wrong_type(t: str = "") -> None:
    number(t)


@treadle.pipeline
def looked_at(n: int = 1) -> None:
    for _ in range(n):
        number(1)


def test_it_goes_to_components_conditions_and_loops() -> None:
    ir = flows.compile({"n": 5}, left_open=["n", "items", "extra"])
    assert ir.parameters == {}
    assert ir.nodes["number"].arguments["n"] == Given("n")
    assert str(ir.nodes["number"].when) == "n > 3"
    assert ir.nodes["each"].arguments["n"] == Item("loop_1")
    assert ir.nodes["each"].each is not None
    assert ir.nodes["each"].each.source == Given("items")
    assert ir.nodes["part"].arguments["n"] == Given("extra", ("deep",))
    assert ir.to_json()["nodes"][0]["arguments"] == {"n": {"given": "n", "path": []}}


def test_what_is_not_left_open_is_as_it_was() -> None:
    ir = flows.compile({"n": 5, "items": [7], "extra": {"deep": 1}}, left_open=["n"])
    assert ir.parameters == {"items": [7], "extra": {"deep": 1}}
    assert list(ir.nodes) == ["number", "each.0", "part"]


@pytest.mark.parametrize(
    ("pipeline", "names", "message"),
    [
        (wrong_type, ["t"], "takes int, and the parameter 't', which is left open, is str"),
        (looked_at, ["n"], "has no value while the pipeline is being compiled"),
        (flows, ["nothing"], "no parameter 'nothing'"),
    ],
)
def test_what_cannot_be_left_open(pipeline: Any, names: list[str], message: str) -> None:
    with pytest.raises(PipelineError, match=message):
        pipeline.compile({} if pipeline is not flows else {"items": [], "extra": {"deep": 1}}, left_open=names)
