from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.statistics import _categories
from treadle.statistics._categories import LIMIT, Categories
from treadle.statistics._distinct import DistinctSketch, K, hash_text, mix

words = st.text(st.characters(codec="utf-8"), max_size=6)


def made(values: list[str], *, encoded: bool = False) -> Categories:
    categories = Categories(pa.string())
    array = pa.array(values, pa.string())
    categories.add(array.dictionary_encode() if encoded else array)
    return categories


@settings(deadline=None)
@given(st.lists(words, max_size=60), st.lists(st.integers(0, 60), max_size=3))
def test_few_strings_are_counted_exactly_whatever_the_parts(values: list[str], cuts: list[int]) -> None:
    merged = Categories(pa.string())
    ends = [0, *sorted(cuts), len(values)]
    for number, (start, end) in enumerate(pairwise(ends)):
        merged.merge(made(values[start:end], encoded=number % 2 == 0))
    counts = dict(zip(merged.values.to_pylist(), merged.counts.tolist(), strict=True))
    assert counts == Counter(values)
    assert merged.exact
    assert merged.unique() == len(set(values))
    expected = sorted(Counter(values).items(), key=lambda item: (-item[1], item[0].encode()))
    assert merged.top(3) == expected[:3]


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from("abcdefghij"), max_size=20), max_size=6))
def test_cut_counts_are_short_by_no_more_than_they_say(parts: list[list[str]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_categories, "LIMIT", 3)
        patch.setattr(_categories, "_WAITING", 5)
        merged = Categories(pa.string())
        for part in parts:
            merged.merge(made(part))
        values = Counter(value for part in parts for value in part)
        kept = dict(zip(merged.values.to_pylist(), merged.counts.tolist(), strict=True))
        assert len(kept) <= 3
        assert merged.total == sum(values.values())
        assert merged.shortfall <= merged.total / 3
        for value, count in values.items():
            assert count - merged.shortfall <= kept.get(value, 0) <= count
        assert merged.unique() == len(values)  # the sketch is exact for so few


def test_many_strings() -> None:
    random = np.random.default_rng(0)
    names = np.concatenate([np.arange(60_000), random.zipf(1.5, 60_000) % 100])
    random.shuffle(names)
    values = [f"n{name}" for name in names]
    merged = Categories(pa.string())
    for start in range(0, len(values), 17_000):
        merged.merge(made(values[start : start + 17_000]))
    assert not merged.exact
    assert len(merged.values) <= LIMIT
    assert merged.total == 120_000
    assert merged.unique() == pytest.approx(60_000, rel=0.06)
    exact = Counter(values)
    for value, count in merged.top(5):
        assert exact[value] - merged.shortfall <= count <= exact[value]
    assert [value for value, _ in merged.top(3)] == [value for value, _ in exact.most_common(3)]


@settings(deadline=None)
@given(st.lists(st.binary(max_size=12), max_size=40))
def test_hashes_of_strings_depend_on_the_string_alone(values: list[bytes]) -> None:
    def hashes(strings: list[bytes]) -> list[int]:
        data = np.frombuffer(b"".join(strings), np.uint8)
        offsets = np.cumsum([0, *map(len, strings)])
        return hash_text(data, offsets).tolist()

    together = hashes(values)
    assert together == [hashes([value])[0] for value in values]
    assert len(set(together)) == len(set(values))


def test_hashes_see_zero_bytes_and_slices() -> None:
    values = pa.array(["", "\0", "\0\0", "a", "a\0", "\0a"])
    hashes = _categories._hashes(values)
    assert len(set(hashes.tolist())) == 6
    assert _categories._hashes(values.slice(2, 3)).tolist() == hashes[2:5].tolist()


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=30), max_size=5))
def test_a_sketch_is_a_function_of_the_set(parts: list[list[int]]) -> None:
    whole, merged = DistinctSketch(), DistinctSketch()
    whole.add(mix(np.array([value for part in parts for value in part], np.int64)))
    for part in reversed(parts):
        sketch = DistinctSketch()
        sketch.add(mix(np.array(part, np.int64)))
        merged.merge(sketch)
    assert merged.hashes.tolist() == whole.hashes.tolist()
    assert merged.estimate() == len({value for part in parts for value in part})


def test_the_error_of_the_sketch_is_the_one_that_is_stated() -> None:
    errors = []
    for start in range(20):
        sketch = DistinctSketch()
        sketch.add(mix(np.arange(start * 1_000_000, start * 1_000_000 + 100_000)))
        errors.append(sketch.estimate() / 100_000 - 1)
    assert len(sketch.hashes) == K
    assert np.sqrt(np.mean(np.square(errors))) < 1.7 / np.sqrt(K)
