"""Transformed examples on disk: every split, float32, the row ids beside."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from treadle import transform as tt
from treadle.artifact import digest_tree
from treadle.errors import InputValueError
from treadle.schema import Schema

SCHEMA = Schema.loads('[features.fare]\ntype = "float"\n[features.zone]\ntype = "int"\n')


class Rides:
    """Examples in memory."""

    def __init__(self, **splits: pa.Table) -> None:
        self._splits = splits

    @property
    def splits(self) -> tuple[str, ...]:
        return tuple(self._splits)

    def batches(self, split: str, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        return iter(self._splits[split].select(columns).to_batches(2))


def rides(fares: Sequence[Any]) -> pa.Table:
    ids = [f"{index:032x}" for index in range(len(fares))]
    zones = pa.array([7] * len(fares), pa.int64())
    return pa.table({"fare": pa.array(fares, pa.float64()), "zone": zones, "__row_id__": pa.array(ids, pa.string())})


def preprocess(x: Any) -> dict[str, tt.Column]:
    return {"big": x["fare"] > 2, "fare": x["fare"], "zone": tt.one_hot(tt.vocabulary(x["zone"], num_oov_buckets=1))}


def graph_of(table: pa.Table) -> tt.TransformGraph:
    return tt.analyze(preprocess, SCHEMA, lambda columns: iter(table.select(columns).to_batches()), label="big")


def test_every_split_is_written_with_its_row_ids(tmp_path: Path) -> None:
    examples = Rides(train=rides([1.0, None, 3.0]), eval=rides([]))
    tt.write_transformed(graph_of(rides([1.0])), examples, tmp_path)
    assert json.loads((tmp_path / "transformed.json").read_text()) == {
        "format": "treadle.transformed/1",
        "features": ["fare", "zone=7", "zone=<oov>"],
        "label": "big",
        "splits": {"train": 3, "eval": 0},
    }
    table = pq.read_table(tmp_path / "train" / "part-00000.parquet")
    assert table.column_names == ["big", "fare", "zone=7", "zone=<oov>", "__row_id__"]
    assert set(table.schema.types) == {pa.float32(), pa.string()}
    assert table["big"].to_pylist() == [0, 0, 1]
    assert table["__row_id__"].to_pylist() == [f"{index:032x}" for index in range(3)]
    empty = pq.read_table(tmp_path / "eval" / "part-00000.parquet")
    assert (empty.num_rows, empty.column_names) == (0, table.column_names)


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    digests = set()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        tt.write_transformed(graph_of(rides([1.0])), Rides(train=rides([1.0, 2.0, 3.5])), tmp_path / name)
        digests.add(digest_tree(tmp_path / name))
    assert len(digests) == 1


def test_a_value_that_cannot_be_held_stops_it(tmp_path: Path) -> None:
    table = rides([1.0, 2.0, 3.0])
    broken = table.set_column(1, "zone", pa.array([1, 2, -(2**63)], pa.int64()))
    with pytest.raises(InputValueError, match="64 bits"):
        tt.write_transformed(graph_of(table), Rides(train=broken), tmp_path)
    assert not (tmp_path / "transformed.json").exists()
