"""Mistakes with text, dates and categories are errors while tracing, with the user's own line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_authoring import out

from treadle import transform as tt
from treadle.errors import NoLoweringError, TransformError, TreadleError

MISTAKES: list[tuple[Callable[[Any], Any], type[TreadleError], str]] = [
    (lambda x: tt.lower(x["fare"]) == "a", TransformError, "text is needed, and this column holds a number"),
    (lambda x: tt.lower("A") == "a", TransformError, "a column of text is needed, and this is 'A'"),
    (lambda x: tt.lower(x["flag"]), TransformError, "is text; features are numbers"),
    (lambda x: tt.matches(x["flag"], "("), TransformError, "is no regular expression: missing"),
    (lambda x: tt.matches(x["flag"], "(?=a)"), TransformError, "is no regular expression"),
    (lambda x: tt.matches(x["flag"], 1), TransformError, "A pattern is text"),  # type: ignore[arg-type]
    (lambda x: tt.contains(x["flag"], None), TransformError, "What to look for is text"),  # type: ignore[arg-type]
    (lambda x: tt.concat(x["flag"]), TransformError, "two texts or more"),
    (lambda x: tt.concat("a", "b"), TransformError, "one of them a column"),
    (lambda x: tt.concat(x["flag"], x["fare"]), TransformError, "text is needed"),
    (lambda x: tt.is_in(x["flag"], []), TransformError, "must be distinct and of type str"),
    (lambda x: tt.is_in(x["rides"], ["a"]), TransformError, "must be distinct and of type int"),
    (lambda x: tt.is_in(x["fare"], [1]), TransformError, "a category is needed"),
    (lambda x: tt.year(x["fare"]), TransformError, "a timestamp is needed"),
    (lambda x: tt.one_hot(tt.year(x["when"])), TransformError, "needs to know the categories"),
    (lambda x: tt.cyclical(x["fare"], 0)[0], TransformError, "A period is a number above 0"),
    (lambda x: tt.cyclical(x["flag"], 24)[0], TransformError, "a number is needed"),
    (lambda x: tt.haversine(x["fare"], x["fare"], x["fare"], "1"), TransformError, "a number is needed"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("mistake", "kind", "says"), MISTAKES)
def test_a_mistake_names_the_users_own_line(mistake: Callable[[Any], Any], kind: type[TreadleError], says: str) -> None:
    with pytest.raises(kind, match=says) as caught:
        out(mistake)
    assert caught.value.where["line"] == f"{Path(__file__)}:{mistake.__code__.co_firstlineno}"


def test_refusals_are_errors_of_authoring() -> None:
    assert issubclass(NoLoweringError, TransformError)
