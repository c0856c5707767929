from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.statistics import Statistics, generate
from treadle.validation import Distance, drift
from treadle.validation.distances._measures import equal_mass_groups, jensen_shannon


def of(values: Any, kind: pa.DataType | None = None) -> Statistics:
    return generate(pa.table({"x": pa.array(values, kind)}))


def distance(base: Any, new: Any, kind: pa.DataType | None = None) -> Distance:
    return drift(of(base, kind), of(new, kind))["x"]


masses = st.lists(st.integers(0, 20), min_size=4, max_size=4).filter(any).map(lambda m: np.array(m, float))


@given(masses, masses)
def test_jensen_shannon_is_symmetric_and_between_0_and_1(base: Any, new: Any) -> None:
    found = jensen_shannon(base, new)
    assert 0 <= found <= 1
    assert found == pytest.approx(jensen_shannon(new, base))
    assert jensen_shannon(base, base * 3) == pytest.approx(0, abs=1e-12)


def test_jensen_shannon_by_hand() -> None:
    # P = (1/2, 1/2), Q = (1, 0), M = (3/4, 1/4)
    by_hand = (0.5 * math.log2(2 / 3) + 0.5 * math.log2(2) + math.log2(4 / 3)) / 2
    assert jensen_shannon(np.array([1.0, 1.0]), np.array([5.0, 0.0])) == pytest.approx(by_hand)
    assert jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == 1.0


@given(masses, masses, st.integers(1, 6))
def test_groups_keep_the_order_and_heavy_values_alone(base: Any, new: Any, groups: int) -> None:
    numbers = equal_mass_groups(base, new, groups)
    mean = (base / base.sum() + new / new.sum()) / 2
    for index, number in enumerate(numbers):
        if mean[index] >= 1 / groups:
            assert (numbers == number).sum() == 1
    light = [number for index, number in enumerate(numbers) if mean[index] < 1 / groups]
    assert light == sorted(light)


def test_strings_by_hand() -> None:
    found = distance(["a"] * 6 + ["b"] * 4, ["a"] * 3 + ["c"] * 7)
    assert found.l_infinity == pytest.approx(0.7)
    assert found.value == "c"
    assert found.jensen_shannon == pytest.approx(jensen_shannon(np.array([6.0, 4, 0]), np.array([3.0, 0, 7])))
    assert found.missing == 0
    assert found.comparable


def test_integers_are_categories_and_a_scale() -> None:
    found = distance([1, 1, 2, 3], [1, 2, 2, 2])
    assert found.l_infinity == pytest.approx(0.5)
    assert found.value == 2
    assert found.jensen_shannon == pytest.approx(jensen_shannon(np.array([2.0, 1, 1]), np.array([1.0, 3, 0])))
    assert distance([True, False], [True, True]).l_infinity == pytest.approx(0.5)


def test_floats_have_no_l_infinity_and_say_so() -> None:
    found = distance([0.5, 1.5], [0.5, 1.5])
    assert found.l_infinity is None
    assert "scale" in found.note
    assert found.jensen_shannon == 0
    assert found.comparable


def test_nan_mass_is_compared_with_nan_mass() -> None:
    nan = float("nan")
    assert distance([1.0, 2.0, nan, nan], [1.0, 2.0, nan, nan]).jensen_shannon == 0
    shifted = distance([1.0, 2.0, nan, nan], [1.0, 2.0, 1.0, 2.0]).jensen_shannon
    assert shifted is not None
    assert shifted > 0.3
    only = distance([nan, nan], [nan])
    assert only.jensen_shannon == 0
    assert distance([nan], [1.0]).jensen_shannon == 1
    infinite = float("inf")
    assert distance([1.0, infinite], [1.0, infinite]).jensen_shannon == 0
    assert distance([infinite], [-infinite]).jensen_shannon == 1


def test_one_outlier_changes_nothing_but_its_own_share() -> None:
    values = np.random.default_rng(0).normal(size=5000)
    other = np.random.default_rng(1).normal(size=5000)
    shifted = other + 0.3
    plain = distance(values, shifted).jensen_shannon
    stretched = distance(np.append(values, 1e9), shifted).jensen_shannon
    assert plain is not None
    assert plain > 0.01
    assert stretched == pytest.approx(plain, rel=0.02)
    quiet = distance(values, other).jensen_shannon
    assert quiet is not None
    assert quiet < 0.002


def standard(base: Any, new: Any) -> float | None:
    return drift(of(base), of(new), histogram="standard")["x"].jensen_shannon


def test_standard_histograms_are_spread_over_common_boundaries() -> None:
    # base: ten buckets of width 1 with one value each; new: ten buckets of width 2, the first two with 5 each
    base = [float(n) for n in range(1, 11)] + [0.0]
    new = [2.0] * 5 + [4.0] * 5 + [0.0, 20.0]
    p = np.zeros(20)
    p[0], p[1:10] = 2, 1
    q = np.zeros(20)
    q[0:2], q[2:4], q[18:20] = 3, 2.5, 0.5
    assert standard(base, new) == pytest.approx(jensen_shannon(p, q))


def test_standard_histograms_keep_points_and_nan_apart() -> None:
    nan = float("nan")
    assert standard([3.0, 3.0], [3.0]) == 0
    assert standard([3.0, 3.0], [4.0]) == 1
    assert standard([3.0, 3.0], [3.0, 4.0]) == 1  # a point and a stretch have nothing in common, as there
    assert standard([0.0, 1.0, nan], [0.0, 1.0, nan]) == 0
    assert standard([nan], [nan]) == 0
    assert drift(of([True, False]), of([True]), histogram="standard")["x"].jensen_shannon is not None


def test_many_values_are_compared_at_the_coarser_cut() -> None:
    random = np.random.default_rng(0)
    many, few = random.normal(size=60_000), random.normal(size=500)
    found = distance(many, few)
    assert found.jensen_shannon == pytest.approx(drift(of(few), of(many))["x"].jensen_shannon)
    assert found.jensen_shannon is not None
    assert found.jensen_shannon < 0.01
    far = distance(many, few + 100).jensen_shannon
    assert far == 1


def test_missing_values_are_a_measure_of_their_own() -> None:
    found = distance([1.0, None, None, None], [1.0, 1.0, 1.0, None])
    assert found.missing == pytest.approx(0.5)
    assert found.jensen_shannon == 0


@pytest.mark.parametrize(
    ("base", "new", "note", "missing"),
    [
        ([], [1.0], "the base has no rows", None),
        ([1.0], [], "the new data has no rows", None),
        ([None, None], [1.0], "the base has no values", 1.0),
        ([1.0], [None], "the new data has no values", 1.0),
        ([None], [None], "the base has no values", 0.0),
    ],
)
def test_a_comparison_with_nothing_is_undefined(base: Any, new: Any, note: str, missing: float | None) -> None:
    found = distance(base, new, pa.float64())
    assert replace(found, missing_p_value=None) == Distance(missing=missing, note=note)
    assert distance(base, new, pa.float64()).to_json()["jensen_shannon"] is None


def test_a_column_on_one_side_only() -> None:
    base = generate(pa.table({"a": [1, 2], "b": [1, None]}))
    new = generate(pa.table({"a": [1, 2], "c": [1, 2]}))
    found = drift(base, new)
    assert list(found) == ["a", "b", "c"]
    sides = {name: replace(side, missing_p_value=None) for name, side in found.items()}
    assert sides["b"] == Distance(missing=0.5, note="only the base has the column")
    assert sides["c"] == Distance(missing=1.0, note="only the new data has the column")


def test_a_column_named_like_the_items_of_a_list() -> None:
    base = generate(pa.table({"tags[]": [1, 2], "tags": [["a"], ["b"]]}))
    new = generate(pa.table({"tags[]": [1, 1], "tags": [["a"], ["a"]]}))
    found = drift(base, new)
    assert list(found) == ["tags[]", "tags"]
    assert (found["tags[]"].l_infinity, found["tags"].l_infinity) == (0.5, 0.5)


def test_types_that_cannot_be_compared() -> None:
    found = drift(of([1]), of(["1"]))["x"]
    assert not found.comparable
    assert found.note == "the types differ: int and string"
    assert drift(of([1, 2]), of([1.0, 2.0]))["x"].jensen_shannon == 0
    many = drift(of(np.arange(40_000) * 3), of([1.5]))["x"]
    assert not many.comparable
    assert many.jensen_shannon is None
    time = distance([datetime(2020, 1, 1)], [datetime(2021, 1, 1), None])
    assert (time.jensen_shannon, time.missing) == (None, 0.5)
    assert distance([b"a"], [b"b"]).jensen_shannon is None


def test_many_strings_are_not_cut_at_a_thousand() -> None:
    base = [f"v{n}" for n in range(5000) for _ in range(2)]
    new = [f"v{n}" for n in range(2500, 7500) for _ in range(2)]
    found = distance(base, new)
    assert found.jensen_shannon == pytest.approx(0.5)
    assert found.l_infinity == pytest.approx(1 / 5000)


def test_strings_beyond_the_limit_are_compared_with_a_rest() -> None:
    rare = [f"r{n}" for n in range(40_000)]
    found = distance(["a"] * 40_000 + rare, ["b"] * 40_000 + rare)
    assert found.l_infinity == pytest.approx(0.5, abs=1e-3)
    assert found.value in ("a", "b")
    assert found.jensen_shannon == pytest.approx(0.5, abs=1e-3)


@given(
    st.lists(st.none() | st.integers(0, 5) | st.integers(-(2**60), 2**60), max_size=30),
    st.lists(st.none() | st.integers(0, 5), max_size=30),
)
def test_any_two_sides_give_numbers_between_0_and_1_or_a_note(base: Any, new: Any) -> None:
    found, back = distance(base, new, pa.int64()), distance(new, base, pa.int64())
    for measure in ("l_infinity", "jensen_shannon", "missing"):
        value = getattr(found, measure)
        assert value is None or 0 <= value <= 1
        assert value == pytest.approx(getattr(back, measure)) if value is not None else found.note
    if sorted(map(str, base)) == sorted(map(str, new)) and found.comparable:
        assert found.jensen_shannon == found.l_infinity == found.missing == 0
