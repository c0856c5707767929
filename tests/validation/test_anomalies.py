from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.artifact import canonical_json
from treadle.errors import SchemaError
from treadle.schema import Feature, Schema
from treadle.statistics import generate
from treadle.validation import AnomalyReport, Reason, infer_schema, validate


def check(feature: Feature, values: Any, kind: pa.DataType | None = None, **options: Any) -> list[tuple[str, str]]:
    report = judged(feature, values, kind, **options)
    return [(anomaly.reason.value, anomaly.severity.value) for anomaly in report.anomalies]


def judged(feature: Feature, values: Any, kind: pa.DataType | None = None, **options: Any) -> AnomalyReport:
    statistics = generate(pa.table({"x": pa.array(values, kind)}))
    return validate(statistics, Schema({"x": feature}), **options)


def feature(type: str, **fields: Any) -> Feature:
    return Feature(name="x", type=type, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("declared", "values", "found"),
    [
        (feature("int"), [1, None], []),
        (feature("int"), [1.0], [("WRONG_TYPE", "error")]),
        (feature("int"), ["1"], [("WRONG_TYPE", "error")]),
        (feature("float"), [1, 2], []),
        (feature("bool"), [0, 1], []),
        (feature("bool"), [0, 2], [("WRONG_TYPE", "error")]),
        (feature("bytes"), ["a"], []),
        (feature("string"), [b"a"], [("WRONG_TYPE", "error")]),
        (feature("timestamp"), ["2020-01-01"], [("WRONG_TYPE", "error")]),
        (feature("string"), [["a"]], [("WRONG_TYPE", "error")]),
        (feature("float"), [None, None], []),
        (feature("int", min_fraction=0.5), [1, None], []),
        (feature("int", min_fraction=0.6), [1, None], [("LOW_PRESENCE", "error")]),
        (
            feature("float", min_fraction=1.0),
            [1.0, float("nan")],
            [("LOW_PRESENCE", "error"), ("NOT_FINITE", "warning")],
        ),
        (feature("string", values=("a", "b")), ["a", "b", None], []),
        (feature("string", values=("a",)), ["a", "b"], [("OUT_OF_DOMAIN", "error")]),
        (feature("string", values=("a",), min_domain_mass=0.5), ["a", "b"], []),
        (feature("int", values=(1, 2)), [1, 2, 4], [("OUT_OF_DOMAIN", "error")]),
        (feature("bool", values=(True,)), [True, False], [("OUT_OF_DOMAIN", "error")]),
        (feature("int", min=0, max=5), [0, 5], []),
        (feature("int", min=0), [-1], [("OUT_OF_RANGE", "error")]),
        (feature("float", max=5.0), [5.0, 5.5], [("OUT_OF_RANGE", "error")]),
        (feature("float", max=5.0, min_domain_mass=0.5), [5.0, 5.5], []),
        (feature("float", min=0.0), [1.0, float("inf")], [("NOT_FINITE", "warning")]),
        (feature("float", max=9.0), [1.0, float("inf")], [("OUT_OF_RANGE", "error"), ("NOT_FINITE", "warning")]),
        (feature("timestamp", min=datetime(2020, 1, 1)), [datetime(2019, 12, 31)], [("OUT_OF_RANGE", "error")]),
        (feature("timestamp", max=datetime(2020, 1, 1)), [datetime(2020, 1, 1)], []),
    ],
)
def test_each_check(declared: Feature, values: Any, found: list[tuple[str, str]]) -> None:
    assert check(declared, values) == found


def test_no_rows() -> None:
    assert check(feature("int"), [], pa.int64()) == [("NO_ROWS", "error")]


def test_missing_and_new_columns() -> None:
    schema = Schema(
        {
            "fare": Feature(name="fare", type="float"),
            "maybe": Feature(name="maybe", type="float", required=False),
            "tip": Feature(name="tip", type="float", not_in=("SERVING",)),
        }
    )
    statistics = generate(pa.table({"fares": [1.0]}))
    report = validate(statistics, schema, environment="SERVING")
    assert [(a.feature, a.reason, a.severity.value) for a in report.anomalies] == [
        ("fare", Reason.MISSING_COLUMN, "error"),
        ("fares", Reason.NEW_COLUMN, "warning"),
    ]
    assert "Is it 'fare', renamed?" in report.anomalies[1].message
    assert [a.feature for a in validate(statistics, schema).errors] == ["fare", "tip"]
    labelled = generate(pa.table({"fare": [1.0], "tip": [1.0]}))
    assert not validate(labelled, schema, environment="SERVING").anomalies


def test_a_column_that_some_files_lack() -> None:
    report = judged(feature("int"), [1], absent={"x": ["b.csv", "c.csv"]})
    assert report.anomalies[0].message == "The column is not there in b.csv and 1 more."
    assert check(feature("int", required=False), [1], absent={"x": ["b.csv"]}) == []


def test_messages_hold_the_numbers_and_the_values() -> None:
    anomaly = judged(feature("int", values=(1,)), [1, 1, 2, 3, 3, 3]).anomalies[0]
    assert anomaly.message == "66.67 % of the values are not in the domain: 3 (3), 2 (1)."
    assert anomaly.details == {"count": 4, "share": pytest.approx(2 / 3), "values": [[3, 3], [2, 1]]}
    anomaly = judged(feature("float", min=0.0, max=1000.0), [-1.5, 2.0, 429490.2, 5.0]).anomalies[0]
    assert anomaly.message == (
        "50 % of the values are out of range: 1 below 0.0, 1 above 1000.0 (they run from -1.5 to 429490.2)."
    )
    report = judged(feature("timestamp", min=datetime(2020, 1, 1)), [datetime(2008, 12, 31)])
    canonical_json(report.to_json())
    assert report.to_json()["errors"] == 1


def test_the_range_of_more_values_than_are_counted_one_by_one() -> None:
    values = np.random.default_rng(0).uniform(0, 100, 50_000)
    anomaly = judged(feature("float", max=90.0), values).anomalies[0]
    assert anomaly.details["share"] == pytest.approx(0.1, abs=0.005)
    just_one = judged(feature("float", max=float(np.sort(values)[-2])), values).anomalies[0]
    assert just_one.details["above"] >= 1


def test_the_domain_of_more_values_than_are_counted_one_by_one() -> None:
    strings = [f"n{n}" for n in range(20_000)] + ["a"] * 20_000
    assert judged(feature("string", values=("a",)), strings).anomalies[0].details["share"] == pytest.approx(
        0.5, abs=0.01
    )
    assert check(feature("int", values=(1, 2)), np.arange(20_000) * 7) == [("OUT_OF_DOMAIN", "error")]


def test_policy_per_reason_and_feature() -> None:
    table = pa.table({"a": [-1], "b": [-1], "c": [-1]})
    schema = Schema(
        {
            "a": Feature(name="a", type="int", min=0),
            "b": Feature(name="b", type="int", min=0, severity={"OUT_OF_RANGE": "error"}),
            "c": Feature(name="c", type="int", min=0, severity={"OUT_OF_RANGE": "ignore"}),
        },
        severity={"OUT_OF_RANGE": "warning"},
    )
    report = validate(generate(table), schema)
    assert [(a.feature, a.severity.value) for a in report.anomalies] == [("a", "warning"), ("b", "error")]
    assert report.has_errors
    assert len(report.warnings) == 1


def test_a_policy_for_nothing_is_refused() -> None:
    with pytest.raises(SchemaError, match="OUT_OF_RANGES") as caught:
        judged(feature("int", severity={"OUT_OF_RANGES": "error"}), [1])
    assert caught.value.hint == "Did you mean OUT_OF_RANGE?"


def test_drift_thresholds() -> None:
    before = generate(pa.table({"x": ["a", "a", "b", None]}))
    declared = feature("string", l_infinity=0.1, jensen_shannon=0.9, missing=0.1)
    assert check(declared, ["a", "a", "b", None], baseline=before) == []
    report = judged(declared, ["b", "b", "b", "b"], baseline=before)
    assert [anomaly.reason.value for anomaly in report.anomalies] == ["DRIFT_L_INFINITY", "DRIFT_MISSING"]
    assert report.anomalies[0].message == "The L-infinity distance is 0.6667, above 0.1, most for 'a'."
    assert report.anomalies[1].details == {"distance": 0.25, "threshold": 0.1}


def test_a_threshold_without_anything_to_compare_is_said() -> None:
    empty = generate(pa.table({"x": pa.nulls(3, pa.float64())}))
    declared = feature("float", jensen_shannon=0.1, missing=0.1)
    report = judged(declared, [1.0, 2.0], baseline=empty)
    assert [(a.reason.value, a.severity.value) for a in report.anomalies] == [
        ("DRIFT_UNDEFINED", "warning"),
        ("DRIFT_MISSING", "error"),
    ]
    assert "the base has no values" in report.anomalies[0].message


values = st.one_of(
    st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), max_size=12).map(lambda v: pa.array(v, pa.int64())),
    st.lists(st.none() | st.floats(), max_size=12).map(lambda v: pa.array(v, pa.float64())),
    st.lists(st.none() | st.text(st.characters(codec="utf-8"), max_size=3), max_size=12).map(
        lambda v: pa.array(v, pa.string())
    ),
    st.lists(st.none() | st.booleans(), max_size=12).map(lambda v: pa.array(v, pa.bool_())),
    st.lists(st.none() | st.binary(max_size=3), max_size=12).map(lambda v: pa.array(v, pa.binary())),
    st.lists(st.none() | st.datetimes(datetime(1, 1, 1), datetime(9999, 1, 1)), max_size=12).map(
        lambda v: pa.array(v, pa.timestamp("us"))
    ),
    st.integers(0, 12).map(pa.nulls),
    st.lists(st.none() | st.lists(st.none() | st.integers(0, 9), max_size=3), max_size=9).map(
        lambda v: pa.array(v, pa.list_(pa.int64()))
    ),
)


@given(values)
def test_an_inferred_schema_accepts_its_own_data_and_survives_its_text(column: pa.Array) -> None:
    statistics = generate(pa.table({"x": column}))
    schema = infer_schema(statistics)
    report = validate(statistics, Schema.loads(schema.dumps()), baseline=statistics)
    assert {anomaly.reason for anomaly in report.errors} <= {Reason.NO_ROWS}
    assert {anomaly.reason for anomaly in report.warnings} <= {Reason.NOT_FINITE}


def test_what_is_inferred() -> None:
    table = pa.table(
        {
            "one": [1, 1, 1],
            "word": ["a", "b", "a"],
            "some": ["a", None, "a"],
            "when": [datetime(2020, 1, 1)] * 3,
            "none": pa.nulls(3),
            "list": [[1]] * 3,
        }
    )
    schema = infer_schema(generate(table), event_time="when")
    assert (
        schema.dumps()
        == """\
format = "treadle.schema/2"
event_time = "when"

[features.one]
type = "int"
min_fraction = 1.0

[features.word]
type = "string"
min_fraction = 1.0
values = ["a", "b"]

[features.some]
type = "string"
values = ["a"]

[features.when]
type = "timestamp"
min_fraction = 1.0

[features.none]
type = "string"
description = "No value was seen: the type is a guess."
required = false

[features.list]
type = "int"
list = true
min_fraction = 1.0
"""
    )
    many = generate(pa.table({"x": [f"v{n}" for n in range(101)]}))
    assert infer_schema(many).features["x"].values is None
    assert infer_schema(many, max_domain=101).features["x"].values is not None
