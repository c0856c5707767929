"""What was made fast gives what the slow way gives, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.statistics import Distribution, _distinct
from treadle.statistics._distinct import DistinctSketch, hash_text
from treadle.statistics._distribution import LIMIT
from treadle.statistics._intervals import IntervalCounts
from treadle.statistics._keys import keys_of_floats

SHAPES = {
    "both signs": lambda random, n: random.normal(size=n),
    "many powers of ten": lambda random, n: random.normal(size=n) * 10.0 ** random.integers(-200, 200, n),
    "zeros among them": lambda random, n: np.where(random.random(n) < 0.3, 0.0, random.lognormal(size=n)),
    "a narrow band and outliers": lambda random, n: np.where(random.random(n) < 1e-3, -1e9, 1000 + random.random(n)),
    "denormal": lambda random, n: random.random(n) * 1e-310,
    "integers": lambda random, n: random.integers(-(10**12), 10**12, n),
    "integers in clusters": lambda random, n: random.integers(0, 10**5, n) + random.choice([0, 2**50, -(2**61)], n),
    "integers everywhere": lambda random, n: random.integers(-(2**63), 2**63 - 1, n),
}


def _by_search(values: np.ndarray, cut: int) -> tuple[list[int], list[int]]:
    keys = keys_of_floats(values) if values.dtype == np.float64 else values
    found, counts = np.unique(keys >> cut, return_counts=True)
    return found.tolist(), counts.tolist()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("batch", [977, 40_000])
def test_intervals_are_the_finest_that_fit_whatever_the_batches(shape: str, batch: int) -> None:
    values = SHAPES[shape](np.random.default_rng(3), 120_000)
    whole = Distribution(floats=values.dtype == np.float64)
    parts = [Distribution(floats=whole.floats) for _ in range(3)]
    for number, start in enumerate(range(0, len(values), batch)):
        whole.add(values[start : start + batch])
        parts[number % 3].add(values[start : start + batch])
        if number % 7 == 0:
            assert whole.total == min(start + batch, len(values))  # reading in between changes nothing
    merged = parts[2]
    merged.merge(parts[0])
    merged.merge(parts[1])
    for found in (whole, merged):
        keys, counts = _by_search(values, found.cut)
        assert (found.keys.tolist(), found.counts.tolist()) == (keys, counts)
        assert len(keys) <= LIMIT
        assert found.cut == 0 or len(_by_search(values, found.cut - 1)[0]) > LIMIT
        assert found.extremes() == (values.min(), values.max())
    assert whole.distinct is not None
    assert merged.distinct is not None
    assert whole.distinct.hashes.tolist() == merged.distinct.hashes.tolist()
    assert whole.summary().mean == pytest.approx(float(values.mean()), rel=1e-9, abs=1e-300)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=60),
    st.integers(0, 60),
    st.integers(1, 60),
)
def test_counters_count_as_a_search_does(values: list[float], before: int, cut: int) -> None:
    array = np.array(values)
    first, rest = array[:before], array[before:]
    keys, counts = np.unique(keys_of_floats(first) >> cut, return_counts=True)
    counters = IntervalCounts.of(cut, keys, counts)
    if counters is None or not len(rest):
        return
    low, high = keys_of_floats(np.array([rest.min(), rest.max()])).tolist()
    if counters.add(rest, low, high, DistinctSketch()):
        expected = np.unique(keys_of_floats(array) >> cut, return_counts=True)
        found = counters.counts()
        assert [part.tolist() for part in found] == [part.tolist() for part in expected]
        assert counters.used == len(expected[0])


def _hashes(texts: list[bytes]) -> list[int]:
    offsets = np.cumsum([0, *(len(text) for text in texts)])
    return hash_text(np.frombuffer(b"".join(texts), np.uint8), offsets).tolist()


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=30))
def test_a_string_has_one_hash_alone_in_company_and_in_pieces(texts: list[bytes]) -> None:
    alone = [_hashes([text])[0] for text in texts]
    assert _hashes(texts) == alone
    before = _distinct._MOST_BYTES
    _distinct._MOST_BYTES = 5
    try:
        assert _hashes(texts) == alone
    finally:
        _distinct._MOST_BYTES = before


@settings(deadline=None)
@given(st.lists(st.binary(min_size=6, max_size=6), min_size=2, max_size=20))
def test_strings_of_one_length_hash_as_any(texts: list[bytes]) -> None:
    assert _hashes(texts) == _hashes([*texts, b""])[:-1]
