"""What TensorFlow Transform computed over all flights of 2013; docs/transform.md has the differences."""

from __future__ import annotations

import json
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
TFT: dict[str, Any] = json.loads((Path(__file__).parent / "tft_flights.json").read_text(encoding="utf-8"))
"""What TFT 1.16.0 gives: means and variances, vocabularies, boundaries of 10 buckets, the first rows in and out."""
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
    assert set(TFT["z"]) == set(Z_SCORES)
    for column, name in enumerate(Z_SCORES):
        assert first[f"means[{column}]"][0].as_py() == pytest.approx(TFT["z"][name]["mean"], rel=1e-7)
        assert first[f"variances[{column}]"][0].as_py() == pytest.approx(TFT["z"][name]["var"], rel=1e-7)


def test_the_first_rows_are_those_of_tft(graph: tt.TransformGraph, flights: pa.Table) -> None:
    first = flights.slice(0, len(TFT["head_in"]))
    assert first.select(list(TFT["head_in"][0])).to_pylist() == TFT["head_in"]
    got = graph.transform(first)
    for name, expected in TFT["head_out"].items():
        np.testing.assert_allclose(got[name].to_numpy(), expected, rtol=3e-6, err_msg=name)


def test_vocabularies_have_the_order_of_tft(graph: tt.TransformGraph) -> None:
    assert graph.columns_of("carriers") == tuple(f"carriers={token}" for token in TFT["vocab"]["carrier"])
    assert graph.columns_of("origins") == tuple(f"origins={token}" for token in TFT["vocab"]["origin"])


def test_buckets_are_within_the_rank_error_of_tft(graph: tt.TransformGraph, flights: pa.Table) -> None:
    times = np.sort(flights["dep_time"].drop_null().to_numpy())
    buckets = graph.transform(flights)["dep_time"].to_numpy()
    ends = np.cumsum(np.bincount(buckets[~np.isnan(buckets)].astype(int), minlength=10)[:-1]) / len(times)
    np.testing.assert_allclose(
        np.searchsorted(times, TFT["boundaries"]["dep_time"]) / len(times), ends, atol=RANK_ERROR
    )
    np.testing.assert_allclose(ends, np.arange(1, 10) / 10, atol=0.003)  # ours are exact quantiles
