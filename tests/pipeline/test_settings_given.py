"""Values of run-time parameters as somebody types them: JSON where the annotation takes it, else text."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from treadle.errors import PipelineError
from treadle.pipeline import Pipeline, parse_settings


def _with(annotation: Any) -> Pipeline:
    def takes(x: Any) -> None: ...

    takes.__annotations__["x"] = annotation
    return Pipeline(takes)


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        (list[str], '["a", "☃"]', ["a", "☃"]),
        (list[str] | None, '["a"]', ["a"]),
        (dict[str, str], '{"a": "b"}', {"a": "b"}),
        (list[Literal["a", "b"]], '["b"]', ["b"]),
        (str, "2020", "2020"),
        (str, '["a"]', '["a"]'),
        (str | None, "2020", "2020"),
        (str | int, "2020", 2020),
        (float, "1", 1),
        (Any, "a b", "a b"),
    ],
)
def test_a_typed_value_is_what_the_annotation_takes(annotation: Any, text: str, value: object) -> None:
    assert parse_settings(_with(annotation), [f"x={text}"]) == {"x": value}


@pytest.mark.parametrize(("annotation", "text"), [(list[str], "a"), (list[str], "[1]"), (dict[str, str], '["a"]')])
def test_what_the_annotation_does_not_take_is_refused(annotation: Any, text: str) -> None:
    with pytest.raises(PipelineError, match="is not"):
        parse_settings(_with(annotation), [f"x={text}"])
