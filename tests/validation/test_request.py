from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.errors import (
    MissingFieldError,
    RequestError,
    RequestShapeError,
    RequestTypeError,
    SchemaError,
    UnknownFieldError,
)
from treadle.schema import Feature, Schema
from treadle.validation import RequestChecker

SCHEMA = Schema.loads(
    """
    [features.fare]
    type = "float"
    min = 0.0
    max = 500.0
    [features."rate code.id"]
    type = "int"
    values = [1, 2, 3]
    [features.flag]
    type = "string"
    values = ["Y", "N"]
    [features.when]
    type = "timestamp"
    [features.raw]
    type = "bytes"
    required = false
    [features.shared]
    type = "bool"
    required = false
    """
)
GOOD: dict[str, Any] = {
    "fare": 12.5,
    "rate code.id": 1,
    "flag": "N",
    "when": "2018-10-01T12:30:00",
    "raw": {"b64": "aGk="},
    "shared": True,
}
VALUES = (12.5, 1, "N", datetime(2018, 10, 1, 12, 30), b"hi", True)


@pytest.fixture(scope="module")
def checker() -> RequestChecker:
    return RequestChecker(SCHEMA)


def test_a_good_row_becomes_its_values_in_schema_order(checker: RequestChecker) -> None:
    assert checker.check_rows([dict(reversed(GOOD.items()))]) == [VALUES]


def test_rows_and_columns_are_checked_alike(checker: RequestChecker) -> None:
    assert checker.check_columns({name: [value] for name, value in GOOD.items()}) == [VALUES]


def test_an_optional_field_that_is_absent_is_null(checker: RequestChecker) -> None:
    row = {name: value for name, value in GOOD.items() if name not in ("raw", "shared")}
    assert checker.check_rows([row]) == [(*VALUES[:4], None, None)]


@pytest.mark.parametrize("name", list(GOOD))
def test_null_is_served_and_found(checker: RequestChecker, name: str) -> None:
    [row] = checker.check_rows([{**GOOD, name: None}])
    found = checker.findings(list(zip(row, strict=True)))
    assert found.counts == {(name, "null"): 1}


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("fare", "12", "Field 'fare' of row 1 is a string, not a number or null."),
        ("fare", True, "Field 'fare' of row 1 is true or false, not a number or null."),
        ("fare", [1.0], "Field 'fare' of row 1 is an array, not a number or null."),
        ("rate code.id", 1.5, "Field 'rate code.id' of row 1 is a number, not an integer or null."),
        ("rate code.id", 2**63, "Field 'rate code.id' of row 1 is not an integer of 64 bits."),
        ("rate code.id", -(2**63) - 1, "Field 'rate code.id' of row 1 is not an integer of 64 bits."),
        ("flag", 5, "Field 'flag' of row 1 is an integer, not a string or null."),
        ("when", 1538397000, "Field 'when' of row 1 is an integer, not a time or null."),
        ("when", "yesterday", None),
        ("when", "2018-10-01T12:30:00+02:00", None),
        ("when", "2018-02-30T12:30:00", None),
        ("raw", "hi", "Field 'raw' of row 1 is a string, not an object or null."),
        ("raw", {"b64": "*"}, None),
        ("raw", {"b64": "aGk=", "more": 1}, None),
        ("shared", 1, "Field 'shared' of row 1 is an integer, not true or false or null."),
    ],
)
def test_a_wrong_type_names_row_and_field(
    checker: RequestChecker, name: str, value: object, sentence: str | None
) -> None:
    with pytest.raises((RequestTypeError, UnknownFieldError)) as caught:
        checker.check_rows([GOOD, {**GOOD, name: value}])
    if sentence is not None:
        assert caught.value.what == sentence
    if isinstance(caught.value, RequestTypeError):
        assert caught.value.where == {"row": 1, "field": name}


def test_a_wrong_type_in_a_column_names_row_and_field(checker: RequestChecker) -> None:
    columns = {name: [value, value] for name, value in GOOD.items()}
    with pytest.raises(RequestTypeError) as caught:
        checker.check_columns({**columns, "fare": [1.0, "x"]})
    assert caught.value.where == {"row": 1, "field": "fare"}


def test_an_unknown_field_suggests_the_nearest(checker: RequestChecker) -> None:
    with pytest.raises(UnknownFieldError) as caught:
        checker.check_rows([{**GOOD, "fair": 1}])
    assert caught.value.where == {"row": 0, "field": "fair"}
    assert caught.value.hint == "Did you mean 'fare'?"


def test_a_name_of_a_megabyte_is_not_repeated_in_the_error(checker: RequestChecker) -> None:
    with pytest.raises(UnknownFieldError) as caught:
        checker.check_rows([{**GOOD, "x" * 1_000_000: 1}])
    assert len(str(caught.value)) < 1000


def test_a_missing_required_field_is_named(checker: RequestChecker) -> None:
    with pytest.raises(MissingFieldError) as caught:
        checker.check_rows([GOOD, {name: value for name, value in GOOD.items() if name != "rate code.id"}])
    assert caught.value.where == {"row": 1, "field": "rate code.id"}


def test_columns_of_different_length_are_refused(checker: RequestChecker) -> None:
    with pytest.raises(RequestShapeError, match="'fare' has 1 values, column 'rate code.id' has 2"):
        checker.check_columns({**{name: [value] * 2 for name, value in GOOD.items()}, "fare": [1.0]})


def test_a_row_that_is_no_object_is_refused(checker: RequestChecker) -> None:
    with pytest.raises(RequestTypeError, match="Row 1 is an integer, not an object"):
        checker.check_rows([GOOD, 5])  # type: ignore[list-item]


def test_what_the_schema_does_not_expect_is_counted_by_row_and_kind(checker: RequestChecker) -> None:
    rows = checker.check_rows(
        [GOOD, {**GOOD, "fare": -1.0, "flag": "?"}, {**GOOD, "fare": 501, "rate code.id": 99, "when": None}]
    )
    found = checker.findings(list(zip(*rows, strict=True)))
    assert found.per_row == [0, 2, 3]
    assert found.counts == {
        ("fare", "out_of_range"): 2,
        ("flag", "out_of_domain"): 1,
        ("rate code.id", "out_of_domain"): 1,
        ("when", "null"): 1,
    }


def test_a_range_of_times_is_a_range() -> None:
    schema = Schema({"when": Feature(name="when", type="timestamp", min=datetime(2018, 1, 1))})
    checker = RequestChecker(schema)
    rows = checker.check_rows([{"when": "2017-12-31T23:59:59"}, {"when": "2018-01-01T00:00:00"}])
    assert checker.findings(list(zip(*rows, strict=True))).per_row == [1, 0]


def test_a_schema_without_features_takes_empty_rows() -> None:
    checker = RequestChecker(Schema({}))
    assert checker.check_rows([{}]) == [()]
    assert checker.findings([]).per_row == []


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb"])
def test_a_name_that_needs_escapes_cannot_be_served(name: str) -> None:
    with pytest.raises(SchemaError, match="cannot be served"):
        RequestChecker(Schema({name: Feature(name=name, type="int")}))


_SAFE = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"\\')
names = st.text(_SAFE, min_size=1, max_size=8).filter(lambda name: not (name.startswith("__") and name.endswith("__")))
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=5)
)
_TYPES = {"int": (int,), "float": (int, float), "string": (str,), "bool": (bool,)}


@given(
    features=st.dictionaries(names, st.sampled_from(sorted(_TYPES)), min_size=1, max_size=4),
    data=st.data(),
)
def test_rows_and_columns_agree_on_any_values(features: dict[str, str], data: st.DataObject) -> None:
    """Whatever a row holds, both formats accept it, or both refuse it at the same field."""
    schema = Schema({name: Feature(name=name, type=kind) for name, kind in features.items()})  # type: ignore[arg-type]
    checker = RequestChecker(schema)
    row = {name: data.draw(scalars) for name in features}
    fits = all(
        value is None
        or (
            isinstance(value, _TYPES[features[name]])
            and (features[name] == "bool" or not isinstance(value, bool))
            and (features[name] != "int" or -(2**63) <= value < 2**63)
        )
        for name, value in row.items()
    )
    outcomes: list[Any] = []
    for check in (
        lambda: checker.check_rows([row]),
        lambda: checker.check_columns({name: [value] for name, value in row.items()}),
        lambda: checker.rows(msgspec.json.decode(json.dumps([row]), type=list[checker.row_type])),  # type: ignore[name-defined]
    ):
        try:
            outcomes.append(check())
        except RequestError as error:
            outcomes.append(error.where)
        except msgspec.ValidationError as error:
            outcomes.append(checker.explain(error).where)
    assert outcomes[0] == outcomes[1] == outcomes[2]
    assert isinstance(outcomes[0], list) is fits


def test_forms_lengths_and_lists_are_counted() -> None:
    schema = Schema(
        {
            "code": Feature(name="code", type="string", pattern="[A-Z]+", max_length=3),
            "kind": Feature(name="kind", type="string", values=("a", "b"), min_length=1),
            "tags": Feature(name="tags", type="int", list=True, max=9, max_items=2),
        }
    )
    checker = RequestChecker(schema)
    rows = checker.check_rows(
        [
            {"code": "AB", "kind": "a", "tags": [1, 2]},
            {"code": "ab", "kind": "a", "tags": [1, 99]},
            {"code": "ABCD", "kind": "c", "tags": [1, 2, 3]},
            {"code": None, "kind": "b", "tags": None},
            {"code": "A", "kind": "b", "tags": [None]},
        ]
    )
    found = checker.findings(list(zip(*rows, strict=True)))
    assert found.per_row == [0, 2, 3, 2, 0]
    assert found.counts == {
        ("code", "no_match"): 1,
        ("code", "wrong_length"): 1,
        ("code", "null"): 1,
        ("kind", "out_of_domain"): 1,
        ("tags", "out_of_range"): 1,
        ("tags", "wrong_items"): 1,
        ("tags", "null"): 1,
    }
    with pytest.raises(RequestError):
        checker.check_rows([{"code": "A", "kind": "a", "tags": 1}])
    columns = checker.check_columns({"code": ["A"], "kind": ["a"], "tags": [[1]]})
    assert checker.findings(list(zip(*columns, strict=True))).per_row == [0]
