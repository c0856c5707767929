from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.errors import StatisticsError
from treadle.schema import Feature, Schema
from treadle.statistics import Statistics, generate

TABLE = pa.table(
    {
        "i": pa.array([1, 0, None, 2], pa.int32()),
        "f": [0.0, float("nan"), None, float("inf")],
        "s": ["b", "a", "b", None],
        "b": [True, False, True, None],
        "t": [datetime(2020, 1, 1), datetime(2020, 1, 3), None, datetime(1969, 12, 31)],
        "y": [b"\x00", b"", None, b"\x00"],
        "n": pa.nulls(4),
        "l": [[1], None, [], [2, 3]],
        "__row_id__": ["1", "2", "3", "4"],
    }
)


def test_every_type_says_what_applies_and_nothing_else() -> None:
    shown = generate(TABLE).to_json()
    assert shown["num_rows"] == 4
    features = shown["features"]
    for name, fields in features.items():
        fields.pop("histogram", None)
        fields.pop("quantiles", None)
        assert fields.pop("exact", True) is True
        assert fields["count"] + fields["missing"] == (3 if name == "l[]" else 4), name
    assert features == {
        "i": {
            "type": "int",
            "count": 3,
            "missing": 1,
            "zeros": 1,
            "mean": 1.0,
            "std_dev": pytest.approx(math.sqrt(2 / 3)),
            "min": 0,
            "median": 1.0,
            "max": 2,
            "unique": 3,
            "top_values": [[0, 1], [1, 1], [2, 1]],
        },
        "f": {
            "type": "float",
            "count": 3,
            "missing": 1,
            "nan": 1,
            "infinite": 1,
            "zeros": 1,
            "mean": 0.0,
            "std_dev": 0.0,
            "min": 0.0,
            "median": 0.0,
            "max": 0.0,
            "unique": 1,
        },
        "s": {
            "type": "string",
            "count": 3,
            "missing": 1,
            "empty": 0,
            "unique": 2,
            "avg_length": 1.0,
            "min_length": 1,
            "max_length": 1,
            "top_values": [["b", 2], ["a", 1]],
        },
        "b": {"type": "bool", "count": 3, "missing": 1, "unique": 2, "top_values": [[True, 2], [False, 1]]},
        "t": {
            "type": "timestamp",
            "count": 3,
            "missing": 1,
            "min": "1969-12-31T00:00:00",
            "median": "2020-01-01T00:00:00",
            "max": "2020-01-03T00:00:00",
            "unique": 3,
        },
        "y": {
            "type": "bytes",
            "count": 3,
            "missing": 1,
            "empty": 1,
            "unique": 2,
            "avg_length": pytest.approx(2 / 3),
            "min_length": 0,
            "max_length": 1,
        },
        "n": {"type": "null", "count": 0, "missing": 4},
        "l": {
            "type": "list",
            "count": 3,
            "missing": 1,
            "empty": 1,
            "avg_length": 1.0,
            "min_length": 0,
            "max_length": 2,
            "length_quantiles": pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.4, 1.6, 1.8, 2]),
        },
        "l[]": {
            "type": "int",
            "count": 3,
            "missing": 0,
            "zeros": 0,
            "mean": 2.0,
            "std_dev": pytest.approx(math.sqrt(2 / 3)),
            "min": 1,
            "median": 2.0,
            "max": 3,
            "unique": 3,
            "top_values": [[1, 1], [2, 1], [3, 1]],
        },
    }
    json.dumps(shown, allow_nan=False)


def test_a_declared_column_without_a_value_keeps_its_type() -> None:
    schema = Schema({"n": Feature(name="n", type="float"), "s": Feature(name="s", type="string")})
    statistics = generate(pa.table({"n": pa.nulls(2), "s": [1, 2]}), schema)
    assert statistics.features["n"].type == "float"
    assert statistics.features["s"].type == "int"  # what it is, not what it should be


def test_nothing_is_measured_as_nothing() -> None:
    nothing = generate(pa.table({"a": pa.array([], pa.int64()), "b": pa.array([], pa.string())}))
    assert nothing.num_rows == 0
    assert nothing.features["a"].mean is None
    assert nothing.features["a"].missing_share is None
    assert nothing.features["a"].median is None
    assert nothing.features["b"].top_values == []
    assert nothing.features["b"].avg_length is None
    assert Statistics().to_json() == {"num_rows": 0, "features": {}}


def test_an_absent_column_is_missing() -> None:
    statistics = Statistics()
    statistics.add(pa.record_batch({"a": [1, 2]}))
    statistics.add(pa.record_batch({"b": ["x"]}))
    assert {name: (f.count, f.missing) for name, f in statistics.features.items()} == {"a": (2, 1), "b": (1, 2)}
    other = Statistics()
    other.add(pa.record_batch({"c": [1.0]}))
    statistics.merge(other)
    assert {name: f.missing for name, f in statistics.features.items()} == {"a": 2, "b": 3, "c": 3}


def test_types_that_may_follow_each_other() -> None:
    statistics = Statistics()
    for values in (pa.nulls(1), pa.array([1, 2]), pa.array([2.5]), pa.nulls(1)):
        statistics.add(pa.record_batch({"a": values}))
    feature = statistics.features["a"]
    assert (feature.type, feature.count, feature.missing, feature.mean) == ("float", 3, 2, pytest.approx(5.5 / 3))
    with pytest.raises(StatisticsError) as caught:
        statistics.add(pa.record_batch({"a": ["x"]}))
    assert caught.value.where == {"column": "a"}
    other = generate(pa.table({"a": ["x"]}))
    with pytest.raises(StatisticsError):
        statistics.merge(other)


numbers = st.none() | st.integers(-5, 5)
floats = st.none() | st.floats(width=32) | st.sampled_from([0.0, -0.0, 0.25])
texts = st.none() | st.text(st.characters(codec="utf-8"), max_size=3)
rows = st.lists(st.tuples(numbers, floats, texts, st.none() | st.booleans()), max_size=30)


def table_of(values: Sequence[tuple[Any, ...]]) -> pa.Table:
    columns = [list(column) for column in zip(*values, strict=True)] or [[], [], [], []]
    types = (pa.int64(), pa.float64(), pa.string(), pa.bool_())
    return pa.table({name: pa.array(c, t) for name, c, t in zip("ifsb", columns, types, strict=True)})


@settings(deadline=None)
@given(rows, rows, rows)
def test_merging_is_associative_and_commutative_and_equals_adding_all(a: Any, b: Any, c: Any) -> None:
    parts = [generate(table_of(part)) for part in (a, b, c)]
    whole = generate(table_of([*a, *b, *c])).to_bytes()

    def merged(*order: int) -> bytes:
        total = Statistics.from_bytes(parts[order[0]].to_bytes())
        for number in order[1:]:
            total.merge(parts[number])
        return total.to_bytes()

    assert merged(0, 1, 2) == merged(2, 0, 1) == merged(1, 2, 0) == whole
    right = Statistics.from_bytes(parts[1].to_bytes())
    right.merge(parts[2])
    left = Statistics.from_bytes(parts[0].to_bytes())
    left.merge(right)
    assert left.to_bytes() == whole


@settings(deadline=None)
@given(rows)
def test_bytes_round_trip(values: Any) -> None:
    statistics = generate(table_of(values))
    again = Statistics.from_bytes(statistics.to_bytes())
    assert again.to_bytes() == statistics.to_bytes()
    assert again.to_json() == statistics.to_json()


@settings(deadline=None)
@given(rows)
def test_against_plain_python(values: Any) -> None:
    features = generate(table_of(values)).features
    ints = [row[0] for row in values if row[0] is not None]
    assert features["i"].count == len(ints)
    assert features["i"].missing == len(values) - len(ints)
    assert features["i"].zeros == ints.count(0)
    assert features["i"].value_counts() == Counter(ints)
    if ints:
        assert features["i"].mean == pytest.approx(float(np.mean(ints)))
        assert features["i"].std_dev == pytest.approx(float(np.std(ints)))
        assert features["i"].median == pytest.approx(float(np.median(ints)))
    reals = [row[1] for row in values if row[1] is not None]
    finite = [value for value in reals if math.isfinite(value)]
    assert features["f"].count == len(reals)
    assert features["f"].nan == sum(math.isnan(value) for value in reals)
    assert features["f"].infinite == sum(math.isinf(value) for value in reals)
    assert features["f"].unique == len(set(finite))
    if finite:
        assert (features["f"].min, features["f"].max) == (min(finite), max(finite))
    strings = Counter(row[2] for row in values if row[2] is not None)
    assert features["s"].value_counts() == strings
    assert features["s"].top_values == sorted(strings.items(), key=lambda item: (-item[1], item[0].encode()))[:20]


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1000))
def test_large_columns_round_trip_and_merge(seed: int) -> None:
    random = np.random.default_rng(seed)
    table = pa.table(
        {
            "x": random.normal(size=50_000),
            "k": random.integers(0, 2**40, 50_000),
            "s": [f"id{n}" for n in random.integers(0, 10**6, 50_000)],
            "y": [b"%d" % n for n in random.integers(0, 10**6, 50_000)],
        }
    )
    whole = generate(table)
    assert not whole.features["x"].exact
    assert Statistics.from_bytes(whole.to_bytes()).to_bytes() == whole.to_bytes()
    merged = Statistics()
    for batch in table.to_batches(7_000):
        merged.merge(generate([batch]))
    for name in ("x", "k"):
        one, other = whole.features[name], merged.features[name]
        assert one.quantiles() == other.quantiles()
        assert one.histogram() == other.histogram()
        assert one.unique == other.unique
        assert one.mean == pytest.approx(other.mean, rel=1e-9)
    assert whole.features["s"].unique == merged.features["s"].unique
    assert whole.features["s"].value_counts() is None
    assert whole.features["k"].top_values is None


class Source:
    """A column source that counts how it is read."""

    def __init__(self, table: pa.Table) -> None:
        self.table, self.schema, self.num_rows = table, table.schema, table.num_rows
        self.asked: list[tuple[str, ...]] = []

    def batches(
        self, columns: Sequence[str] | None = None, *, batch_rows: int = 65536, dictionary: bool = False
    ) -> Iterator[pa.RecordBatch]:
        self.asked.append(tuple(columns or ()))
        yield from self.table.select(list(columns or ())).to_batches(1000)


def test_threads_share_the_columns_and_change_nothing() -> None:
    random = np.random.default_rng(0)
    table = pa.table({f"c{number:02d}": random.normal(size=150_000) for number in range(15)})
    single, several = Source(table), Source(table)
    one = generate(single, threads=1)
    many = generate(several, threads=6)
    assert one.to_bytes() == many.to_bytes()
    assert sorted(name for group in several.asked for name in group) == table.column_names
    assert len(several.asked) == 3
    assert list(many.features) == table.column_names


def test_save_and_load(tmp_path: Path) -> None:
    statistics = generate(TABLE)
    statistics.save(tmp_path / "s.json")
    assert Statistics.load(tmp_path / "s.json").to_json() == statistics.to_json()
    assert [file.name for file in tmp_path.iterdir()] == ["s.json"]
    with pytest.raises(StatisticsError) as caught:
        Statistics.load(tmp_path / "none.json")
    assert caught.value.where == {"file": tmp_path / "none.json"}


def test_damaged_statistics_are_refused(tmp_path: Path) -> None:
    data = generate(TABLE).to_bytes()
    for broken in (
        b"",
        data[:-40],
        b"[]",
        b"{}",
        data.replace(b"treadle.statistics/2", b"treadle.statistics/9"),
        data.replace(b'"counts"', b'"count"'),
        data.replace(b'"type":"int"', b'"type":"float","x":"int"').replace(b'"values":[0,1,2]', b'"values":["a"]'),
        b"[" * 100_000,
    ):
        with pytest.raises(StatisticsError):
            Statistics.from_bytes(broken)


def test_statistics_hold_no_python_objects_of_the_batch() -> None:
    statistics = Statistics()
    batch = pa.record_batch({"s": ["a", "b"]})
    statistics.add(batch.slice(1))
    assert statistics.features["s"].value_counts() == {"b": 1}
