from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.errors import StatisticsError
from treadle.statistics import Statistics, generate

HOMES = [
    {"city": "Ulm", "rooms": [1, 2]},
    None,
    {"city": None, "rooms": []},
    {"city": "Bonn", "rooms": None},
    {"city": "Ulm", "rooms": [None, 5]},
]
HOME_TYPE = pa.struct([("city", pa.string()), ("rooms", pa.list_(pa.int32()))])


def test_what_is_inside_is_measured_by_path() -> None:
    statistics = generate(pa.table({"home": pa.array(HOMES, HOME_TYPE)}))
    found = {path: (each.type, each.count, each.missing) for path, each in statistics.paths.items()}
    assert found == {
        "home": ("struct", 4, 1),
        "home.city": ("string", 3, 1),
        "home.rooms": ("list", 3, 1),
        "home.rooms[]": ("int", 3, 1),
    }
    rooms = statistics.paths["home.rooms"]
    assert (rooms.min_length, rooms.max_length, rooms.avg_length) == (0, 2, pytest.approx(4 / 3))
    assert statistics.paths["home.city"].top_values == [("Ulm", 2), ("Bonn", 1)]
    assert list(statistics.features) == ["home"]
    assert list(statistics.to_json()["features"]) == list(found)


@pytest.mark.parametrize(
    "kind", [pa.list_(pa.int64()), pa.large_list(pa.int64()), pa.list_(pa.int64(), 2), pa.list_view(pa.int64())]
)
def test_every_kind_of_list_is_a_list(kind: pa.DataType) -> None:
    column = pa.array([[9, 9], [1, 2], None, [3, None]], kind)[1:]
    statistics = generate(pa.table({"a": column}))
    assert statistics.features["a"].type == "list"
    assert statistics.features["a"].missing == 1
    items = statistics.paths["a[]"]
    assert (items.count, items.missing, items.mean) == (3, 1, 2.0)


VALUES = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {
            "city": st.one_of(st.none(), st.sampled_from("abc")),
            "rooms": st.none() | st.lists(st.none() | st.integers(0, 5)),
        }
    ),
)


@settings(deadline=None)
@given(st.lists(VALUES, max_size=12), st.lists(VALUES, max_size=12))
def test_parts_merge_to_the_whole_and_survive_being_saved(first: list[Any], second: list[Any]) -> None:
    parts = [generate(pa.table({"home": pa.array(rows, HOME_TYPE)})) for rows in (first, second)]
    parts = [Statistics.from_bytes(part.to_bytes()) for part in parts]
    parts[0].merge(parts[1])
    assert parts[0].to_bytes() == generate(pa.table({"home": pa.array(first + second, HOME_TYPE)})).to_bytes()


def test_a_field_that_comes_later_was_missing_before() -> None:
    statistics = generate(pa.table({"s": [{"a": 1}, None]}))
    statistics.merge(generate(pa.table({"s": [{"b": "x"}]})))
    assert (statistics.paths["s.a"].count, statistics.paths["s.a"].missing) == (1, 1)
    assert (statistics.paths["s.b"].count, statistics.paths["s.b"].missing) == (1, 1)


def test_lists_of_another_type_are_an_error_with_the_column() -> None:
    statistics = generate(pa.table({"a": [[1]]}))
    with pytest.raises(StatisticsError) as error:
        statistics.add(pa.table({"a": [["x"]]}))
    assert error.value.where == {"column": "a"}
    assert "string cannot be merged into statistics of type int" in str(error.value)


def test_statistics_of_the_first_format_load_and_merge() -> None:
    feature = b'{"missing":1,"name":"a","others":2,"type":"other"}'
    old = b'{"features":[' + feature + b'],"format":"treadle.statistics/1","num_rows":3}'
    for first, second in (("old", "new"), ("new", "old")):
        sides = {"old": Statistics.from_bytes(old), "new": generate(pa.table({"a": [[1], None]}))}
        sides[first].merge(sides[second])
        merged = sides[first].features["a"]
        assert (merged.type, merged.count, merged.missing) == ("other", 3, 2)
    assert b"treadle.statistics/1" in generate(pa.table({"a": [1]})).to_bytes()
