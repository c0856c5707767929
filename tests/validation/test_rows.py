from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.errors import SchemaError, UsageError, UserCodeError
from treadle.schema import Feature, Rule, Schema
from treadle.statistics import generate
from treadle.validation import AnomalyReport, Reason, check_rows, set_aside, validate


def schema(text: str) -> Schema:
    return Schema.loads(text)


def faults(feature: Feature, values: Any, kind: pa.DataType | None = None) -> list[tuple[str, str]]:
    found = check_rows(pa.table({"x": pa.array(values, kind)}), Schema({"x": feature}))
    return [(row["row_id"], row["reason"]) for row in found.table.to_pylist()]


def feature(type: str, **fields: Any) -> Feature:
    return Feature(name="x", type=type, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("declared", "values", "found"),
    [
        (feature("int", min=0), [1, -1, None, -2], [("1", "OUT_OF_RANGE"), ("3", "OUT_OF_RANGE")]),
        (feature("int"), [1.0, 1.5, None], [("1", "WRONG_TYPE")]),
        (feature("int"), ["a", "b"], [(None, "WRONG_TYPE")]),
        (
            feature("float", max=9.0),
            [1.0, float("nan"), float("inf")],
            [("1", "NOT_FINITE"), ("2", "NOT_FINITE"), ("2", "OUT_OF_RANGE")],
        ),
        (feature("float", min_fraction=1.0), [1.0, None], [("1", "LOW_PRESENCE")]),
        (feature("float", min_fraction=0.5), [1.0, None], []),
        (feature("string", values=("a",)), ["a", "b", None], [("1", "OUT_OF_DOMAIN")]),
        (
            feature("string", pattern="[a-z]+"),
            ["abc", "abC", "", "x\n"],
            [("1", "NO_MATCH"), ("2", "NO_MATCH"), ("3", "NO_MATCH")],
        ),
        (
            feature("string", min_length=2, max_length=3),
            ["é", "éé", "abcd"],
            [("0", "WRONG_LENGTH"), ("2", "WRONG_LENGTH")],
        ),
        (feature("bytes", max_length=1), [b"a", b"\xff\xff"], [("1", "WRONG_LENGTH")]),
        (feature("string", semantic="url"), ["http://a.b/c", "a.b"], [("1", "NOT_SEMANTIC")]),
        (feature("string", semantic="time"), ["2020-01-02", "soon"], [("1", "NOT_SEMANTIC")]),
        (feature("string", semantic="time", format="%d.%m.%Y"), ["2020-01-02", "02.01.2020"], [("0", "NOT_SEMANTIC")]),
        (
            feature("int", semantic="time", format="unix_seconds"),
            [1_600_000_000, 1_600_000_000_000],
            [("1", "NOT_SEMANTIC")],
        ),
        (feature("bytes", semantic="image"), [b"\x89PNG\r\n\x1a\n...", b"text"], [("1", "NOT_SEMANTIC")]),
        (feature("string", unique=True), ["a", "b", "a", "a", None, None], [("2", "NOT_UNIQUE"), ("3", "NOT_UNIQUE")]),
        (feature("timestamp", min=datetime(2020, 1, 1)), [datetime(2019, 1, 1), None], [("0", "OUT_OF_RANGE")]),
        (
            feature("int", list=True, min_items=1, max_items=2),
            [[], [1], [1, 2, 3], None],
            [("0", "FEW_ITEMS"), ("2", "MANY_ITEMS")],
        ),
        (feature("int", list=True, max=5), [[1, 9], [None, 2], [9]], [("0", "OUT_OF_RANGE"), ("2", "OUT_OF_RANGE")]),
        (feature("float", list=True, shape=(2, 1)), [[1.0, 2.0], [1.0]], [("1", "FEW_ITEMS")]),
        (
            feature("float", list=True, semantic="embedding"),
            [[1.0], [float("inf")]],
            [("1", "NOT_FINITE"), ("1", "NOT_SEMANTIC")],
        ),
        (feature("int", list=True), [["a"]], [(None, "WRONG_TYPE")]),
        (feature("int", list=True), [1], [(None, "WRONG_TYPE")]),
        (feature("int", lifecycle="disabled", min=0), [-1], []),
    ],
)
def test_each_row_that_is_wrong_is_named(declared: Feature, values: Any, found: list[tuple[str, str]]) -> None:
    assert faults(declared, values) == found


def test_rows_are_named_by_id_key_or_number_and_values_are_shown() -> None:
    declared = schema('key = "k"\n[features.k]\ntype = "int"\n[features.x]\ntype = "int"\nmax = 1')
    table = pa.table({"k": [7, 8], "x": [5, 0]})
    assert check_rows(table, declared).table.to_pylist() == [
        {"row_id": "7", "feature": "x", "reason": "OUT_OF_RANGE", "value": "5"}
    ]
    named = table.append_column("__row_id__", pa.array(["aa", "bb"]))
    assert check_rows(named, declared).table["row_id"].to_pylist() == ["aa"]
    repeated = check_rows(pa.table({"k": [7, 7], "x": [0, 0]}), declared)
    assert repeated.counts == {("k", Reason.NOT_UNIQUE, None): 1}


@given(st.lists(st.none() | st.integers(-3, 3), max_size=40), st.integers(1, 7))
def test_batches_change_nothing_and_counts_are_whole(values: Any, size: int) -> None:
    declared = Schema({"x": feature("int", min=0, unique=True, min_fraction=1.0)})
    table = pa.table({"x": pa.array(values, pa.int64())})
    whole, parts = check_rows(table, declared), check_rows(table.to_batches(size), declared)
    key = [("row_id", "ascending"), ("reason", "ascending")]
    assert whole.table.sort_by(key).equals(parts.table.sort_by(key).combine_chunks())
    assert whole.counts == parts.counts
    short = check_rows(table, declared, limit=1)
    assert short.counts == whole.counts
    assert short.table.num_rows == len(whole.counts)
    assert whole.counts.get(("x", Reason.OUT_OF_RANGE, None), 0) == sum(v is not None and v < 0 for v in values)
    present = [v for v in values if v is not None]
    assert whole.counts.get(("x", Reason.NOT_UNIQUE, None), 0) == len(present) - len(set(present))


RIDES = pa.table({"a": [1.0, 5.0, None, 9.0], "b": [2.0, 4.0, 1.0, 3.0]})
RULED = """
[features.a]
type = "float"
[features.b]
type = "float"
[rules.order]
rows = "a <= b"
description = "a comes first"
"""


def test_a_rule_over_rows() -> None:
    found = check_rows(RIDES, schema(RULED))
    assert found.counts == {(None, Reason.RULE, "order"): 2}
    assert found.examples(None, Reason.RULE, "order") == ["1", "3"]
    report = validate(generate(RIDES), schema(RULED), rows=RIDES)
    (anomaly,) = report.anomalies
    assert (anomaly.reason, anomaly.details["count"], anomaly.details["row_ids"]) == (Reason.RULE, 2, ["1", "3"])
    assert "a comes first" in anomaly.message
    milder = schema(RULED + "min_share = 0.5")
    assert not validate(generate(RIDES), milder, rows=RIDES).anomalies
    (unasked,) = validate(generate(RIDES), milder).anomalies
    assert unasked.reason is Reason.NOT_MEASURED


@pytest.mark.parametrize(
    "sql",
    [
        "a <= nowhere",
        "count(*) > 3",
        "row_number() over (order by a) > 1",
        "'text'",
        "(SELECT max(v) FROM read_csv('/etc/passwd') t(v)) > ''",
        "a > 0) FROM rows; DROP VIEW rows; --",
    ],
)
def test_a_rule_that_cannot_be_asked_is_an_error(sql: str) -> None:
    declared = Schema({"a": Feature(name="a", type="float")}, rules={"r": Rule(rows=sql)})
    with pytest.raises(SchemaError, match="cannot be asked"):
        check_rows(RIDES, declared)


def of_statistics(sql: str, baseline: Any = None, severity: str = "error") -> AnomalyReport:
    rule = Rule(statistics=sql, severity=severity)
    declared = Schema({name: Feature(name=name, type="float") for name in ("a", "b")}, rules={"r": rule})
    return validate(generate(RIDES), declared, baseline=baseline)


def test_a_rule_over_statistics() -> None:
    assert not of_statistics("a.mean BETWEEN 4 AND 6 AND num_rows = 4 AND b.missing = 0").anomalies
    assert [a.reason for a in of_statistics("a.mean > b.mean * 10").errors] == [Reason.RULE]
    assert not of_statistics("false", severity="warning").has_errors
    base = generate(pa.table({"a": [1.0], "b": [1.0]}))
    assert not of_statistics("a.mean > base.a.mean AND base.num_rows = 1", base).anomalies
    assert [a.reason for a in of_statistics("a.avg_length > 3").anomalies] == [Reason.NOT_MEASURED]
    with pytest.raises(SchemaError, match="cannot be asked"):
        of_statistics("base.a.mean > 1")


def test_checks_in_python() -> None:
    declared = schema(RULED.partition("[rules")[0])
    statistics = generate(RIDES)
    checks = {"enough": lambda s: s.num_rows > 10, "words": lambda s: "Too calm.", "fine": lambda s: None}
    report = validate(statistics, declared, checks=checks)
    assert [anomaly.message for anomaly in report.errors] == ["The check 'enough' does not hold.", "Too calm."]
    report = validate(
        statistics, declared, rows=RIDES, row_checks={"positive": lambda batch: np.array([True, False, True, True])}
    )
    assert [(a.reason, a.details["count"], a.details["row_ids"]) for a in report.errors] == [(Reason.RULE, 1, ["1"])]
    with pytest.raises(UserCodeError, match="ZeroDivisionError"):
        validate(statistics, declared, checks={"bad": lambda s: 1 / 0})
    with pytest.raises(UserCodeError, match="2 answers for 4 rows"):
        check_rows(RIDES, declared, checks={"bad": lambda batch: [True, False]})


POLICY = """
[features.a]
type = "float"
max = 6.0
severity = { OUT_OF_RANGE = "quarantine" }
[features.b]
type = "float"
min = 2.0
[rules.order]
rows = "a <= b"
severity = "quarantine"
"""


def test_rows_in_are_rows_out() -> None:
    declared = schema(POLICY)
    found = check_rows(RIDES, declared)
    parted = set_aside(RIDES, found, declared)
    assert parted.kept.num_rows + parted.aside.num_rows == RIDES.num_rows
    assert parted.aside.to_pylist() == [
        {"a": 5.0, "b": 4.0, "__reasons__": "rule:order"},
        {"a": 9.0, "b": 3.0, "__reasons__": "a:OUT_OF_RANGE,rule:order"},
    ]
    with pytest.raises(UsageError, match="4 rows"):
        set_aside(RIDES.slice(1), found, declared)


def test_what_nobody_sets_aside_stops() -> None:
    statistics, declared = generate(RIDES), schema(POLICY)
    alone = validate(statistics, declared, rows=RIDES)
    assert {(a.feature, a.severity.value) for a in alone.anomalies} == {("a", "error"), ("b", "error"), (None, "error")}
    helped = validate(statistics, declared, rows=RIDES, quarantine=True)
    assert [a.feature for a in helped.errors] == ["b"]
    assert len(helped.quarantines) == 2
    with pytest.raises(SchemaError, match="none can be set aside"):
        validate(statistics, schema('severity = { NEW_COLUMN = "quarantine" }'))


def test_each_environment_has_its_policy() -> None:
    text = """
severity = { OUT_OF_RANGE = "warning" }
[environments.SERVING]
severity = { OUT_OF_RANGE = "ignore" }
[features.a]
type = "float"
max = 2.0
[features.b]
type = "float"
max = 1.0
severity = { OUT_OF_RANGE = "error" }
[rules.order]
rows = "a <= b"
not_in = ["SERVING"]
"""
    statistics, declared = generate(RIDES), schema(text)
    found = {name: validate(statistics, declared, rows=RIDES, environment=name) for name in ("TRAINING", "SERVING")}
    assert [(a.feature, a.severity.value) for a in found["TRAINING"].anomalies] == [
        (None, "error"),
        ("a", "warning"),
        ("b", "error"),
    ]
    assert [(a.feature, a.severity.value) for a in found["SERVING"].anomalies] == [("b", "error")]


def test_lists_are_judged_by_their_rows() -> None:
    table = pa.table({"x": [[1, 2], [3, 99], [4]]})
    declared = Schema({"x": feature("int", list=True, max=9, min_items=2)})
    report = validate(generate(table), declared, rows=table)
    assert {(a.reason.value, *a.details["row_ids"]) for a in report.errors} == {
        ("OUT_OF_RANGE", "1"),
        ("FEW_ITEMS", "2"),
    }
    assert report.errors[0].details["row_ids"]
    alone = validate(generate(table), declared)
    assert {a.reason.value for a in alone.errors} == {"OUT_OF_RANGE", "FEW_ITEMS"}
    text = validate(generate(pa.table({"x": [["a"]]})), declared).anomalies
    assert [(a.reason.value, a.message) for a in text] == [
        ("WRONG_TYPE", "Values are of type lists of string where the schema declares lists of int.")
    ]
    assert [a.reason.value for a in validate(generate(pa.table({"x": [1]})), declared).anomalies] == ["WRONG_TYPE"]
    assert not validate(generate(pa.table({"x": pa.array([None], pa.null())})), declared).anomalies
