"""Columns as they come: an error or the right number, never a wrong one."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from treadle.errors import StatisticsError
from treadle.statistics import Statistics, generate, generate_weighted
from treadle.statistics._categories import LIMIT


def test_a_million_distinct_strings() -> None:
    numbers = np.random.default_rng(2).permutation(1_000_000)
    column = pc.cast(pa.array(numbers), pa.string())
    frequent = pa.array(["often"] * 50_000)
    feature = generate(pa.table({"s": pa.chunked_array([column, frequent])})).features["s"]
    assert feature.count == 1_050_000
    assert feature.exact is False
    assert feature.unique == pytest.approx(1_000_001, rel=0.05)
    assert feature.text is not None
    categories = feature.text.categories
    assert len(categories.values) <= LIMIT
    assert categories.shortfall <= 1_050_000 / LIMIT
    value, count = categories.top(1)[0]
    assert value == "often"
    assert 50_000 - categories.shortfall <= count <= 50_000


def test_strings_of_ten_megabytes() -> None:
    long = ["a" * 10_000_000, "b" * 10_000_000, "c"]
    feature = generate(pa.table({"s": long})).features["s"]
    assert (feature.max_length, feature.min_length, feature.unique) == (10_000_000, 1, 3)


def test_only_infinities_and_nan() -> None:
    feature = generate(pa.table({"x": [float("inf"), float("-inf"), float("nan")]})).features["x"]
    assert (feature.count, feature.infinite, feature.nan) == (3, 2, 1)
    assert (feature.mean, feature.min, feature.median, feature.unique) == (None, None, None, 0)
    assert feature.histogram() == feature.quantile_histogram() == []


def test_the_largest_numbers() -> None:
    ints = generate(pa.table({"x": pa.array([-(2**63), 2**63 - 1], pa.int64())})).features["x"]
    assert (ints.min, ints.max) == (-(2**63), 2**63 - 1)
    floats = generate(pa.table({"x": [1.7e308, 1.7e308, -1.7e308]})).features["x"]
    assert (floats.max, floats.unique) == (1.7e308, 2)
    with pytest.raises((StatisticsError, pa.ArrowInvalid)):
        generate(pa.table({"x": pa.array([2**63], pa.uint64())}))


def test_times_of_several_zones_are_wall_clock_times() -> None:
    noon = [1_577_880_000_000_000]  # 2020-01-01 12:00 in UTC
    statistics = Statistics()
    for zone in ("UTC", "Asia/Tokyo"):
        statistics.add(pa.table({"t": pa.array(noon, pa.timestamp("us", zone))}))
    feature = statistics.features["t"]
    assert (str(feature.min), str(feature.max)) == ("2020-01-01 12:00:00", "2020-01-01 21:00:00")


def test_mixed_types_are_an_error_with_the_column() -> None:
    statistics = generate(pa.table({"a": [1, 2]}))
    with pytest.raises(StatisticsError) as error:
        statistics.add(pa.table({"a": ["x"]}))
    assert error.value.where == {"column": "a"}


def test_two_columns_of_one_name_are_not_added_up() -> None:
    table = pa.table([pa.array([1]), pa.array([2])], names=["a", "a"])
    with pytest.raises(StatisticsError) as error:
        generate(table)
    assert error.value.where == {"column": "a"}


def test_nulls_at_every_depth() -> None:
    kind = pa.list_(pa.struct([("a", pa.list_(pa.int64()))]))
    column = pa.array([None, [], [None], [{"a": None}], [{"a": [None, 1]}]], kind)
    found = {path: (each.count, each.missing) for path, each in generate(pa.table({"x": column})).paths.items()}
    assert found == {"x": (4, 1), "x[]": (2, 1), "x[].a": (1, 1), "x[].a[]": (1, 1)}


def test_no_columns_no_rows_nothing_but_nulls() -> None:
    assert generate(pa.table({})).to_json() == {"num_rows": 0, "features": {}}
    assert generate([]).num_rows == 0
    feature = generate(pa.table({"x": pa.nulls(3)})).features["x"]
    assert (feature.type, feature.count, feature.missing) == ("null", 0, 3)


def test_text_that_is_not_utf8_is_an_error_and_no_crash() -> None:
    offsets = pa.array([0, 2, 4], pa.int32()).buffers()[1]
    damaged = pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(b"\xff\xfeok")])
    # a Parquet file may hold it too: Arrow reads texts as they are
    with pytest.raises(StatisticsError, match="not UTF-8") as caught:
        generate(pa.table({"s": damaged}))
    assert caught.value.where == {"column": "s"}
    assert generate(pa.table({"s": damaged.view(pa.binary())})).features["s"].count == 2


def test_empty_strings_and_lists_are_counted() -> None:
    found = generate(pa.table({"s": ["", "a", None, ""], "b": [b"x", b"", b"", b""], "t": [[], [""]] * 2}))
    assert [found.features[name].empty for name in "sbt"] == [2, 3, 2]
    assert found.paths["t[]"].empty == 2
    assert generate(pa.table({"s": ["a"], "n": [0]})).to_json()["features"]["s"]["empty"] == 0
    assert found.to_json()["features"]["s"]["empty"] == 2
    many = generate(pa.table({"s": ["", *map(str, range(20_000))]}))
    assert many.features["s"].empty is None


def test_a_column_alone_is_told_how_to_become_a_frame() -> None:
    class Series:
        def to_frame(self) -> None: ...

        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return pa.chunked_array([[1, 2]]).__arrow_c_stream__()

    with pytest.raises(StatisticsError) as caught:
        generate(Series())
    assert "to_frame()" in (caught.value.hint or "")


def test_what_no_row_holds_is_no_error() -> None:
    offsets = pa.array([0, 2, 4], pa.int32()).buffers()[1]
    damaged = pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(b"\xff\xfeok")])
    column = pa.DictionaryArray.from_arrays(pa.array([1, 1], pa.int32()), damaged)
    assert generate(pa.table({"s": column})).features["s"].top_values == [("ok", 2)]
    found = generate_weighted(pa.table({"s": column, "w": [1.0, 2.0]}), "w")
    assert found.features["s"].top_values == [("ok", 3.0)]


def test_text_that_is_not_utf8_is_told_with_its_column_by_weight_too() -> None:
    offsets = pa.array([0, 2, 4], pa.int32()).buffers()[1]
    damaged = pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(b"\xff\xfeok")])
    with pytest.raises(StatisticsError, match="not UTF-8") as caught:
        generate_weighted(pa.table({"s": damaged, "w": [1.0, 2.0]}), "w")
    assert caught.value.where == {"column": "s"}
    assert caught.value.hint is not None
