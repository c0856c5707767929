from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.errors import StatisticsError, UsageError
from treadle.statistics import (
    Profile,
    WeightedStatistics,
    generate,
    generate_slices,
    generate_weighted,
    profile,
)

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


NESTED = pa.table(
    {
        "tags": [["a", "b"], ["a"], None, [], ["b", "b", None]],
        "home": [{"city": "Ulm", "rooms": 2}, None, {"city": None, "rooms": 5}, {"city": "Ulm", "rooms": 3}, None],
        "w": [1.0, 2.0, 4.0, 0.5, 0.0],
    }
)


def test_what_is_inside_lists_and_structs_counts_by_the_weight_of_its_row() -> None:
    found = generate_weighted(NESTED, "w").paths
    assert list(found) == ["tags", "tags[]", "home", "home.city", "home.rooms"]
    assert (found["tags"].count, found["tags"].missing) == (3.5, 4.0)
    assert found["tags"].avg_length == pytest.approx((2 * 1.0 + 1 * 2.0 + 0) / 3.5)
    assert (found["tags[]"].count, found["tags[]"].missing) == (4.0, 0.0)
    assert found["tags[]"].top_values == [("a", 3.0), ("b", 1.0)]
    assert (found["home"].count, found["home.city"].count, found["home.city"].missing) == (5.5, 1.5, 4.0)
    assert found["home.rooms"].mean == pytest.approx((2 * 1.0 + 5 * 4.0 + 3 * 0.5) / 5.5)
    assert sum(weight for _, _, weight in found["home.rooms"].quantile_histogram(4)) == pytest.approx(5.5)


@pytest.mark.parametrize("cut", range(6))
def test_nested_weights_merge_from_any_parts_and_their_files(cut: int, tmp_path: Path) -> None:
    whole = profile(NESTED, weight="w")
    parts = [profile(NESTED.slice(0, cut), weight="w"), profile(NESTED.slice(cut), weight="w")]
    parts[0].save(tmp_path / "first.json")
    merged = Profile.load(tmp_path / "first.json")
    merged.merge(parts[1])
    assert merged.weighted is not None
    assert whole.weighted is not None
    assert merged.weighted.to_json() == whole.weighted.to_json()
    assert merged.to_bytes() == whole.to_bytes()


def test_a_field_that_one_side_lacks_is_missing_by_its_weight() -> None:
    first, second = generate_weighted(NESTED, "w"), WeightedStatistics("w")
    second.add(pa.RecordBatch.from_pylist([{"home": {"city": "Bonn", "floor": 1}, "w": 8.0}]))
    first.merge(second)
    assert (first.paths["home.floor"].count, first.paths["home.floor"].missing) == (8.0, 5.5)
    assert (first.paths["home.rooms"].count, first.paths["home.rooms"].missing) == (5.5, 8.0)
    assert first.paths["tags"].missing == 12.0


def test_a_profile_of_the_first_format_knows_presence_alone(tmp_path: Path) -> None:
    saved = profile(NESTED, weight="w")
    state = json.loads(saved.to_bytes())
    assert state["format"] == "treadle.profile/2"
    state["format"] = "treadle.profile/1"
    for fields in state["weighted"]["features"]:
        fields.pop("inside", None)
        fields.pop("lengths", None)
    (tmp_path / "old.json").write_text(json.dumps(state))
    old = Profile.load(tmp_path / "old.json")
    old.merge(saved)
    assert old.weighted is not None
    assert list(old.weighted.paths) == ["tags", "home"]
    assert (old.weighted.paths["tags"].count, old.weighted.paths["tags"].avg_length) == (7.0, None)
    assert json.loads(old.to_bytes())["format"] == "treadle.profile/1"
