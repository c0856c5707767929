"""Prepared inputs in a model's metadata: read as they were written, and refused where this version cannot take them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from treadle.errors import ModelFormatError
from treadle.graph.steps._preparation import Preparation, dump, load

STEPS = (("concat", "<", ((0,), (("strip",),)), ((1, 0), (("concat", ((0,), ()), "|", ((1,), ())),)), ">"), ("text",))


def test_what_is_written_is_read() -> None:
    written = {"a": Preparation(("x",), (("lower",), ("hash", "k"))), "b": Preparation(("x", "y"), STEPS)}
    assert load(dump(written)) == written
    assert json.loads(dump(written))["a"]["feature"] == "x"
    assert json.loads(dump(written))["b"]["features"] == ["x", "y"]


def test_several_features_make_one_text() -> None:
    feed = {
        name: np.array(values, object).reshape(-1, 1) for name, values in {"x": [" a ", "b"], "y": ["1", "2"]}.items()
    }
    assert Preparation(("x", "y"), STEPS).compiled()(feed).tolist() == [["<a1| a >"], ["<b2|b>"]]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"a": {"feature": "x"}}',
        '{"a": {"feature": "x", "steps": []}}',
        '{"a": {"feature": "x", "steps": [["lower"]]}}',
        '{"a": {"feature": "x", "steps": [["later", 1], ["text"]]}}',
        '{"a": {"feature": "x", "steps": [["text"], ["later"]]}}',
    ],
)
def test_unknown_steps_are_refused_when_a_model_is_loaded(text: str) -> None:
    with pytest.raises(ModelFormatError, match="cannot be read|does not know"):
        load(text)


@pytest.mark.parametrize(
    "step", [("concat", ((0,), (("later",),))), ("lower", 1), ("find", "("), ("substring",), ("wordpiece", "a", "b")]
)
def test_unknown_settings_are_refused_too(step: tuple[Any, ...]) -> None:
    with pytest.raises(ModelFormatError, match="cannot be read"):
        load(dump({"a": Preparation(("x",), (step, ("text",)))}))["a"].compiled()
