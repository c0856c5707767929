from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.statistics import generate
from treadle.validation import outside_support

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("base", "new", "outside"),
    [
        ([0.0, 1.0], [0.5, 1.0, 1.1, -0.1], 2),
        ([0.0, 1.0], [NAN, INF, None], 3),
        ([0.0, 1.0, NAN, INF, None], [NAN, INF, None, -INF], 1),
        (["a", "b"], ["a", "c", None], 2),
        ([1, 3], [1, 2, 3], 1),
        (list(range(0, 400, 2)), [1, 2, 400], 1),
        ([1, 3], [1.0, 2.0, 4.0], 1),
        ([True], [True, False], 1),
    ],
)
def test_what_training_never_saw(base: Any, new: Any, outside: int) -> None:
    found = outside_support(pa.table({"x": new}), generate(pa.table({"x": base})))
    assert (found.rows, found.outside, found.features) == (len(new), outside, {"x": outside})
    assert found.share == outside / len(new)


def test_a_row_counts_once_and_what_cannot_be_compared_is_said() -> None:
    base = generate(pa.table({"a": [1.0], "b": ["x"], "c": [1], "l": [[1]], "gone": [1]}))
    new = pa.table({"a": [1.0, 2.0], "b": ["x", "y"], "c": ["1", "2"], "l": [[2], [3]], "more": [1, 2]})
    found = outside_support(new, base)
    assert (found.outside, found.features) == (1, {"a": 1, "b": 1})
    assert set(found.notes) == {"c", "l"}
    assert outside_support(pa.table({"z": [1]}), base).share is None
    assert outside_support(new.slice(0, 0), base).share is None
    assert found.to_json()["share"] == 0.5


@given(st.lists(st.none() | st.floats(), min_size=1, max_size=30))
def test_training_rows_are_never_outside(values: list[float | None]) -> None:
    table = pa.table({"x": pa.array(values, pa.float64()), "k": np.arange(len(values)) % 3})
    assert outside_support(table, generate(table)).outside == 0
