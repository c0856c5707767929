"""Mistakes with text, dates and categories are errors while tracing, with the user's own line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_authoring import out

from treadle import transform as tt
from treadle.errors import NoLoweringError, TransformError, TreadleError
from treadle.schema import Schema

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
    (lambda x: tt.hash_buckets(x["flag"], 0), TransformError, "num_buckets must be"),
    (lambda x: tt.hash_buckets(x["fare"], 9), TransformError, "a category is needed"),
    (lambda x: tt.hash_buckets(x["flag"], 9, key="k" * 65), TransformError, "at most 64 bytes"),
    (
        lambda x: tt.parse_time(tt.where(x["card"], x["flag"], "1.2.2003"), "%d.%m.%Y"),
        NoLoweringError,
        "one time for all rows",
    ),
    (lambda x: tt.replace(x["flag"], "", "a"), TransformError, "at least one character"),
    (lambda x: tt.replace(x["flag"], "a", 1), TransformError, "What to put there is text"),  # type: ignore[arg-type]
    (lambda x: tt.substring(x["flag"], 0.5), TransformError, "A place in a text"),  # type: ignore[arg-type]
    (lambda x: tt.extract(x["flag"], "(a)b", 2), TransformError, "has the groups 0 to 1, not 2"),
    (lambda x: tt.parse_time(x["flag"], "today"), TransformError, "A format is text"),
    (lambda x: tt.parse_time(x["flag"], "%B %d"), TransformError, "%B is not one of"),
    (lambda x: tt.parse_time(x["flag"], "%d %d"), TransformError, "%d is not one of"),
    (lambda x: tt.token_at(tt.tokens(x["flag"]), "1"), TransformError, "a whole number"),  # type: ignore[arg-type]
    (lambda x: tt.join(x["flag"]), TransformError, "Here tokens are needed"),
    (lambda x: tt.dot(tt.vector(x["fare"]), tt.vector(x["fare"], x["fare"])), TransformError, "1 and 2 numbers"),
    (lambda x: tt.elapsed(x["when"], x["fare"]), TransformError, "from one timestamp to another"),
    (lambda x: tt.elapsed(x["when"], x["when"], "years"), TransformError, "A unit is one of"),
    (lambda x: tt.unix_time(x["fare"]), TransformError, "of a timestamp"),
    (lambda x: tt.token_ids(tt.tokens(x["flag"]), padding="a"), TransformError, "not in the tokens' vocabulary"),
    (lambda x: tt.token_ids(tt.tokens(x["flag"]), num_oov_buckets=-1), TransformError, "num_oov_buckets must be"),
    (lambda x: tt.token_mask(tt.tokens(x["flag"])) & x["card"], TransformError, "several columns"),
    (lambda x: tt.length(x["fare"]), TransformError, "text is needed"),
    (lambda x: tt.cross(x["rides"], tt.hour_of_day(x["when"])), TransformError, "needs to know the categories"),
    (lambda x: tt.cross(x["fare"], x["fare"]), TransformError, "a category is needed"),
    (lambda x: tt.tokens(x["flag"], size=0), TransformError, "size must be"),
    (lambda x: tt.tokens(x["flag"], pattern="[", size=3), TransformError, "is no regular expression"),
    (lambda x: tt.tokens(x["flag"], pattern="a", separator=","), TransformError, "either a separator or a pattern"),
    (lambda x: tt.tokens(tt.where(x["card"], x["flag"], "a")), NoLoweringError, "chosen in the graph"),
    (lambda x: tt.tokens(tt.replace(tt.where(x["card"], x["flag"], "a"), "a", "b")), NoLoweringError, "chosen in"),
    (lambda x: tt.ngrams(tt.tokens(x["flag"]), 2, 1), TransformError, "n-grams are of"),
    (lambda x: tt.bag_of_words(x["flag"]), TransformError, "Here tokens are needed"),
    (lambda x: tt.bag_of_words(tt.tokens(x["flag"])) + 1, TransformError, "several columns"),
    (lambda x: tt.one_hot(tt.token_ids(tt.tokens(x["flag"]))), TransformError, "several columns"),
    (lambda x: tt.fill_missing(tt.token_ids(tt.tokens(x["flag"])), 0), TransformError, "several columns"),
    (lambda x: tt.multi_hot(tt.tokens(x["flag"]), ["a", "a"]), TransformError, "distinct texts"),
    (lambda x: tt.vocabulary(x["flag"], key=x["rides"]), TransformError, "key goes together with top_k_per_key"),
    (lambda x: tt.vocabulary(x["flag"], min_count=0), TransformError, "min_count must be"),
    (lambda x: tt.lookup(x["flag"]), TransformError, "either values or a file"),
    (lambda x: tt.embedding(x["flag"], [[1.0]]), TransformError, "embedding needs ids"),
    (lambda x: tt.embedding(x["rides"], [[1.0], [2.0, 3.0]]), TransformError, "the same number of finite"),
    (lambda x: tt.haversine(x["fare"], x["fare"], x["fare"], "1"), TransformError, "a number is needed"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("mistake", "kind", "says"), MISTAKES)
def test_a_mistake_names_the_users_own_line(mistake: Callable[[Any], Any], kind: type[TreadleError], says: str) -> None:
    with pytest.raises(kind, match=says) as caught:
        out(mistake)
    assert caught.value.where["line"] == f"{Path(__file__)}:{mistake.__code__.co_firstlineno}"


def test_a_list_is_refused_where_it_is_named() -> None:
    schema = Schema.loads('[features.tags]\ntype = "string"\nlist = true\n[features.fare]\ntype = "float"\n')

    def preprocess(x: Any) -> dict[str, tt.Column]:
        return {"fare": x["fare"], "tags": tt.is_in(x["tags"], ["new"])}

    with pytest.raises(TransformError, match="this is the list 'tags'") as caught:
        tt.analyze(preprocess, schema, lambda columns: iter([]))
    assert caught.value.where["line"] == f"{Path(__file__)}:{preprocess.__code__.co_firstlineno + 1}"


def test_refusals_are_errors_of_authoring() -> None:
    assert issubclass(NoLoweringError, TransformError)
