from __future__ import annotations

from collections import Counter
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.errors import DataError, MissingColumnError, UsageError
from treadle.ingest import build_examples, list_spans, read_examples
from treadle.schema import Schema

SCHEMA = Schema.loads("""
[features.n]
type = "int"
[features.label]
type = "string"
""")


def file_of(path: Path, labels: list[str | None]) -> Path:
    pq.write_table(pa.table({"n": list(range(len(labels))), "label": pa.array(labels, pa.string())}), path)
    return path


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["a", "b", None]), min_size=1, max_size=60), st.integers(1, 5))
def test_a_stratified_split_gives_every_value_its_share(tmp_path_factory, labels, weight) -> None:
    folder = tmp_path_factory.mktemp("s")
    file = file_of(folder / "a.parquet", labels)
    splits = {"eval": 1, "train": weight}
    build_examples([file], schema=SCHEMA, out_path=folder / "x", splits=splits, split_by="stratified:label")
    reader = read_examples(folder / "x")
    held_out = Counter(reader.table("eval")["label"].to_pylist())
    for value, count in Counter(labels).items():
        assert abs(held_out[value] - count / (1 + weight)) <= 0.5
    assert sorted(n for split in reader.splits for n in reader.table(split)["n"].to_pylist()) == list(
        range(len(labels))
    )


def test_a_predefined_split(tmp_path: Path) -> None:
    file = file_of(tmp_path / "a.parquet", ["train", "eval", "train"])
    options = {"schema": SCHEMA, "split_by": "predefined:label"}
    manifest = build_examples([file], out_path=tmp_path / "x", splits={"eval": 1, "train": 1}, **options)
    assert manifest.splits == {"eval": 1, "train": 2}
    assert read_examples(tmp_path / "x").table("eval")["n"].to_pylist() == [1]
    with pytest.raises(DataError, match="'eval', which is no split"):
        build_examples([file], out_path=tmp_path / "y", splits={"train": 1}, **options)
    missing = file_of(tmp_path / "b.parquet", ["train", None])
    with pytest.raises(DataError, match="1 rows name no split"):
        build_examples([missing], out_path=tmp_path / "y", splits={"train": 1}, **options)
    with pytest.raises(MissingColumnError):
        build_examples([file], schema=SCHEMA, out_path=tmp_path / "y", split_by="predefined:none")


def test_files_that_say_the_split(tmp_path: Path) -> None:
    files = {"train": [file_of(tmp_path / "a.parquet", ["x"] * 3)], "eval": [file_of(tmp_path / "b.parquet", ["y"])]}
    manifest = build_examples(files, schema=SCHEMA, out_path=tmp_path / "x")
    assert manifest.splits == {"eval": 1, "train": 3}
    assert read_examples(tmp_path / "x").table("eval")["label"].to_pylist() == ["y"]
    with pytest.raises(UsageError):
        build_examples(files, schema=SCHEMA, out_path=tmp_path / "y", splits={"train": 1})
    with pytest.raises(DataError, match="same bytes"):
        build_examples({"a": files["train"], "b": files["train"]}, schema=SCHEMA, out_path=tmp_path / "y")


def test_too_many_values_to_stratify(tmp_path: Path) -> None:
    file = file_of(tmp_path / "a.parquet", [str(n) for n in range(10_001)])
    with pytest.raises(DataError, match="10,000"):
        build_examples([file], schema=SCHEMA, out_path=tmp_path / "x", split_by="stratified:n")


def test_spans_by_url(tmp_path: Path) -> None:
    for name, rows in (("2020-01-v1", 1), ("2020-01-v2", 2), ("2020-02-v1", 3)):
        file = file_of(tmp_path / "f.parquet", ["x"] * rows)
        with fsspec.open(f"memory://lake/d_{name}.parquet", "wb") as stream:
            stream.write(file.read_bytes())
    spans = list_spans("memory://lake/d_{YYYY}-{MM}-v{VERSION}.parquet")
    assert [(span.span, span.version) for span in spans] == [("2020-01", 2), ("2020-02", 1)]
    manifest = build_examples(spans, schema=SCHEMA, out_path=tmp_path / "x")
    assert [(source.span, source.rows_read) for source in manifest.sources] == [("2020-01", 2), ("2020-02", 3)]
    query = f"duckdb://#select n, label from read_parquet('{tmp_path}/f.parquet') order by n"
    assert build_examples(list_spans(query), schema=SCHEMA, out_path=tmp_path / "y").rows_read == 3
