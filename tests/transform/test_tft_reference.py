"""What TensorFlow Transform computed over all flights of 2013; docs/transform.md has the differences."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from treadle import transform as tt
from treadle.schema import Schema

FLIGHTS = Path(__file__).parents[2] / "build" / "flights" / "flights.parquet"
pytestmark = [
    pytest.mark.engines,
    pytest.mark.skipif(not FLIGHTS.exists(), reason="python tools/build_flights_data.py builds the flights"),
]
Z_SCORES = ("dep_delay", "distance", "hour", "minute")
# Values of TFT 1.16.0: tft.mean, tft.var, tft.vocabulary and tft.bucketize(10) over the values that are there.
MEANS = (12.639070351238505, 1039.912616417698, 13.18024746274264, 26.23009675073273)
VARIANCES = (1616.8439959497123, 537629.0521820133, 21.727798385209795, 372.521521784187)
CARRIERS = ["UA", "B6", "EV", "DL", "AA", "MQ", "US", "9E", "WN", "VX", "FL", "AS", "F9", "YV", "HA", "OO"]
ORIGINS = ["EWR", "JFK", "LGA"]
BOUNDARIES = (703.0, 827.0, 1001.0, 1200.0, 1401.0, 1536.0, 1700.0, 1830.0, 2008.0)
FIRST_ROWS = {
    "distance": [0.491096168756485, 0.5129173994064331, 0.06694662570953369, 0.7311293482780457],
    "dep_delay": [-0.2645876705646515, -0.2148488163948059, -0.2645876705646515, -0.33919599652290344],
    "hour": [-1.754925012588501, -1.754925012588501, -1.754925012588501, -1.754925012588501],
    "minute": [-0.581845760345459, 0.14351211488246918, 0.7134361863136292, 0.9724925756454468],
    "carrier": [0, 0, 4, 1],
    "origin": [0, 2, 1, 1],
    "dep_time": [0, 0, 0, 0],
}
RANK_ERROR = 0.01  # TFT's bucketize(10) promises no more


def preprocess(x: Any) -> dict[str, Any]:
    return {
        **{name: tt.scale_to_z_score(x[name]) for name in Z_SCORES},
        "carrier": tt.vocabulary(x["carrier"]),
        "origin": tt.vocabulary(x["origin"]),
        "dep_time": tt.bucketize(x["dep_time"], 10),
        "means": tt.vector(*(x["hour"] * 0 + tt.mean(x[name]) for name in Z_SCORES)),
        "variances": tt.vector(*(x["hour"] * 0 + tt.variance(x[name]) for name in Z_SCORES)),
        "carriers": tt.one_hot(tt.vocabulary(x["carrier"])),
        "origins": tt.one_hot(tt.vocabulary(x["origin"])),
    }


@pytest.fixture(scope="module")
def flights() -> pa.Table:
    return pq.read_table(FLIGHTS)


@pytest.fixture(scope="module")
def graph(flights: pa.Table) -> tt.TransformGraph:
    used = (*Z_SCORES, "dep_time", "carrier", "origin")
    kinds = {name: "string" if name in ("carrier", "origin") else "int" for name in used}
    schema = Schema.loads("".join(f'[features.{name}]\ntype = "{kind}"\n' for name, kind in kinds.items()))

    def batches(columns: list[str] | None) -> Iterator[pa.RecordBatch]:
        return iter(flights.select(columns).to_batches(50_000))

    return tt.analyze(preprocess, schema, batches)


def test_means_and_variances_are_those_of_tft(graph: tt.TransformGraph, flights: pa.Table) -> None:
    first = graph.transform(flights.slice(0, 1))
    for column, (mean, variance) in enumerate(zip(MEANS, VARIANCES, strict=True)):
        assert first[f"means[{column}]"][0].as_py() == pytest.approx(mean, rel=1e-7)
        assert first[f"variances[{column}]"][0].as_py() == pytest.approx(variance, rel=1e-7)


def test_the_first_rows_are_those_of_tft(graph: tt.TransformGraph, flights: pa.Table) -> None:
    got = graph.transform(flights.slice(0, 4))
    for name, expected in FIRST_ROWS.items():
        np.testing.assert_allclose(got[name].to_numpy(), expected, rtol=3e-6, err_msg=name)


def test_vocabularies_have_the_order_of_tft(graph: tt.TransformGraph) -> None:
    assert graph.columns_of("carriers") == tuple(f"carriers={token}" for token in CARRIERS)
    assert graph.columns_of("origins") == tuple(f"origins={token}" for token in ORIGINS)


def test_buckets_are_within_the_rank_error_of_tft(graph: tt.TransformGraph, flights: pa.Table) -> None:
    times = np.sort(flights["dep_time"].drop_null().to_numpy())
    buckets = graph.transform(flights)["dep_time"].to_numpy()
    ends = np.cumsum(np.bincount(buckets[~np.isnan(buckets)].astype(int), minlength=10)[:-1]) / len(times)
    np.testing.assert_allclose(np.searchsorted(times, BOUNDARIES) / len(times), ends, atol=RANK_ERROR)
    np.testing.assert_allclose(ends, np.arange(1, 10) / 10, atol=0.003)  # ours are exact quantiles
