from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.errors import StatisticsError, UsageError
from treadle.statistics import WeightedStatistics, generate, generate_slices, generate_weighted

ROWS = st.lists(
    st.tuples(st.none() | st.integers(-3, 3), st.none() | st.sampled_from("abc"), st.integers(0, 4)), max_size=30
)


def table(rows: list[tuple[int | None, str | None, int]]) -> pa.Table:
    kinds = (pa.int64(), pa.string(), pa.float64())
    columns = [pa.array([row[place] for row in rows], kind) for place, kind in enumerate(kinds)]
    return pa.table(columns, names=["n", "s", "w"])


@settings(deadline=None)
@given(ROWS)
def test_a_weight_of_three_is_three_rows(rows: list[Any]) -> None:
    weighted = generate_weighted(table(rows), "w")
    repeated = generate(table([row for row in rows for _ in range(row[2])]))
    assert weighted.total_weight == repeated.num_rows
    for name in ("n", "s"):
        mine, theirs = weighted.features[name], repeated.features[name]
        assert (mine.count, mine.missing) == (theirs.count, theirs.missing)
    numbers, theirs = weighted.features["n"], repeated.features["n"]
    assert numbers.zeros == theirs.zeros
    assert numbers.mean == pytest.approx(theirs.mean, abs=1e-12)
    assert numbers.std_dev == pytest.approx(theirs.std_dev, abs=1e-9)
    assert numbers.quantiles([0.1, 0.5, 1.0]) == theirs.quantiles([0.1, 0.5, 1.0], method="element")
    assert numbers.histogram() == theirs.histogram()
    assert weighted.features["s"].top_values == theirs_top(repeated.features["s"].top_values)


def theirs_top(values: Any) -> list[tuple[str, float]]:
    return [(value, float(count)) for value, count in values]


@settings(deadline=None)
@given(ROWS, ROWS)
def test_weighted_parts_merge_to_the_whole(first: list[Any], second: list[Any]) -> None:
    whole = generate_weighted(table(first + second), "w").to_json()
    part = generate_weighted(table(first), "w")
    part.merge(generate_weighted(table(second), "w"))
    assert part.to_json() == whole


def test_continuous_values_keep_their_weighted_mean() -> None:
    random = np.random.default_rng(5)
    values, weights = random.normal(size=60_000), random.random(60_000)
    found = generate_weighted(pa.table({"x": values, "w": weights}), "w").features["x"]
    mean = float(np.average(values, weights=weights))
    assert found.mean == pytest.approx(mean, abs=1e-6)
    assert found.std_dev == pytest.approx(float(np.sqrt(np.average((values - mean) ** 2, weights=weights))), rel=1e-6)
    assert found.median == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize(
    ("weights", "where"), [([1.0, None], 1), ([-1.0, 1.0], 0), ([1.0, float("nan")], 1), ([1.0, float("inf")], 1)]
)
def test_a_wrong_weight_is_an_error_with_its_row(weights: list[float | None], where: int) -> None:
    with pytest.raises(StatisticsError) as error:
        generate_weighted(pa.table({"x": [1, 2], "w": weights}), "w")
    assert error.value.where == {"column": "w", "row": where}


def test_other_wrong_weights() -> None:
    with pytest.raises(UsageError):
        generate_weighted(pa.table({"x": [1]}), "w")
    with pytest.raises(StatisticsError, match="no numbers"):
        generate_weighted(pa.table({"w": ["heavy"]}), "w")
    with pytest.raises(StatisticsError, match="too large"):
        generate_weighted(pa.table({"w": [1e12]}), "w")


def test_columns_that_come_and_go_and_change() -> None:
    statistics = WeightedStatistics("w")
    for values in ({"w": [2.0], "a": [1]}, {"w": [3.0], "b": ["x"]}, {"w": [1.0], "a": [0.5]}):
        statistics.add(pa.RecordBatch.from_pydict(values))
    a, b = statistics.features["a"], statistics.features["b"]
    assert (a.type, a.count, a.missing, a.mean) == ("float", 3.0, 3.0, pytest.approx(2.5 / 3))
    assert (b.count, b.missing) == (3.0, 3.0)
    with pytest.raises(StatisticsError) as error:
        statistics.add(pa.RecordBatch.from_pydict({"w": [1.0], "b": [1]}))
    assert error.value.where == {"column": "b"}


@settings(deadline=None)
@given(ROWS, st.integers(1, 7))
def test_a_slice_is_the_statistics_of_its_rows(rows: list[Any], size: int) -> None:
    data = table(rows)
    found = generate_slices(data.to_batches(size), ["s", ("s", "w")])
    assert found["overall"].num_rows == len(rows)
    for name, statistics in found.items():
        wanted = dict(part.split("=") for part in name.split(",")) if name != "overall" else {}
        kept = [
            row
            for row in rows
            if wanted.get("s", str(row[1]).replace("None", "null")) == str(row[1]).replace("None", "null")
            and wanted.get("w", str(float(row[2]))) == str(float(row[2]))
        ]
        assert statistics.num_rows == len(kept)
        assert not rows or statistics.features["n"].count == sum(row[0] is not None for row in kept)
    assert sum(each.num_rows for name, each in found.items() if name != "overall" and "," not in name) == len(rows)


def test_slices_that_cannot_be() -> None:
    data = pa.table({"a": [1, 2, 3], "l": [[1], [2], [3]]})
    with pytest.raises(UsageError) as error:
        generate_slices(data, ["gone"])
    assert error.value.where == {"column": "gone"}
    with pytest.raises(UsageError):
        generate_slices(data, ["l"])
    with pytest.raises(StatisticsError, match="more than 2 slices"):
        generate_slices(data, ["a"], limit=2)
