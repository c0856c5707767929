from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import kolmogorov

from treadle.statistics import generate
from treadle.validation import Distance, drift
from treadle.validation.distances._special import chi_squared_tail, kolmogorov_tail
from treadle.validation.distances._tests import chi_squared, stability_index


def distance(base: Any, new: Any) -> Distance:
    return drift(generate(pa.table({"x": base})), generate(pa.table({"x": new})))["x"]


@given(st.floats(0, 2000), st.integers(1, 500))
def test_the_tail_of_chi_squared_is_scipys(statistic: float, degrees: int) -> None:
    assert chi_squared_tail(statistic, degrees) == pytest.approx(stats.chi2.sf(statistic, degrees), rel=1e-8, abs=1e-14)


@given(st.floats(0, 20))
def test_the_tail_of_kolmogorov_is_scipys(value: float) -> None:
    assert kolmogorov_tail(value) == pytest.approx(kolmogorov(value), rel=1e-9, abs=1e-12)


@given(st.lists(st.tuples(st.integers(20, 500), st.integers(20, 500)), min_size=2, max_size=8))
def test_chi_squared_is_scipys_where_no_category_is_rare(counts: list[tuple[int, int]]) -> None:
    base, new = (np.array(side, float) for side in zip(*counts, strict=True))
    found = chi_squared(base, new)
    theirs = stats.chi2_contingency(np.stack([base, new]), correction=False)
    if min(theirs.expected_freq.flat) < 5:
        return
    assert (found.statistic, found.degrees) == (pytest.approx(theirs.statistic), theirs.dof)
    assert found.p_value == pytest.approx(theirs.pvalue, rel=1e-7, abs=1e-14)
    assert found.cramers_v == pytest.approx(
        stats.contingency.association(np.stack([base, new]).astype(int), method="cramer"), abs=1e-9
    )


floats = st.lists(st.floats(-1000, 1000).map(lambda x: round(x, 3)), min_size=2, max_size=60)


@given(floats, floats)
def test_numbers_are_compared_as_scipy_does(base: list[float], new: list[float]) -> None:
    found = distance(base, new)
    theirs = stats.ks_2samp(base, new, method="asymp")
    assert found.kolmogorov_smirnov == pytest.approx(theirs.statistic, abs=1e-9)
    spread = np.std(base)
    if spread > 1e-6:
        assert found.wasserstein == pytest.approx(stats.wasserstein_distance(base, new) / spread, rel=1e-6, abs=1e-9)


def test_measures_by_hand() -> None:
    # ten rows of each of two values against fifteen and five: expected 12.5 and 7.5
    found = chi_squared(np.array([10.0, 10.0]), np.array([15.0, 5.0]))
    assert found.statistic == pytest.approx(2 * 2.5**2 / 12.5 + 2 * 2.5**2 / 7.5)
    p, q = np.array([10.5, 10.5]) / 21, np.array([15.5, 5.5]) / 21
    assert stability_index(np.array([10.0, 10.0]), np.array([15.0, 5.0])) == pytest.approx(
        float(((q - p) * np.log(q / p)).sum())
    )
    moved = distance([0.0, 1.0], [1.0, 2.0])
    assert moved.wasserstein == pytest.approx(2.0)  # one, of a standard deviation of a half
    assert moved.kolmogorov_smirnov == 0.5


def test_what_does_not_vary_has_no_scale_to_move_on() -> None:
    assert distance([1.0, 1.0], [1.0]).wasserstein == 0
    assert distance([1.0, 1.0], [2.0]).wasserstein is None
    assert distance([math.nan], [1.0]).kolmogorov_smirnov is None


def test_rare_values_are_pooled_and_do_not_alarm() -> None:
    base, new = [f"b{n}" for n in range(1000)], [f"n{n}" for n in range(1000)]
    found = distance(base, new)
    assert found.jensen_shannon == 1
    assert found.p_value == 1  # names that each occur once are pooled: there is nothing to count


def test_the_test_that_fits_the_type() -> None:
    assert distance(["a", "b"], ["a"]).test == "chi_squared"
    assert distance([True, False], [True]).test == "chi_squared"
    assert distance([1, 2], [1]).test == "chi_squared"
    assert distance([0.5, 2], [1]).test == "kolmogorov_smirnov"
    assert distance(list(range(200)), [1]).test == "kolmogorov_smirnov"
    assert distance(["a"], [1]).p_value is None


@given(st.integers(0, 10_000))
def test_more_rows_of_the_same_are_no_larger_effect_and_a_smaller_p_value(seed: int) -> None:
    random = np.random.default_rng(seed)
    base, new = random.integers(0, 4, 50), random.integers(0, 4, 50)
    once, often = distance(base, new), distance(np.tile(base, 20), np.tile(new, 20))
    assert often.jensen_shannon == pytest.approx(once.jensen_shannon)
    assert often.p_value is not None
    assert once.p_value is not None
    assert often.p_value <= once.p_value + 1e-12
