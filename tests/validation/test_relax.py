from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.schema import Effect, Feature, RowLimits, Schema, diff
from treadle.statistics import generate
from treadle.validation import Reason, infer_schema, relax, validate

columns = {
    "int": st.lists(st.none() | st.integers(-50, 50), min_size=1, max_size=12),
    "float": st.lists(st.none() | st.floats(-50, 50), min_size=1, max_size=12),
    "string": st.lists(st.none() | st.sampled_from(["a", "bb", "ccc", "D"]), min_size=1, max_size=12),
    "timestamp": st.lists(st.datetimes(datetime(2019, 1, 1), datetime(2021, 1, 1)), min_size=1, max_size=5),
}
kinds = {"int": pa.int64(), "float": pa.float64(), "string": pa.string(), "timestamp": pa.timestamp("us")}
constraints: dict[str, Any] = {
    "int": {"min": st.integers(-50, 50), "max_unique": st.integers(0, 5), "unique": st.booleans()},
    "float": {"max": st.floats(-50, 50), "min_unique": st.integers(0, 5)},
    "string": {
        "values": st.just(("a",)),
        "max_length": st.integers(0, 3),
        "pattern": st.just("[a-z]+"),
        "min_domain_mass": st.floats(0, 1),
    },
    "timestamp": {"min": st.just(datetime(2020, 1, 1))},
}


@st.composite
def cases(draw: Any) -> tuple[Schema, pa.Table]:
    kind = draw(st.sampled_from(list(columns)))
    chosen = {name: draw(values) for name, values in constraints[kind].items() if draw(st.booleans())}
    chosen["min_fraction"] = draw(st.floats(0, 1))
    chosen["min_count"] = draw(st.none() | st.integers(0, 20))
    feature = Feature(name="x", type=kind, **chosen)
    absent = {"gone": Feature(name="gone", type="int")} if draw(st.booleans()) else {}
    limits = RowLimits(min=draw(st.none() | st.integers(0, 20)))
    table = pa.table({"x": pa.array(draw(columns[kind]), kinds[kind])})
    return Schema({"x": feature, **absent}, rows=limits), table


@settings(max_examples=200)
@given(cases())
def test_the_data_pass_by_the_least_change(case: tuple[Schema, pa.Table]) -> None:
    schema, table = case
    statistics = generate(table)
    relaxed = relax(schema, statistics)
    assert not relaxed.left
    assert not validate(statistics, relaxed.schema).has_errors
    assert all(change.effect is not Effect.NARROWER for change in diff(schema, relaxed.schema))
    if not validate(statistics, schema).has_errors:
        assert relaxed.schema == schema
    # each single change is needed
    for name, feature in relaxed.schema.features.items():
        before = schema.features[name]
        for field in fields(Feature):
            if getattr(before, field.name) != getattr(feature, field.name):
                undone = replace(feature, **{field.name: getattr(before, field.name)})
                kept = replace(relaxed.schema, features={**relaxed.schema.features, name: undone})
                assert validate(statistics, kept).has_errors


def relaxed_feature(feature: Feature, values: Any, base: Any = None) -> Feature:
    baseline = None if base is None else generate(pa.table({"x": base}))
    found = relax(Schema({"x": feature}), generate(pa.table({"x": values})), baseline=baseline)
    assert not found.left
    return found.schema.features["x"]


def test_what_is_widened_and_how() -> None:
    assert relaxed_feature(Feature(name="x", type="string", values=("b",)), ["c", "a"]).values == ("b", "a", "c")
    many = [f"v{n}" for n in range(101)]
    assert relaxed_feature(Feature(name="x", type="string", values=("b",)), many).values is None
    wider = relaxed_feature(Feature(name="x", type="int", min=0, l_infinity=0.5), [1.5, -2.0])
    assert (wider.type, wider.min, wider.l_infinity) == ("float", -2, None)
    infinite = relaxed_feature(Feature(name="x", type="float", max=1.0, min=0.0), [float("inf"), 0.5])
    assert (infinite.min, infinite.max) == (0.0, None)
    drifted = relaxed_feature(Feature(name="x", type="float", jensen_shannon=0.1), [1.0, 2.0], [5.0, 6.0])
    assert drifted.jensen_shannon == 1.0
    strict = Feature(name="x", type="float", severity={"NOT_FINITE": "error"})
    assert relaxed_feature(strict, [float("nan")]).severity == {"NOT_FINITE": "warning"}


def test_lists_and_what_is_in_them() -> None:
    declared = Feature(name="x", type="int", list=True, shape=(2,), max=5)
    wider = relaxed_feature(declared, [[1, 2], [1, 2, 9]])
    assert (wider.shape, wider.items, wider.max) == (None, (2, 3), 9)
    inferred = infer_schema(generate(pa.table({"x": [["a"], ["b", "a"]]}))).features["x"]
    assert (inferred.list, inferred.type, inferred.values, inferred.min_fraction) == (True, "string", ("a", "b"), 1.0)


def test_new_columns_are_added_when_they_stop_and_are_never_required() -> None:
    schema = Schema({}, severity={"NEW_COLUMN": "error"})
    found = relax(schema, generate(pa.table({"x": ["a"], "y": [[[1]]]})))
    assert (found.schema.features["x"].values, found.schema.features["x"].required) == (("a",), False)
    assert [anomaly.feature for anomaly in found.left] == ["y"]
    assert relax(Schema({}), generate(pa.table({"x": ["a"]}))).schema == Schema({})
    assert relax(Schema({}), generate(pa.table({"x": ["a"]})), warnings=True).schema.features


def test_what_no_change_should_take_away_is_left() -> None:
    text = relax(Schema({"x": Feature(name="x", type="int")}), generate(pa.table({"x": ["a"]})))
    assert [anomaly.reason for anomaly in text.left] == [Reason.WRONG_TYPE]
    empty = relax(Schema({}), generate(pa.table({"x": pa.array([], pa.int64())})))
    assert [anomaly.reason for anomaly in empty.left] == [Reason.NO_ROWS]
