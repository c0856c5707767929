from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.errors import MissingColumnError
from treadle.validation import SkewReport, feature_skew


def skew(training: dict[str, Any], serving: dict[str, Any], **options: Any) -> SkewReport:
    return feature_skew(pa.table(training), pa.table(serving), **{"on": "id", **options})


def test_rows_find_each_other_by_id_and_values_are_compared() -> None:
    found = skew(
        {"id": [1, 2, 3, 4], "x": [1.0, 2.0, 3.0, None], "s": ["a", "b", "c", None]},
        {"id": [4, 3, 2, 1], "x": [None, 3.5, None, 1.0], "s": [None, "c", "B", "a"]},
    )
    assert found.joined.matched == 4
    x, s = found.features["x"], found.features["s"]
    assert (x.matches, x.differs, x.training_only, x.serving_only, x.largest) == (2, 1, 1, 0, 0.5)
    assert x.samples == (("2", 2.0, None), ("3", 3.0, 3.5))
    assert (s.matches, s.differs, s.confusion) == (3, 1, (("b", "B", 1),))
    assert s.share == 0.25
    json.dumps(found.to_json())


def test_every_row_is_accounted_for() -> None:
    found = skew({"id": ["a", "b", "b", None, "z"], "x": [1] * 5}, {"id": ["a", "b", "c"], "x": [1] * 3}).joined
    assert (found.training_rows, found.serving_rows, found.matched) == (5, 3, 1)
    assert (found.training_only, found.serving_only, found.without_id, found.repeated) == (1, 1, 1, 2)


def test_ids_of_several_columns_and_of_two_types() -> None:
    training = {"a": [1, 1, 2], "b": ["x", "y", "x"], "v": [1, 2, 3]}
    serving = {"a": ["2", "1"], "b": ["x", "x"], "v": [3, 9]}
    found = skew(training, serving, on=["a", "b"])
    assert found.joined.matched == 2
    assert found.features["v"].samples == (("1/x", 1, 9),)


def test_tolerances() -> None:
    values = np.random.default_rng(0).normal(size=100)
    training = {"id": range(100), "x": values}
    assert skew(training, {"id": range(100), "x": values.astype(np.float32)}).features["x"].share == 0
    assert skew(training, {"id": range(100), "x": values.astype(np.float32)}, relative=0).features["x"].share > 0.9  # type: ignore[operator]
    assert skew(training, {"id": range(100), "x": values + 0.01}, absolute=0.02).features["x"].share == 0
    assert skew(training, {"id": range(100), "x": np.round(values, 2)}, digits=2).features["x"].share == 0
    infinite = skew({"id": [1, 2], "x": [np.inf, np.inf]}, {"id": [1, 2], "x": [np.inf, -np.inf]}).features["x"]
    assert (infinite.matches, infinite.differs) == (1, 1)
    assert skew({"id": [1], "x": [np.nan]}, {"id": [1], "x": pa.array([None], pa.float64())}).features["x"].matches == 1


def test_other_types() -> None:
    found = skew(
        {"id": [1], "n": [1], "t": [datetime(2020, 1, 1)], "l": [[1, 2]], "w": ["1"], "b": [True], "z": [b"\xff"]},
        {"id": [1], "n": [1.0], "t": [datetime(2020, 1, 1)], "l": [[1, 3]], "w": [1], "b": [1], "z": [b"\xfe"]},
    ).features
    assert [found[name].matches for name in ("n", "t", "l", "b", "z")] == [1, 1, 0, 1, 0]
    assert (found["w"].share, found["w"].note) == (None, "the types differ: int64 and string")


def test_nothing_in_common_is_not_measured() -> None:
    found = skew({"id": [1], "x": [1]}, {"id": [2], "x": [1]})
    assert (found.joined.matched, found.features["x"].share) == (0, None)
    empty = pa.table({"id": pa.array([], pa.int64()), "x": pa.array([], pa.int64())})
    assert feature_skew(empty, empty, on="id").features["x"].share is None
    for options in ({"on": "nowhere"}, {"features": ["nowhere"]}):
        with pytest.raises(MissingColumnError):
            skew({"id": [1], "x": [1]}, {"id": [1], "x": [1]}, **options)


@given(st.lists(st.none() | st.integers(0, 9), max_size=20), st.lists(st.none() | st.integers(0, 9), max_size=20))
def test_counts_are_those_of_a_dictionary(left: list[int | None], right: list[int | None]) -> None:
    sides = [
        pa.table(
            {"id": pa.array(ids, pa.int64()), "x": pa.array([None if i is None else i * k for i in ids], pa.int64())}
        )
        for ids, k in ((left, 1), (right, 1))
    ]
    found = feature_skew(*sides, on="id")
    once = [{i for i in ids if i is not None and ids.count(i) == 1} for ids in (left, right)]
    assert found.joined.matched == len(once[0] & once[1]) == found.features["x"].matches
    assert found.joined.training_only == len({i for i in left if i is not None} - set(right))
