"""Analyses: one pass per phase, only the columns needed, defined over nothing, the same however batches fall."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle import transform as tt
from treadle.errors import ModelFormatError
from treadle.graph import nodes as n
from treadle.graph import serialize
from treadle.schema import Schema
from treadle.transform.analysis._analyzers import Analyzer, ExtremesOf, MomentsOf, TokensOf
from treadle.transform.analysis._quantiles import QuantilesOf

DATA = Path(__file__).parents[2] / "examples" / "taxi" / "data"
TAXI = Schema.load(DATA.parent / "schema.toml")
SCHEMA = Schema.loads(
    """
    [features.fare]
    type = "float"
    [features.zone]
    type = "int"
    [features.flag]
    type = "string"
    [features.unused]
    type = "float"
    """
)


def rides(**columns: Any) -> pa.Table:
    count = len(next(iter(columns.values())))
    given = {"fare": [None] * count, "zone": [None] * count, "flag": [None] * count, "unused": [None] * count}
    return pa.table({**given, **columns}).cast(SCHEMA.arrow_schema())


def analyzed(preprocess: Callable[[Any], Any], table: pa.Table, batch_rows: int = 65536) -> tt.TransformGraph:
    return tt.analyze(preprocess, SCHEMA, lambda columns: iter(table.select(columns).to_batches(batch_rows)))


def test_one_pass_per_phase_reads_only_what_the_phase_needs() -> None:
    asked: list[list[str] | None] = []

    def batches(columns: list[str] | None) -> Iterator[pa.RecordBatch]:
        asked.append(columns)
        return iter(rides(fare=[1.0, 2.0, None], zone=[1, 2, 2]).select(columns).to_batches())

    def preprocess(x: Any) -> dict[str, tt.Column]:
        filled = tt.fill_missing(x["fare"], tt.mean(x["fare"]))
        return {
            "fare": tt.scale_to_z_score(filled),
            "zone": tt.vocabulary(x["zone"]),
            "plain": x["flag"] == "N",
        }

    tt.analyze(preprocess, SCHEMA, batches)
    assert asked == [["fare", "zone"], ["fare"]]


def test_without_analyses_the_data_is_not_read() -> None:
    def batches(columns: list[str] | None) -> Iterator[pa.RecordBatch]:
        raise AssertionError("nothing to analyze")

    assert tt.analyze(lambda x: {"fare": x["fare"]}, SCHEMA, batches).feature_names == ("fare",)


@pytest.mark.parametrize("rows", [0, 3])
def test_analyses_over_nothing_are_defined(rows: int) -> None:
    def preprocess(x: Any) -> dict[str, tt.Column]:
        return {
            "z": tt.scale_to_z_score(x["fare"]),
            "z_filled": tt.scale_to_z_score(tt.fill_missing(x["fare"], 5.0)),
            "mean": tt.fill_missing(x["fare"], tt.mean(x["fare"])),
            "range": x["fare"] - tt.lowest(x["fare"]) + tt.highest(x["fare"]) + tt.std_dev(x["fare"]),
            "bucket": tt.bucketize(x["fare"], 4),
            "id": tt.vocabulary(x["zone"]),
            "id_oov": tt.vocabulary(x["flag"], num_oov_buckets=1),
            "hot": tt.one_hot(tt.vocabulary(x["flag"])),
        }

    graph = analyzed(preprocess, rides(fare=[None] * rows))
    assert "hot" not in " ".join(graph.feature_names)  # an empty vocabulary has no columns
    got = graph.transform(rides(fare=[7.0, None], zone=[1, None], flag=["N", None])).to_pylist()
    centre = 5.0 if rows else 0.0  # the filled column has values, and no spread
    assert got[0] == {
        "z": 7,
        "z_filled": 7 - centre,
        "mean": 7,
        "range": 7,
        "bucket": 0,
        "id": -1,
        "id_oov": 0,
    }
    assert got[1]["mean"] == 0
    assert got[1]["z_filled"] == 5 - centre
    assert np.isnan([got[1]["z"], got[1]["range"], got[1]["bucket"]]).all()
    assert (got[1]["id"], got[1]["id_oov"]) == (-1, 0)


def test_zero_variance_is_the_distance_from_the_mean() -> None:
    graph = analyzed(lambda x: {"z": tt.scale_to_z_score(x["fare"])}, rides(fare=[4.0, 4.0, None]))
    assert graph.transform(rides(fare=[4.0, 5.5]))["z"].to_pylist() == [0, 1.5]


def test_infinities_do_not_poison_an_analysis() -> None:
    graph = analyzed(
        lambda x: {"z": tt.scale_to_z_score(x["fare"]), "b": tt.bucketize(x["fare"], 2)},
        rides(fare=[1.0, 3.0, float("inf"), float("-inf"), float("nan")]),
    )
    got = graph.transform(rides(fare=[1.0, 3.0, float("inf")]))
    assert got["z"].to_pylist() == [-1, 1, float("inf")]
    assert got["b"].to_pylist() == [0, 1, 1]


def test_vocabulary_order_is_by_count_then_by_value() -> None:
    table = rides(flag=["b", "a", "c", "c", None, "", "A"])
    graph = analyzed(lambda x: {"flag": tt.one_hot(tt.vocabulary(x["flag"], num_oov_buckets=1))}, table)
    assert graph.feature_names == ("flag=c", "flag=", "flag=A", "flag=a", "flag=b", "flag=<oov>")


def test_a_frequent_value_gets_a_bucket_of_its_own() -> None:
    table = rides(fare=[0.0] * 90 + [float(value) for value in range(1, 11)])
    graph = analyzed(lambda x: {"b": tt.bucketize(x["fare"], 10)}, table)
    assert graph.transform(rides(fare=[-1.0, 0.0, 1.0, 10.0]))["b"].to_pylist() == [0, 0, 1, 1]


def numbers(kind: str) -> st.SearchStrategy[Any]:
    if kind == "tokens":
        return st.lists(st.sampled_from(["", "a", "b", "c"]), max_size=8).map(lambda v: np.array(v, dtype=object))
    return st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), max_size=8).map(np.array)


@pytest.mark.parametrize(
    ("kind", "analyzer"),
    [
        ("moments", MomentsOf()),
        ("extremes", ExtremesOf()),
        ("quantiles", QuantilesOf(3)),
        ("tokens", TokensOf(3, 1)),
    ],
)
@given(data=st.data())
@settings(deadline=None)
def test_adding_all_equals_merging_parts_in_any_order(kind: str, analyzer: Analyzer, data: st.DataObject) -> None:
    parts = data.draw(st.lists(numbers(kind), min_size=1, max_size=4))
    order = data.draw(st.permutations(range(len(parts))))
    whole = analyzer.create()
    whole.add(np.concatenate(parts))
    merged = analyzer.create()
    for index in order:
        part = analyzer.create()
        part.add(parts[index])
        merged.merge(part)
    for name, node in whole.result().items():
        other = merged.result()[name]
        if isinstance(node, n.Number) and isinstance(other, n.Number) and kind == "moments":
            assert other.value == pytest.approx(node.value, rel=1e-9, abs=1e-9) or name == "scale"
        else:
            assert repr(other) == repr(node)


@pytest.mark.parametrize("batch_rows", [1, 7, 1000])
def test_batches_change_the_last_bits_of_a_mean_at_most(batch_rows: int) -> None:
    random = np.random.default_rng(3)
    table = rides(fare=random.normal(50, 20, 500), zone=random.integers(0, 9, 500), flag=random.choice(["N", "Y"], 500))

    def preprocess(x: Any) -> dict[str, tt.Column]:
        return {
            "z": tt.scale_to_z_score(x["fare"]),
            "b": tt.bucketize(x["fare"], 7),
            "v": tt.vocabulary(x["zone"]),
            "f": tt.vocabulary(x["flag"]),
        }

    whole = analyzed(preprocess, table).feature_matrix(table)
    np.testing.assert_allclose(analyzed(preprocess, table, batch_rows).feature_matrix(table), whole, rtol=2e-7)


def taxi(x: Any) -> dict[str, tt.Column]:
    when = x["pickup_datetime"]
    return {
        "big_tip": x["tip_amount"] > 0.2 * x["fare_amount"],
        "fare": tt.scale_to_z_score(tt.log1p(tt.clip(x["fare_amount"], 0))),
        "distance": tt.scale_to_z_score(tt.log1p(tt.clip(x["trip_distance"], 0))),
        "passengers": tt.scale_to_z_score(tt.fill_missing(x["passenger_count"], 1)),
        "hour": tt.one_hot(tt.hour_of_day(when)),
        "day": tt.day_of_week(when),
        "month": tt.month(when),
        "pickup": tt.one_hot(tt.vocabulary(x["pickup_location_id"], top_k=20, num_oov_buckets=1)),
        "rate": tt.one_hot(tt.vocabulary(x["rate_code_id"], num_oov_buckets=1)),
        "vendor": tt.one_hot(tt.vocabulary(x["vendor_id"])),
        "surcharge": tt.fill_missing(x["congestion_surcharge"], 0.0),
        "surcharge_z": tt.scale_to_z_score(tt.fill_missing(x["congestion_surcharge"], 0.0)),
        "extra": x["extra"],
        "tolls": x["tolls_amount"],
    }


def test_real_rides_of_an_all_null_column_and_later_ones_that_have_it() -> None:
    early = pq.read_table(DATA / "yellow_tripdata_sample_2018-03.parquet")
    late = pq.read_table(DATA / "yellow_tripdata_sample_2019-03.parquet")
    assert early["congestion_surcharge"].null_count == early.num_rows
    graph = tt.analyze(taxi, TAXI, lambda columns: iter(early.select(columns).to_batches()), label="big_tip")
    fares = np.log1p(np.clip(early["fare_amount"].to_numpy(), 0, None))
    got = graph.transform(early)
    np.testing.assert_allclose(got["fare"].to_numpy(), (fares - fares.mean()) / fares.std(), rtol=1e-5, atol=1e-6)
    assert not np.isnan(graph.feature_matrix(early)).any()
    hours = [time.hour for time in early["pickup_datetime"].to_pylist()]
    hot = np.stack([got[f"hour={hour}"].to_numpy() for hour in range(24)], axis=1)
    assert hot.argmax(axis=1).tolist() == hours
    assert graph.transform(late, ["surcharge"])["surcharge"].to_pylist() == [
        value or 0.0 for value in late["congestion_surcharge"].to_pylist()
    ]
    assert "tip_amount" not in [node.name for node in graph.feature_model().graph.input]


def test_a_graph_needs_little_of_onnx() -> None:
    early = pq.read_table(DATA / "yellow_tripdata_sample_2018-03.parquet")
    graph = tt.analyze(taxi, TAXI, lambda columns: iter(early.select(columns).to_batches()), label="big_tip")
    model = graph.feature_model()
    # Like columns are fused: fewer nodes than operations times columns. A higher number here is slower serving.
    assert len(model.graph.node) <= 50
    assert len(serialize(model)) < 200_000


def test_the_stored_graph_is_readable_and_versioned(tmp_path: Path) -> None:
    graph = analyzed(lambda x: {"z": tt.scale_to_z_score(x["fare"])}, rides(fare=[1.0, 2.0]))
    graph.save(tmp_path)
    stored = json.loads((tmp_path / "graph.json").read_text())
    assert stored["format"] == "treadle.transform/1"
    assert {"node": "Number", "value": 1.5} in stored["nodes"]
    (tmp_path / "graph.json").write_text(json.dumps({**stored, "format": "treadle.transform/99"}))
    with pytest.raises(ModelFormatError, match=r"format 'treadle.transform/99'.*reads 'treadle.transform/1'"):
        tt.TransformGraph.load(tmp_path)
    (tmp_path / "graph.json").write_text(json.dumps({**stored, "nodes": [{"node": "Nonsense"}]}))
    with pytest.raises(ModelFormatError, match="cannot be read"):
        tt.TransformGraph.load(tmp_path)
    (tmp_path / "graph.json").write_text("{")
    with pytest.raises(ModelFormatError, match="no transform graph here"):
        tt.TransformGraph.load(tmp_path)


@dataclass(frozen=True)
class Overwriting:
    """A user's analyzer that works in the memory it is given."""

    def create(self) -> Overwritten:
        return Overwritten()


class Overwritten:
    def __init__(self) -> None:
        self.sum = 0.0

    def add(self, values: Any) -> None:
        values *= 2.0
        self.sum += float(values.sum())

    def merge(self, other: Overwritten) -> None:
        self.sum += other.sum

    def result(self) -> dict[str, float]:
        return {"sum": self.sum}


def test_a_users_analyzer_may_write_into_what_it_gets_and_not_into_the_data() -> None:
    table = pa.table({"fare": [1.0, 2.0]})
    graph = tt.analyze(
        lambda x: {"out": x["fare"] + tt.analyzer(Overwriting(), "sum", x["fare"])},
        SCHEMA,
        lambda columns: iter(table.select(columns or []).to_batches()),
    )
    assert table.column("fare").to_pylist() == [1.0, 2.0]
    assert graph.transform(table).column("out").to_pylist() == [7.0, 8.0]
