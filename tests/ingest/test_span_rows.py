"""Which rows of a split are of which span: what they are called, and that they are read alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.artifact import digest_tree
from treadle.errors import UsageError
from treadle.ingest import ROW_ID, ExamplesReader, SpanRows, build_examples, extend_examples, list_spans, read_examples
from treadle.schema import Schema

SCHEMA = Schema.loads('[features.n]\ntype = "int"\n[features.s]\ntype = "string"\nrequired = false\n')


def months(folder: Path, sizes: dict[str, int], values: int = 0) -> str:
    folder.mkdir(exist_ok=True)
    for number, (month, rows) in enumerate(sizes.items()):
        first = values + number * 100_000_000
        pq.write_table(pa.table({"n": range(first, first + rows)}), folder / f"{month}.parquet")
    return f"{folder}/{{YYYY}}-{{MM}}.parquet"


def build(pattern: str, out: Path, **options: Any) -> ExamplesReader:
    build_examples(list_spans(pattern), schema=SCHEMA, out_path=out, **options)
    return read_examples(out)


def rows_of(reader: ExamplesReader, found: SpanRows) -> list[int]:
    return [value for batch in reader.batches_of(found, ["n"], batch_rows=7) for value in batch["n"].to_pylist()]


@given(sizes=st.lists(st.integers(1, 60), min_size=1, max_size=5))
@settings(max_examples=15, deadline=None)
def test_the_rows_of_each_span_are_read_alone(tmp_path_factory: pytest.TempPathFactory, sizes: list[int]) -> None:
    folder = tmp_path_factory.mktemp("spans")
    pattern = months(folder / "data", {f"2020-{number + 1:02d}": rows for number, rows in enumerate(sizes)})
    reader = build(pattern, folder / "out", splits={"train": 3, "eval": 1})
    for split in reader.splits:
        found = reader.span_rows(split)
        assert sum(rows.rows for rows in found) == reader.num_rows(split)
        together = [value for rows in found for value in rows_of(reader, rows)]
        assert together == reader.table(split)["n"].to_pylist()
        for rows in found:
            assert rows.span is not None
            assert {value // 100_000_000 for value in rows_of(reader, rows)} == {int(rows.span[-2:]) - 1}
    with pytest.raises(UsageError):
        reader.span_rows("test")


def test_only_row_groups_that_hold_them_are_read(tmp_path: Path) -> None:
    reader = build(months(tmp_path / "data", {"2020-01": 200_000, "2020-02": 150_000, "2020-03": 10}), tmp_path / "out")
    assert pq.ParquetFile(reader.files("train")[0]).metadata.num_row_groups == 3
    counts = {rows.span: len(rows_of(reader, rows)) for rows in reader.span_rows("train")}
    assert counts == {"2020-01": 200_000, "2020-02": 150_000, "2020-03": 10}
    last = reader.span_rows("train")[-1]
    assert rows_of(reader, last) == [200_000_000 + i for i in range(10)]


def test_a_span_keeps_its_name_when_others_come_and_go(tmp_path: Path) -> None:
    names = {}
    for case, chosen in enumerate((["2020-01", "2020-02"], ["2020-02", "2020-03"])):
        pattern = months(tmp_path / "data", {"2020-01": 30, "2020-02": 20, "2020-03": 10})
        spans = [span for span in list_spans(pattern) if span.span in chosen]
        build_examples(spans, schema=SCHEMA, out_path=tmp_path / str(case), splits={"train": 3, "eval": 1})
        names[case] = {(r.split, r.span): r.digest for r in read_examples(tmp_path / str(case)).manifest.span_rows}
    for split in ("train", "eval"):
        assert names[0][split, "2020-02"] == names[1][split, "2020-02"]
    assert len(set(names[0].values())) == 4


def test_other_rows_types_or_ways_of_reading_have_another_name(tmp_path: Path) -> None:
    pattern = months(tmp_path / "data", {"2020-01": 30})
    wider = Schema.loads('[features.n]\ntype = "float"\n[features.s]\ntype = "string"\nrequired = false\n')
    cases = {
        "plain": {"schema": SCHEMA},
        "again": {"schema": SCHEMA},
        "typed": {"schema": wider},
        "filtered": {"schema": SCHEMA, "where": "n > 3"},
        "split": {"schema": SCHEMA, "splits": {"train": 1, "eval": 1}},
        "lenient": {"schema": SCHEMA, "quarantine": 0.5},
    }
    found = {}
    for name, options in cases.items():
        build_examples(list_spans(pattern), out_path=tmp_path / name, **options)  # type: ignore[arg-type]
        found[name] = read_examples(tmp_path / name).span_rows("train")[0].digest
    assert found.pop("again") == found["plain"]
    assert len(set(found.values())) == len(found)
    months(tmp_path / "data", {"2020-01": 30}, values=1)
    assert build(pattern, tmp_path / "other").span_rows("train")[0].digest not in found.values()


def test_files_without_a_span_are_parts_each(tmp_path: Path) -> None:
    months(tmp_path / "data", {"2020-01": 3, "2020-02": 2})
    files = sorted((tmp_path / "data").iterdir())
    build_examples(files, schema=SCHEMA, out_path=tmp_path / "out")
    assert [(r.span, r.first, r.rows) for r in read_examples(tmp_path / "out").span_rows("train")] == [
        (None, 0, 3),
        (None, 3, 2),
    ]


def test_examples_of_the_formats_before_are_read_and_have_no_spans_noted(tmp_path: Path) -> None:
    reader = build(months(tmp_path / "data", {"2020-01": 3}), tmp_path / "out")
    document = json.loads((tmp_path / "out" / "examples.json").read_text())
    del document["span_rows"]
    (tmp_path / "out" / "examples.json").write_text(json.dumps(document | {"format": "treadle.examples/2"}))
    old = read_examples(tmp_path / "out")
    assert old.span_rows("train") == ()
    assert old.manifest == replace(reader.manifest, span_rows=())


def test_examples_get_further_columns(tmp_path: Path) -> None:
    reader = build(months(tmp_path / "data", {"2020-01": 30, "2020-02": 20}), tmp_path / "out", splits={"a": 1, "b": 1})
    lists = {split: pa.table({"past": [[n] for n in reader.table(split)["n"].to_pylist()]}) for split in reader.splits}
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        extend_examples(reader, lists, tmp_path / name)
    more = read_examples(tmp_path / "one")
    assert digest_tree(tmp_path / "one") == digest_tree(tmp_path / "two")
    assert more.columns == ("n", "s", "past", ROW_ID)
    for split in reader.splits:
        assert more.table(split).drop_columns(["past"]).to_pylist() == reader.table(split).to_pylist()
        assert more.table(split)["past"].to_pylist() == lists[split]["past"].to_pylist()
    changed = {**lists, "a": pa.table({"past": [[0]] * reader.num_rows("a")})}
    (tmp_path / "three").mkdir()
    extend_examples(reader, changed, tmp_path / "three")
    pairs = zip(more.manifest.span_rows, read_examples(tmp_path / "three").manifest.span_rows, strict=True)
    assert [left.digest == right.digest for left, right in pairs] == [False, False, True, True]
    with pytest.raises(UsageError, match="not of its"):
        extend_examples(reader, {"a": lists["a"]}, tmp_path / "three")
    with pytest.raises(UsageError, match="have a column 'n'"):
        extend_examples(reader, {s: t.rename_columns(["n"]) for s, t in lists.items()}, tmp_path / "three")
