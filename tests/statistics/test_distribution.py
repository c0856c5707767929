from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.errors import StatisticsError
from treadle.statistics import _distribution
from treadle.statistics._distribution import LIMIT, Distribution
from treadle.statistics._keys import count_float_keys, floats_of_keys, keys_of_floats
from treadle.statistics._quantiles import count_up_to, equal_width, quantiles

finite = st.floats(allow_nan=False, allow_infinity=False)
int64 = st.integers(-(2**63), 2**63 - 1)


def made(values: list[float] | np.ndarray, *, floats: bool = True) -> Distribution:
    distribution = Distribution(floats=floats)
    distribution.add(np.array(values, np.float64 if floats else np.int64))
    return distribution


def state(distribution: Distribution) -> tuple[object, ...]:
    return (
        distribution.keys.tolist(),
        distribution.counts.tolist(),
        distribution.cut,
        distribution.low,
        distribution.high,
        None if distribution.distinct is None else distribution.distinct.hashes.tolist(),
    )


@settings(deadline=None)
@given(st.lists(finite, max_size=50))
def test_keys_sort_as_the_floats_and_come_back(values: list[float]) -> None:
    array = np.array(values, np.float64)
    keys = keys_of_floats(array)
    assert np.array_equal(floats_of_keys(keys), array)
    order = np.argsort(keys, kind="stable")
    assert np.array_equal(array[order], np.sort(array))


def test_minus_zero_is_zero() -> None:
    assert keys_of_floats(np.array([-0.0])).tolist() == [0]


@settings(deadline=None)
@given(st.lists(st.integers(-(10**6), 10**6).map(lambda cents: cents / 100), min_size=1, max_size=80))
def test_hundredths_are_counted_like_any_float(values: list[float]) -> None:
    array = np.array(values)
    keys, counts = count_float_keys(array)
    expected, expected_counts = np.unique(array + 0.0, return_counts=True)
    order = np.argsort(keys)
    assert np.array_equal(floats_of_keys(keys[order]), expected)
    assert np.array_equal(counts[order], expected_counts)


@settings(deadline=None)
@given(st.lists(finite, max_size=60), st.lists(st.integers(0, 60), max_size=4), st.randoms())
def test_parts_in_any_order_merge_to_the_same_state(values: list[float], cuts: list[int], random: object) -> None:
    whole = made(values)
    parts = [made(part) for part in np.split(np.array(values, np.float64), sorted(cuts))]
    random.shuffle(parts)  # type: ignore[attr-defined]
    merged = Distribution(floats=True)
    for part in parts:
        merged.merge(part)
    assert state(merged) == state(whole)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["normal", "integers", "wide", "moments"]), st.integers(1, 5))
def test_too_many_values_cut_to_one_state_whatever_the_parts(seed: int, kind: str, num_parts: int) -> None:
    random = np.random.default_rng(seed)
    floats = kind in ("normal", "wide")
    values = {
        "normal": lambda: random.normal(100, 3, 60_000),
        "wide": lambda: np.exp(random.normal(0, 50, 60_000)) * random.choice([-1, 1], 60_000),
        "integers": lambda: random.integers(-(2**62), 2**62, 60_000),
        "moments": lambda: 1_514_764_800_000_000 + random.integers(0, 30 * 86_400_000_000, 60_000),
    }[kind]()
    whole = made(values, floats=floats)
    assert whole.cut > 0
    assert len(whole.keys) <= LIMIT
    assert whole.total == 60_000
    merged = Distribution(floats=floats)
    pieces = np.array_split(random.permutation(values), num_parts)
    for piece in pieces:
        merged.merge(made(piece, floats=floats))
    assert state(merged) == state(whole)
    assert merged.summary().mean == pytest.approx(float(values.mean()), rel=1e-9, abs=1e-9 * np.abs(values).max())
    assert merged.summary().std_dev == pytest.approx(float(values.std()), rel=1e-6)
    assert merged.unique() == pytest.approx(len(np.unique(values)), rel=0.08)
    assert merged.extremes() == (float(values.min()), float(values.max()))


def test_quantiles_of_intervals_lie_within_their_interval() -> None:
    values = np.random.default_rng(0).lognormal(3, 1, 200_000)
    distribution = made(values)
    for share in (0.0, 0.01, 0.25, 0.5, 0.9, 0.999, 1.0):
        assert quantiles(distribution, [share])[0] == pytest.approx(np.quantile(values, share), rel=1e-3)


@settings(deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.floats(0, 1))
def test_exact_quantiles_are_those_of_numpy(values: list[float], share: float) -> None:
    found = quantiles(made(values), [share])[0]
    assert found == pytest.approx(float(np.quantile(np.array(values), share)), rel=1e-9, abs=1e-9)


@settings(deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.lists(st.floats(-1e6, 1e6), max_size=10))
def test_cumulated_counts_are_exact(values: list[float], points: list[float]) -> None:
    found = count_up_to(made(values), np.array(points))
    assert found.tolist() == [sum(value <= point for value in values) for point in points]


@settings(deadline=None)
@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=60))
def test_histogram_holds_every_value_once(values: list[int]) -> None:
    buckets = equal_width(made(values, floats=False))
    assert sum(count for _, _, count in buckets) == len(values)
    assert buckets[0][0] == min(values)
    assert buckets[-1][1] == max(values)
    for low, high, count in buckets[1:]:
        assert count == sum(low < value <= high for value in values)


def test_histogram_of_the_widest_floats() -> None:
    buckets = equal_width(made([-1.7e308, 1.7e308]))
    assert [count for _, _, count in buckets] == [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]


@settings(deadline=None)
@given(st.lists(st.integers(-(2**40), 2**40), min_size=1, max_size=40))
def test_moments_are_exact_sums(values: list[int]) -> None:
    moments = made(values, floats=False).summary()
    mean = Fraction(sum(values), len(values))
    assert moments.mean == pytest.approx(float(mean), rel=1e-12, abs=1e-9)
    variance = sum((value - mean) ** 2 for value in values) / len(values)
    assert moments.std_dev == pytest.approx(math.sqrt(variance), rel=1e-9, abs=1e-3)


def test_nothing_has_no_statistics() -> None:
    nothing = Distribution(floats=True)
    assert quantiles(nothing, [0.5]) == []
    assert equal_width(nothing) == []
    assert math.isnan(nothing.summary().std_dev)
    assert count_up_to(nothing, np.array([1.0])).tolist() == [0.0]
    nothing.merge(Distribution(floats=True))
    assert nothing.total == 0


def test_integers_become_floats_while_exact() -> None:
    integers = made([1, 2, 2], floats=False)
    integers.merge(made([2.5]))
    assert state(integers) == state(made([1, 2, 2, 2.5]))
    many = made(np.arange(LIMIT + 1) * 7, floats=False)
    with pytest.raises(StatisticsError):
        many.merge(made([2.5]))


def test_sums_beyond_the_largest_float_are_not_finite_and_do_not_warn() -> None:
    assert not math.isfinite(made([1.7e308, 1.7e308, -1.7e308]).summary().std_dev)
    assert not math.isfinite(made(2 * np.linspace(-0.8e308, 0.8e308, LIMIT + 5)).summary().std_dev)


@settings(deadline=None)
@given(st.lists(int64, min_size=1, max_size=40))
def test_any_integer_can_be_counted(values: list[int]) -> None:
    distribution = made(values, floats=False)
    assert (distribution.low, distribution.high) == (min(values), max(values))
    assert distribution.total == len(values)


@settings(deadline=None)
@given(st.lists(st.lists(int64, max_size=12), max_size=6))
def test_a_small_limit_shows_that_the_state_is_a_function_of_the_values(parts: list[list[int]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_distribution, "LIMIT", 4)
        patch.setattr(_distribution, "_WAITING", 6)
        whole = made([value for part in parts for value in part], floats=False)
        merged = Distribution(floats=False)
        added = Distribution(floats=False)
        for part in reversed(parts):
            merged.merge(made(part, floats=False))
            added.add(np.array(part, np.int64))
        assert state(merged) == state(whole) == state(added)
