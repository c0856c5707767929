"""Counting without a limit: every statistic is the one of all values, merged and saved as well."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from treadle.statistics import Statistics, generate

ROWS = 60_000
RANDOM = np.random.default_rng(5)
TABLE = pa.table(
    {
        "x": RANDOM.normal(size=ROWS),
        "n": RANDOM.integers(0, 10**12, ROWS),
        "s": [f"id{number % 40_000}" for number in range(ROWS)],
        "l": pa.array([[float(number)] for number in range(ROWS)]),
    }
)


@pytest.fixture(scope="module")
def exact() -> Statistics:
    return generate(TABLE, exact=True)


def test_every_statistic_is_that_of_all_values(exact: Statistics):
    x, n, s = (exact.features[name] for name in "xns")
    values = TABLE["x"].to_numpy()
    assert x.exact
    assert x.quantiles([0.1, 0.5, 0.99]) == pytest.approx(np.quantile(values, [0.1, 0.5, 0.99]), rel=1e-15)
    assert x.unique == len(np.unique(values))
    assert [count for _, _, count in x.histogram()] == np.histogram(values, 10)[0].tolist()
    assert n.unique == len(np.unique(TABLE["n"].to_numpy()))
    assert s.unique == 40_000
    assert s.top_values is not None
    assert s.top_values[0] == ("id0", 2)
    assert exact.paths["l[]"].unique == ROWS


def test_without_it_the_same_columns_say_how_wrong_they_may_be(exact: Statistics):
    shown = generate(TABLE).to_json()["features"]
    assert shown["x"]["accuracy"]["unique"] == {"relative_standard_error": 0.0156}
    assert 0 < shown["x"]["accuracy"]["quantiles"]["relative_width"] < 0.01
    assert shown["n"]["accuracy"]["quantiles"]["width"] == 2**26
    assert shown["s"]["accuracy"]["top_values"]["too_small_by_at_most"] <= ROWS / 16_384
    assert all("accuracy" not in fields for fields in exact.to_json()["features"].values())


def test_the_stated_width_holds_the_quantiles():
    measured, values = generate(TABLE).features["x"], TABLE["x"].to_numpy()
    width = generate(TABLE).to_json()["features"]["x"]["accuracy"]["quantiles"]["relative_width"]
    for share in (0.01, 0.3, 0.77, 0.99):
        assert measured.quantiles([share], method="element")[0] == pytest.approx(
            float(np.quantile(values, share, method="inverted_cdf")), rel=2 * width
        )


def test_parts_merge_to_the_whole_and_come_back_from_a_file(exact: Statistics):
    parts = [generate(TABLE.slice(start, 20_000), exact=True) for start in range(0, ROWS, 20_000)]
    parts[0].merge(parts[1])
    parts[0].merge(parts[2])
    assert parts[0].to_bytes() == exact.to_bytes()
    again = Statistics.from_bytes(exact.to_bytes())
    again.add(TABLE)
    assert again.features["x"].exact
    assert again.features["s"].count == 2 * ROWS


def test_with_a_side_that_was_estimated_the_sum_is_an_estimate(exact: Statistics):
    for first, second in ((exact, generate(TABLE)), (generate(TABLE), exact)):
        merged = Statistics.from_bytes(first.to_bytes())
        merged.merge(second)
        assert not merged.features["x"].exact
        assert not merged.features["s"].exact
        assert merged.features["x"].count == 2 * ROWS
