"""Target encoding: out of fold for the rows it was made of, plain for all others, and no row sees its own target."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from treadle import transform as tt
from treadle.errors import TransformError
from treadle.graph import serialize
from treadle.schema import Schema

SCHEMA = Schema.loads(
    """
    [features.shop]
    type = "string"
    [features.sold]
    type = "float"
    not_in = ["SERVING"]
    """
)
FOLDS = 4


def rows(count: int, shops: int, seed: int = 0) -> pa.Table:
    random = np.random.default_rng(seed)
    shop = [None if random.random() < 0.05 else f"s{i % shops}" for i in range(count)]
    sold = np.where(random.random(count) < 0.05, np.nan, random.normal(10, 5, count))
    return pa.table({"shop": shop, "sold": sold, "__row_id__": [f"{i:032x}" for i in range(count)]})


def preprocess(x: Any) -> dict[str, tt.Column]:
    return {
        "shop": tt.target_encode(x["shop"], x["sold"], smoothing=2, folds=FOLDS),
        "label": x["sold"] > 10,
    }


def analyzed(table: pa.Table) -> tt.TransformGraph:
    return tt.analyze(preprocess, SCHEMA, lambda columns: iter(table.select(columns).to_batches(100)), label="label")


def fold(row_id: str) -> int:
    digest = hashlib.blake2b(row_id.encode(), digest_size=8, key=b"treadle.folds").digest()
    return int.from_bytes(digest, "little") % 2**63 % FOLDS


def encoded(shop: str | None, others: list[tuple[str | None, float]]) -> float:
    known = [sold for _, sold in others if sold == sold]
    mean = float(np.mean(known)) if known else 0.0
    own = [sold for other, sold in others if other == shop and sold == sold]
    return (sum(own) + 2 * mean) / (len(own) + 2) if shop is not None and own else mean


def test_it_is_what_it_says() -> None:
    table = rows(300, 7)
    pairs = list(zip(table["shop"].to_pylist(), table["sold"].to_pylist(), strict=True))
    folds = [fold(row) for row in table["__row_id__"].to_pylist()]
    graph = analyzed(table)
    plain = graph.transform(table, ["shop"])["shop"].to_pylist()
    np.testing.assert_allclose(plain, [encoded(shop, pairs) for shop, _ in pairs], rtol=1e-6)
    trained = graph.transform(table, ["shop"], out_of_fold=True)["shop"].to_pylist()
    expected = [
        encoded(shop, [pair for pair, other in zip(pairs, folds, strict=True) if other != own])
        for (shop, _), own in zip(pairs, folds, strict=True)
    ]
    np.testing.assert_allclose(trained, expected, rtol=1e-6)


def test_no_row_sees_its_own_target() -> None:
    table = rows(400, 40)
    before = analyzed(table).transform(table, ["shop"], out_of_fold=True)["shop"].to_numpy()
    for row in (0, 17, 399):
        sold = table["sold"].to_numpy().copy()
        sold[row] = 1e6
        changed = table.set_column(1, "sold", pa.array(sold))
        after = analyzed(changed).transform(table, ["shop"], out_of_fold=True)["shop"].to_numpy()
        assert after[row] == before[row]
        assert (after != before).any()


def test_a_category_a_row_tells_nothing_of_noise() -> None:
    """The leak that out-of-fold is for: with a category a row, a plain mean is the target itself."""
    table = rows(2000, 2000)
    graph = analyzed(table)
    sold = table["sold"].to_numpy()
    known = np.isfinite(sold) & np.array([shop is not None for shop in table["shop"].to_pylist()])
    plain = graph.transform(table, ["shop"])["shop"].to_numpy()
    trained = graph.transform(table, ["shop"], out_of_fold=True)["shop"].to_numpy()
    assert np.corrcoef(plain[known], sold[known])[0, 1] > 0.99
    assert abs(np.corrcoef(trained[known], sold[known])[0, 1]) < 0.15
    assert len(np.unique(trained)) == FOLDS


def test_pairs_of_zones_do_not_tell_what_a_ride_was_tipped() -> None:
    """Real rides: most pairs of zones are rare, and a plain mean remembers them."""
    data = Path(__file__).parents[2] / "examples" / "taxi"
    rides = pq.read_table(data / "data" / "yellow_tripdata_sample_2018-01.parquet")
    rides = rides.append_column("__row_id__", pa.array([f"{i:032x}" for i in range(rides.num_rows)]))

    def preprocess(x: Any) -> dict[str, tt.Column]:
        pair = tt.cross(tt.vocabulary(x["pickup_location_id"]), tt.vocabulary(x["dropoff_location_id"]))
        tipped = x["tip_amount"] > 0.2 * x["fare_amount"]
        return {"pair": tt.target_encode(pair, tipped, smoothing=1), "tipped": tipped}

    schema = Schema.load(data / "schema.toml")
    graph = tt.analyze(preprocess, schema, lambda columns: iter(rides.select(columns).to_batches()), label="tipped")
    tipped = graph.transform(rides, ["tipped"])["tipped"].to_numpy()
    leaky = graph.transform(rides, ["pair"])["pair"].to_numpy()
    honest = graph.transform(rides, ["pair"], out_of_fold=True)["pair"].to_numpy()
    assert np.corrcoef(leaky, tipped)[0, 1] > 0.4
    assert np.corrcoef(honest, tipped)[0, 1] < 0.15


def test_requests_need_neither_target_nor_row_id() -> None:
    graph = analyzed(rows(100, 5))
    assert graph.has_folds
    assert graph.inputs_for(["shop"]) == ("shop",)
    assert [node.name for node in graph.feature_model().graph.input] == ["shop"]
    got = graph.feature_matrix(pa.table({"shop": ["s1", "never seen", None]}))[:, 0]
    assert got[1] == got[2] != got[0]


def test_a_saved_graph_keeps_its_folds(tmp_path: Path) -> None:
    table = rows(100, 5)
    graph = analyzed(table)
    graph.save(tmp_path)
    loaded = tt.TransformGraph.load(tmp_path)
    assert serialize(loaded.feature_model()) == serialize(graph.feature_model())
    assert loaded.transform(table, out_of_fold=True).equals(graph.transform(table, out_of_fold=True))


class Source:
    splits = ("train", "eval")

    def batches(self, split: str, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        return iter(rows(200, 9, seed=len(split)).select(list(columns or [])).to_batches(64))


def test_written_examples_are_out_of_fold_on_the_analyzed_split_alone(tmp_path: Path) -> None:
    table = rows(200, 9, seed=5)
    graph = analyzed(table)
    tt.write_transformed(graph, Source(), tmp_path, analyzed="train")
    train = pq.read_table(tmp_path / "train" / "part-00000.parquet")
    assert train["shop"].to_pylist() == graph.transform(table, out_of_fold=True)["shop"].to_pylist()
    evaluation = pq.read_table(tmp_path / "eval" / "part-00000.parquet")
    other = rows(200, 9, seed=4)
    assert evaluation["shop"].to_pylist() == graph.transform(other)["shop"].to_pylist()


def test_writing_without_saying_which_split_was_analyzed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TransformError, match="has a target encoding"):
        tt.write_transformed(analyzed(rows(50, 3)), Source(), tmp_path)


def test_over_nothing_it_is_zero() -> None:
    table = rows(3, 1).slice(0, 0)
    graph = analyzed(table)
    assert graph.transform(rows(3, 1), ["shop"])["shop"].to_pylist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("options", "says"), [({"folds": 1}, "folds must be"), ({"smoothing": -1}, "smoothing must be")]
)
def test_mistakes(options: dict[str, Any], says: str) -> None:
    with pytest.raises(TransformError, match=says):
        tt.analyze(lambda x: {"a": tt.target_encode(x["shop"], x["sold"], **options)}, SCHEMA, lambda _: iter([]))
