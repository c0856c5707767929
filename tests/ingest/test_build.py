from __future__ import annotations

import json
import shutil
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.artifact import digest_tree
from treadle.errors import (
    CorruptFileError,
    DataError,
    DataFileNotFoundError,
    MissingColumnError,
    RowFilterError,
    UsageError,
)
from treadle.ingest import ROW_ID, build_examples, list_spans, read_examples
from treadle.schema import Schema

SCHEMA = Schema.loads("""
event_time = "when"
[features.when]
type = "timestamp"
[features.who]
type = "string"
[features.fare]
type = "float"
""")
DAY = datetime(2020, 1, 1)


def write(path: Path, rows: int, *, start: int = 0, **more: Any) -> Path:
    table = {
        "fare": [None if n % 7 == 0 else float(n) for n in range(start, start + rows)],
        "who": [f"w{n % 5}" for n in range(start, start + rows)],
        "when": [DAY + timedelta(hours=n) for n in range(start, start + rows)],
        **more,
    }
    pq.write_table(pa.table(table), path)
    return path


def build(files: list[Any], out: Path, **options: Any) -> Any:
    return build_examples(files, schema=options.pop("schema", SCHEMA), out_path=out, **options)


def test_one_split_by_default(tmp_path: Path) -> None:
    file = write(tmp_path / "a.parquet", 10, note=["x"] * 10)
    manifest = build([file], tmp_path / "out")
    reader = read_examples(tmp_path / "out")
    assert reader.splits == ("train",)
    assert reader.manifest == manifest
    assert manifest.columns_left_out == ("note",)
    table = reader.table("train")
    assert table.column_names == ["when", "who", "fare", ROW_ID]
    assert table.column("fare").to_pylist()[:3] == [None, 1.0, 2.0]
    ids = table.column(ROW_ID).to_pylist()
    assert len(set(ids)) == 10
    assert all(len(row_id) == 32 and set(row_id) <= set("0123456789abcdef") for row_id in ids)
    assert reader.table("train", ["fare"]).column_names == ["fare"]
    assert sum(batch.num_rows for batch in reader.batches("train", batch_rows=3)) == reader.num_rows("train") == 10
    assert reader.scan("train").schema.names == ["when", "who", "fare"]


def test_excluded_rows_are_counted_not_lost(tmp_path: Path) -> None:
    file = write(tmp_path / "a.parquet", 10)
    manifest = build([file], tmp_path / "out", where="fare > 3 and who <> 'w4'")
    assert (manifest.rows_read, manifest.rows_excluded, manifest.splits) == (10, 7, {"train": 3})
    everything = build([file], tmp_path / "all")
    assert everything.rows_excluded == 0
    kept = read_examples(tmp_path / "out").table("train")
    whole = read_examples(tmp_path / "all").table("train")
    assert whole.filter(pc.is_in(whole[ROW_ID], kept[ROW_ID])).equals(kept)


def test_the_same_bytes_give_the_same_examples_wherever_they_lie(tmp_path: Path) -> None:
    first = write(tmp_path / "2020-01.parquet", 300)
    second = write(tmp_path / "2020-02.parquet", 200, start=300)
    options = {"splits": {"train": 3, "eval": 1}, "where": "fare is not null"}
    build([first, second], tmp_path / "one", **options)
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    copies = [Path(shutil.copy(file, moved / f"renamed-{file.name}")) for file in (first, second)]
    build(copies, tmp_path / "two", **options)
    assert digest_tree(tmp_path / "one") == digest_tree(tmp_path / "two")
    build([second, first], tmp_path / "three", **options)
    assert digest_tree(tmp_path / "one") != digest_tree(tmp_path / "three")


def test_spans_are_listed_in_the_manifest(tmp_path: Path) -> None:
    for month in (1, 2):
        write(tmp_path / f"2020-{month:02d}.parquet", 5, start=month * 10)
    manifest = build(list_spans(f"{tmp_path}/{{YYYY}}-{{MM}}.parquet"), tmp_path / "out")
    assert manifest.spans == ("2020-01", "2020-02")
    assert [source.span for source in manifest.sources] == ["2020-01", "2020-02"]
    text = (tmp_path / "out" / "examples.json").read_text()
    assert str(tmp_path) not in text
    assert json.loads(text)["format"] == "treadle.examples/3"


@settings(max_examples=20, deadline=None)
@given(rows=st.integers(0, 60), weights=st.lists(st.floats(0.1, 10), min_size=1, max_size=4), where=st.booleans())
def test_every_row_is_in_exactly_one_split(
    tmp_path_factory: pytest.TempPathFactory, rows: int, weights: list[float], where: bool
) -> None:
    folder = tmp_path_factory.mktemp("build")
    file = write(folder / "a.parquet", rows)
    splits = {f"s{number}": weight for number, weight in enumerate(weights)}
    for by in ("row", "who", "time"):
        pairs = list(splits.items()) if by == "time" else splits
        manifest = build([file], folder / by, splits=pairs, split_by=by, where="fare > 2" if where else None)
        reader = read_examples(folder / by)
        ids = [row_id for split in splits for row_id in reader.table(split)[ROW_ID].to_pylist()]
        assert len(ids) == len(set(ids)) == sum(manifest.splits.values()) == rows - manifest.rows_excluded


def test_a_split_by_row_follows_the_weights_and_stays(tmp_path: Path) -> None:
    first, second = write(tmp_path / "a.parquet", 4000), write(tmp_path / "b.parquet", 10, start=4000)
    splits = {"train": 3, "eval": 1}
    manifest = build([first], tmp_path / "one", splits=splits)
    assert manifest.splits["eval"] == pytest.approx(1000, abs=120)
    build([first, second], tmp_path / "two", splits=splits)
    before = set(read_examples(tmp_path / "one").table("eval")[ROW_ID].to_pylist())
    after = set(read_examples(tmp_path / "two").table("eval")[ROW_ID].to_pylist())
    assert before <= after
    swapped = build([first], tmp_path / "three", splits=dict(reversed(splits.items())))
    assert swapped.splits == manifest.splits


def test_a_split_by_column_keeps_an_entity_together(tmp_path: Path) -> None:
    file = write(tmp_path / "a.parquet", 200)
    build([file], tmp_path / "out", splits={"a": 1, "b": 1, "c": 1}, split_by="who")
    reader = read_examples(tmp_path / "out")
    homes = Counter(who for split in reader.splits for who in set(reader.table(split)["who"].to_pylist()))
    assert set(homes.values()) == {1}


def test_a_split_by_time_puts_the_oldest_rows_first(tmp_path: Path) -> None:
    late, early = write(tmp_path / "b.parquet", 60, start=40), write(tmp_path / "a.parquet", 40)
    build([late, early], tmp_path / "out", splits=[("train", 8), ("eval", 2)], split_by="time")
    reader = read_examples(tmp_path / "out")
    assert reader.num_rows("train") == 80
    assert pc.max(reader.table("train")["when"]).as_py() < pc.min(reader.table("eval")["when"]).as_py()


def test_a_split_by_time_keeps_a_moment_together_and_wants_every_time(tmp_path: Path) -> None:
    same = write(tmp_path / "a.parquet", 10, when=[DAY] * 10)
    manifest = build([same], tmp_path / "out", splits=[("train", 1), ("eval", 1)], split_by="time")
    assert sorted(manifest.splits.values()) == [0, 10]
    some = write(tmp_path / "b.parquet", 3, when=[DAY, None, DAY])
    with pytest.raises(DataError, match="no event time"):
        build([some], tmp_path / "none", splits=[("train", 1), ("eval", 1)], split_by="time")
    assert not (tmp_path / "none").exists()


def test_a_key_column_names_the_rows(tmp_path: Path) -> None:
    schema = Schema.loads('key = "id"\n[features.id]\ntype = "int"\n')
    file = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": [7, 8, 9]}), file)
    build([file], tmp_path / "out", schema=schema)
    assert read_examples(tmp_path / "out").table("train")[ROW_ID].to_pylist() == ["7", "8", "9"]
    for number, ids in enumerate(([7, 7], [7, None])):
        pq.write_table(pa.table({"id": ids}), file)
        with pytest.raises(DataError, match="key column"):
            build([file], tmp_path / f"bad{number}", schema=schema)
        assert not (tmp_path / f"bad{number}").exists()


def test_a_column_that_vanishes_leaves_nothing_behind(tmp_path: Path) -> None:
    good, bad = write(tmp_path / "a.parquet", 5), tmp_path / "b.parquet"
    pq.write_table(pa.table({"fare": [1.0], "who": ["a"]}), bad)
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(MissingColumnError) as caught:
        build([good, bad], out)
    assert caught.value.where == {"file": bad, "column": "when"}
    assert not list(out.iterdir())


@pytest.mark.parametrize("where", ["fare >", "nothing = 1", "sum(fare) > 1", "fare > 1) from rows --", "who"])
def test_a_bad_row_filter(tmp_path: Path, where: str) -> None:
    file = write(tmp_path / "a.parquet", 5)
    with pytest.raises(RowFilterError) as caught:
        build([file], tmp_path / "out", where=where)
    assert caught.value.where["where"] == where
    assert not (tmp_path / "out").exists()


def test_a_row_filter_reads_nothing_but_the_row(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    file = write(tmp_path / "a.parquet", 5)
    with pytest.raises(RowFilterError):
        build([file], tmp_path / "out", where=f"fare > (select count(*) from read_csv('{secret}'))")


@pytest.mark.parametrize(
    "options",
    [
        {"splits": {"a/b": 1}},
        {"splits": {"a": 0}},
        {"splits": {"a": float("nan")}},
        {"splits": [("a", 1), ("a", 1)]},
        {"splits": {"a": 1, "b": 1}, "split_by": "time"},
        {"schema": Schema.loads('[features.fare]\ntype = "float"'), "split_by": "time"},
    ],
)
def test_impossible_splits(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        build([write(tmp_path / "a.parquet", 5)], tmp_path / "out", **options)


def test_misuse(tmp_path: Path) -> None:
    file = write(tmp_path / "a.parquet", 5)
    with pytest.raises(MissingColumnError):
        build([file], tmp_path / "out", split_by="whom")
    with pytest.raises(UsageError, match="No data file"):
        build([], tmp_path / "out")
    with pytest.raises(DataFileNotFoundError):
        build([tmp_path / "gone.parquet"], tmp_path / "out")
    with pytest.raises(DataError, match="same bytes"):
        build([file, shutil.copy(file, tmp_path / "b.parquet")], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    build([file], tmp_path / "out")
    with pytest.raises(UsageError, match="not empty"):
        build([file], tmp_path / "out")


def test_no_rows_are_still_examples(tmp_path: Path) -> None:
    manifest = build([write(tmp_path / "a.parquet", 0)], tmp_path / "out", splits={"train": 1, "eval": 1})
    assert manifest.rows_read == 0
    assert read_examples(tmp_path / "out").table("eval").num_rows == 0


def test_reading_what_is_not_examples(tmp_path: Path) -> None:
    with pytest.raises(DataFileNotFoundError):
        read_examples(tmp_path)
    (tmp_path / "examples.json").write_text('{"format": "treadle.examples/9"}')
    with pytest.raises(CorruptFileError):
        read_examples(tmp_path)
    build([write(tmp_path / "a.parquet", 5)], tmp_path / "out")
    reader = read_examples(tmp_path / "out")
    with pytest.raises(UsageError, match="no split 'test'"):
        reader.table("test")
    with pytest.raises(MissingColumnError):
        reader.table("train", ["fares"])
