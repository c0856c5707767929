"""Settings of a component: checked when it is defined, carried by its nodes."""

from __future__ import annotations

from typing import Any

import pytest

from treadle.errors import ComponentError
from treadle.pipeline import component, pipeline


@component(retries=2, timeout=1, resources={"memory": "1.5GiB", "cpu": 2, "gpu": 1})
def heavy() -> int:
    return 1


@component
def light(x: int) -> int:
    return x


def test_nodes_have_the_settings_of_their_component() -> None:
    @pipeline
    def p() -> None:
        light(heavy())

    nodes = p.compile().nodes
    settings = nodes["heavy"].settings
    assert (settings.retries, settings.timeout) == (2, 1.0)
    assert settings.resources == {"cpu": 2.0, "gpu": 1.0, "memory": 1.5 * 2**30}
    assert nodes["heavy"].to_json()["retries"] == 2
    assert "retries" not in nodes["light"].to_json()


@pytest.mark.parametrize("given", [{"memory": "2GB"}, {"memory": "2g"}, {"memory": 2e9}, {"memory": "2000 M"}])
def test_memory_has_units(given: dict[str, Any]) -> None:
    assert component(resources=given)(lambda: 1).settings.resources == {"memory": 2e9}


@pytest.mark.parametrize(
    "wrong",
    [
        {"retries": -1},
        {"retries": 1.5},
        {"retries": True},
        {"timeout": 0},
        {"timeout": "1"},
        {"timeout": float("nan")},
        {"resources": {"cpu": -1}},
        {"resources": {"memory": "many"}},
        {"resources": {"gpu": None}},
        {"resources": ["cpu"]},
    ],
)
def test_wrong_settings_are_told_when_the_component_is_defined(wrong: dict[str, Any]) -> None:
    with pytest.raises(ComponentError, match="(retries|timeout|resource)"):
        component(**wrong)(lambda: 1)
