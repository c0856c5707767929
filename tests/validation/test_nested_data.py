"""What is inside structs and lists is held against the schema: by statistics, by rows, in requests, by drift."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.errors import MissingFieldError, RequestError, RequestTypeError, SchemaError, UnknownFieldError
from treadle.schema import Schema
from treadle.statistics import generate
from treadle.validation import RequestChecker, check_rows, drift, infer_schema, relax, set_aside, validate

SCHEMA = Schema.loads(
    """
    [features.home]
    type = "struct"
    min_fraction = 1.0
    severity = { OUT_OF_DOMAIN = "warning" }
    [features.home.fields.city]
    type = "string"
    values = ["Bern"]
    [features.home.fields.spot]
    type = "struct"
    required = false
    [features.home.fields.spot.fields.lat]
    type = "float"
    max = 90

    [features.orders]
    type = "struct"
    list = true
    max_items = 2
    [features.orders.fields.price]
    type = "float"
    min = 0
    min_fraction = 1.0
    severity = { OUT_OF_RANGE = "quarantine" }
    drift = { jensen_shannon = 0.1 }
    [features.orders.fields.tags]
    type = "string"
    list = true
    required = false
    values = ["a", "b"]
    drift = { l_infinity = 0.3 }
    """
)
GOOD = {"home": {"city": "Bern", "spot": {"lat": 1.0}}, "orders": [{"price": 1.0, "tags": ["a"]}, None]}
BAD: list[dict[str, Any]] = [
    GOOD,
    {"home": {"city": "Thun", "spot": {"lat": 91.0}, "zip": 3}, "orders": [{"price": -1.0}, {"price": -2.0}]},
    {"home": None, "orders": [{"price": None, "tags": ["c", "a"]}] * 3},
]


def table(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows))


def test_statistics_and_rows_name_what_is_wrong_by_its_path() -> None:
    rows = table(*BAD)
    found = {(a.feature, a.reason.value): a for a in validate(generate(rows), SCHEMA, rows=rows).anomalies}
    assert {place: (a.severity.value, a.details.get("row_ids")) for place, a in found.items()} == {
        ("home", "LOW_PRESENCE"): ("error", ["2"]),
        ("home.city", "OUT_OF_DOMAIN"): ("warning", ["1"]),
        ("home.spot.lat", "OUT_OF_RANGE"): ("error", ["1"]),
        ("home.zip", "NEW_COLUMN"): ("warning", None),
        ("orders", "MANY_ITEMS"): ("error", ["2"]),
        ("orders[].price", "LOW_PRESENCE"): ("error", ["2"]),
        ("orders[].price", "OUT_OF_RANGE"): ("error", ["1"]),
        ("orders[].tags", "OUT_OF_DOMAIN"): ("error", ["2"]),
    }
    shown = check_rows(rows, SCHEMA).table.to_pylist()
    assert {"row_id": "1", "feature": "orders[].price", "reason": "OUT_OF_RANGE", "value": "-1"} in shown
    assert {"row_id": "1", "feature": "home.city", "reason": "OUT_OF_DOMAIN", "value": "Thun"} in shown
    assert validate(generate(table(GOOD)), SCHEMA).anomalies == ()


def test_a_field_that_is_not_known_has_the_policy_of_its_struct() -> None:
    def severities(**said: Any) -> list[str]:
        schema = SCHEMA.with_feature("home", replace(SCHEMA.features["home"], **said))
        rows = table({**GOOD, "home": {**GOOD["home"], "zip": 3}})
        return [each.severity.value for each in validate(generate(rows), schema).anomalies]

    assert severities() == ["warning"]
    assert severities(severity={"NEW_COLUMN": "error"}) == ["error"]
    assert severities(severity={"NEW_COLUMN": "ignore"}) == []
    assert severities(severity={"NEW_COLUMN": "error"}, lifecycle="deprecated") == ["warning"]


def test_a_row_is_set_aside_for_what_is_inside_it() -> None:
    rows = table(*BAD)
    parted = set_aside(rows, check_rows(rows, SCHEMA), SCHEMA)
    assert (parted.kept.num_rows, parted.reasons) == (2, {"orders[].price:OUT_OF_RANGE": 1})


@pytest.mark.parametrize(
    ("rows", "place", "message"),
    [
        ([{"home": {"city": 1}}], "home.city", "of type int where the schema declares string"),
        ([{"home": "Bern"}], "home", "of type string where the schema declares struct"),
        ([{"orders": [1]}], "orders", "of type lists of int where the schema declares lists of struct"),
        ([{"orders": {"price": 1.0}}], "orders", "of type struct where the schema declares lists of struct"),
        ([{"home": {"spot": None}}], "home.city", "The field is not there"),
        ([{"home": {"city": None, "citi": "Bern"}}], "home.citi", "does not know this field"),
    ],
)
def test_other_shapes_are_told_once_where_they_are(rows: list[Any], place: str, message: str) -> None:
    name = next(iter(rows[0]))
    schema = Schema({name: SCHEMA.features[name]})
    found = {a.feature: a.message for a in validate(generate(table(*rows)), schema).anomalies if a.feature == place}
    assert message in found[place]
    wrong = [r["feature"] for r in check_rows(table(*rows), schema).table.to_pylist() if r["reason"] == "WRONG_TYPE"]
    assert wrong == ([place] if "of type" in message else [])


def test_drift_of_fields_and_of_the_items_of_lists() -> None:
    before = table(*[{"orders": [{"price": float(n), "tags": ["a"]}]} for n in range(50)])
    after = table(*[{"orders": [{"price": float(n + 40), "tags": ["b", "a"]}]} for n in range(50)])
    schema = Schema({"orders": SCHEMA.features["orders"]})
    report = validate(generate(after), schema, baseline=generate(before))
    assert [(a.feature, a.reason.value) for a in report.anomalies] == [
        ("orders[].price", "DRIFT_JENSEN_SHANNON"),
        ("orders[].tags", "DRIFT_L_INFINITY"),
    ]
    distances = drift(generate(before), generate(after))
    assert list(distances) == ["orders", "orders[].price", "orders[].tags"]
    assert (distances["orders[].tags"].l_infinity, distances["orders[].tags"].value) == (0.5, "a")
    assert distances["orders"].note.startswith("structs are compared field by field")


def test_lists_of_listed_values_pass_and_their_items_are_compared() -> None:
    schema = Schema.loads('[features.tags]\ntype = "string"\nlist = true\nvalues = ["a"]\ndrift = { l_infinity = 0.1 }')
    base = generate(pa.table({"tags": [["a"], [], None]}))
    assert validate(base, schema, baseline=base).anomalies == ()
    assert drift(base, generate(pa.table({"tags": [["a", "b"]]})))["tags"].l_infinity == 0.5


def test_rules_reach_inside() -> None:
    schema = Schema.loads(
        """
        [rules.rows]
        rows = "home.city = 'Bern' AND len(orders) < 3"
        [rules.statistics]
        statistics = '"orders[].price".min >= 0 AND "home.city".unique = 2'
        """
    )
    rows = table(*BAD)
    found = [
        (a.message.split(":")[0], a.details.get("row_ids")) for a in validate(generate(rows), schema, rows=rows).errors
    ]
    assert found == [
        ("The rule 'rows' is broken by 2 rows (66.67 %)", ["1", "2"]),
        ("The rule 'statistics' does not hold", None),
    ]


def test_inferred_and_relaxed_schemas_go_inside() -> None:
    data = generate(table(*BAD))
    inferred = infer_schema(data)
    paths = list(SCHEMA.paths)
    assert list(inferred.paths) == [*paths[:4], "home.zip", *paths[4:]]
    assert validate(data, inferred).anomalies == ()
    relaxed = relax(SCHEMA, data, warnings=True)
    assert relaxed.left == ()
    assert validate(data, relaxed.schema).anomalies == ()
    assert (relaxed.schema.paths["orders[].price"].min, relaxed.schema.paths["home.spot.lat"].max) == (-2, 91)
    assert not relaxed.schema.paths["home.zip"].required


def test_a_policy_inside_is_its_own_or_that_around_it() -> None:
    schema = Schema.loads('[features.h]\ntype="struct"\n[features.h.fields.c]\ntype="int"\nseverity={NO="error"}')
    with pytest.raises(SchemaError, match="is not a reason") as caught:
        validate(generate(table(GOOD)), schema)
    assert caught.value.where["feature"] == "h.c"
    old = SCHEMA.dumps().replace(
        'type = "struct"\nmin_fraction', 'type = "struct"\nlifecycle = "deprecated"\nmin_fraction'
    )
    report = validate(generate(table(*BAD)), Schema.loads(old))
    assert {str(a.severity) for a in report.anomalies if str(a.feature).startswith("home")} == {"warning"}


def test_requests_are_checked_inside() -> None:
    checker = RequestChecker(SCHEMA)
    rows = checker.check_rows([GOOD, {"home": None, "orders": [{"price": -1, "tags": ["z"]}, {"price": None}, None]}])
    assert rows[0] == ({"city": "Bern", "spot": {"lat": 1.0}}, [{"price": 1.0, "tags": ["a"]}, None])
    found = checker.findings(list(zip(*rows, strict=True)))
    assert found.per_row == [0, 6]
    assert found.counts == {
        ("home", "null"): 1,
        ("orders", "wrong_items"): 1,
        ("orders[].price", "out_of_range"): 1,
        ("orders[].price", "null"): 1,
        ("orders[].tags", "out_of_domain"): 1,
        ("orders[].tags", "null"): 1,
    }
    assert checker.check_columns({"home": [None], "orders": [[{"price": 1}]]}) == [
        (None, [{"price": 1.0, "tags": None}])
    ]


@pytest.mark.parametrize(
    ("given_", "error", "sentence"),
    [
        ({"home": {"city": 1}}, RequestTypeError, "Field 'home.city' of row 1 is an integer, not a string or null."),
        ({"home": {}}, MissingFieldError, "Row 1 has no field 'home.city', which is required."),
        ({"home": {"city": "a", "zip": 1}}, UnknownFieldError, "Row 1 has a field 'home.zip' that is not known here."),
        (
            {"orders": [{"price": 1}, {"price": "1"}]},
            RequestTypeError,
            "Field 'orders[1].price' of row 1 is a string, not a number or null.",
        ),
        ({"orders": [1]}, RequestTypeError, "Field 'orders[0]' of row 1 is an integer, not an object or null."),
    ],
)
def test_an_unanswerable_request_is_named_to_the_field(given_: Any, error: type[RequestError], sentence: str) -> None:
    checker = RequestChecker(SCHEMA)
    columns = {name: [GOOD[name], {**GOOD, **given_}[name]] for name in GOOD}
    for attempt in (lambda: checker.check_rows([GOOD, {**GOOD, **given_}]), lambda: checker.check_columns(columns)):
        with pytest.raises(error) as caught:
            attempt()
        assert caught.value.what == sentence


values = st.none() | st.floats(-2, 2)
homes = st.none() | st.fixed_dictionaries({"city": st.sampled_from(["Bern", "Thun", None]), "spot": st.none()})
orders = st.none() | st.lists(st.none() | st.fixed_dictionaries({"price": values, "tags": st.none()}), max_size=3)


@given(st.lists(st.fixed_dictionaries({"home": homes, "orders": orders}), min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_rows_and_requests_find_the_same_values(rows: list[dict[str, Any]]) -> None:
    kinds = SCHEMA.arrow_schema()
    checker = RequestChecker(SCHEMA)
    requests = checker.findings(list(zip(*checker.check_rows(rows), strict=True)))
    batch = check_rows(pa.Table.from_pylist(rows, schema=kinds), SCHEMA)
    same = {"out_of_range": "OUT_OF_RANGE", "out_of_domain": "OUT_OF_DOMAIN", "wrong_items": "MANY_ITEMS"}
    in_requests = {(path, same[kind]) for path, kind in requests.counts if kind in same}
    in_rows = {(path, reason.value) for path, reason, _ in batch.counts if reason.value in same.values()}
    assert in_requests == in_rows
