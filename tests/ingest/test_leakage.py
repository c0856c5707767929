from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.errors import MissingColumnError, UsageError
from treadle.ingest import ROW_ID, build_examples, find_leakage, read_examples
from treadle.schema import Schema

SCHEMA = Schema.loads("""
[features.who]
type = "string"
[features.x]
type = "float"
[features.exported]
type = "int"
""")


def examples(folder: Path, train: list[tuple], held_out: list[tuple]) -> Path:
    for name, rows in (("train", train), ("eval", held_out)):
        columns = list(zip(*rows, strict=True)) if rows else [[], [], []]
        kinds = [pa.string(), pa.float64(), pa.int64()]
        arrays = [pa.array(list(values), kind) for values, kind in zip(columns, kinds, strict=True)]
        pq.write_table(pa.table(arrays, names=["who", "x", "exported"]), folder / f"{name}.parquet")
    files = {"a_train": [folder / "train.parquet"], "b_eval": [folder / "eval.parquet"]}
    build_examples(files, schema=SCHEMA, out_path=folder / "out")
    return folder / "out"


def test_copies_and_entities_on_both_sides(tmp_path: Path) -> None:
    out = examples(
        tmp_path,
        [("a", 1.0, 1), ("b", None, 1), ("c", 3.0, 1)],
        [("a", 1.0, 2), ("b", None, 1), ("c", 9.0, 1), ("d", 0.0, 1)],
    )
    assert find_leakage(out).pairs[0].duplicates == 1
    found = find_leakage(out, key="who", ignore=["exported"])
    (pair,) = found.pairs
    assert pair.splits == ("a_train", "b_eval")
    assert (pair.duplicates, pair.duplicate_share, pair.same_key, pair.same_key_share) == (2, 0.5, 3, 0.75)
    ids = read_examples(out).table("b_eval")[ROW_ID].to_pylist()
    assert list(pair.row_ids) == ids[:3]
    assert found.found
    assert json.loads(json.dumps(found.to_json()))["pairs"][0]["duplicates"] == 2


def test_nothing_in_common(tmp_path: Path) -> None:
    out = examples(tmp_path, [("a", 1.0, 1)], [("1", None, 1), ("", 1.0, 1), (None, 1.0, 1)])
    found = find_leakage(out, key=["who"])
    assert not found.found
    assert found.pairs[0].row_ids == ()


def test_empty_splits_and_wrong_columns(tmp_path: Path) -> None:
    out = examples(tmp_path, [("a", 1.0, 1)], [])
    pair = find_leakage(out).pairs[0]
    assert (pair.duplicates, pair.duplicate_share, pair.same_key) == (0, None, None)
    with pytest.raises(MissingColumnError):
        find_leakage(out, key="whom")
    with pytest.raises(UsageError):
        find_leakage(out, ignore=["who", "x", "exported"])


ROW = st.tuples(st.sampled_from(["a", "b", "", None]), st.sampled_from([0.0, 1.5, None]), st.integers(0, 2))


@settings(max_examples=40, deadline=None)
@given(st.lists(ROW, max_size=6), st.lists(ROW, min_size=1, max_size=6))
def test_as_a_set_would_say(tmp_path_factory, train, held_out) -> None:
    if train == held_out:
        return
    out = examples(tmp_path_factory.mktemp("l"), train, held_out)
    assert find_leakage(out).pairs[0].duplicates == sum(row in set(train) for row in held_out)
