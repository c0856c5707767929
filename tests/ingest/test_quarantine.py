from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.errors import ColumnTypeError, DataError, MissingColumnError, QuarantineError, RaggedRowError, UsageError
from treadle.ingest import ROW_ID, build_examples, read_examples, scan
from treadle.schema import Schema

SCHEMA = Schema.loads("""
[features.id]
type = "string"
[features.n]
type = "int"
[features.x]
type = "float"
[features.ok]
type = "bool"
[features.when]
type = "timestamp"
""")
CSV = b"""id,n,x,ok,when
a,1,0.5,true,2020-01-01
b,one,0.5,true,2020-01-01
c,2,0.5
d,3,NA,,2020-01-01T10:00:00
caf\xe9,4,1,true,2020-01-01
f,5,1,perhaps,2020-01-01
g,9223372036854775808,1,true,2020-01-01
h,7,1,true,yesterday
i,8,2,false,
"""


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def set_aside(folder: Path) -> list[tuple[int, str, str | None, str]]:
    rows = pq.read_table(folder / "quarantine.parquet").to_pylist()
    return [(row["row"], row["reason"], row["column"], row["text"]) for row in rows]


@pytest.mark.parametrize("chunk", [1 << 20, 32])
def test_rows_of_csv_that_cannot_be_read(tmp_path: Path, chunk: int) -> None:
    out = tmp_path / "out"
    file = write(tmp_path / "a.csv", CSV)
    manifest = build_examples([file], schema=SCHEMA, out_path=out, quarantine=0.7, options={"chunk_bytes": chunk})
    assert set_aside(out) == [
        (3, "wrong-type", "n", "one"),
        (4, "ragged", None, "c,2,0.5"),
        (6, "not-utf8", "id", "caf\\xe9"),
        (7, "wrong-type", "ok", "perhaps"),
        (8, "wrong-type", "n", "9223372036854775808"),
        (9, "wrong-type", "when", "yesterday"),
    ]
    assert (manifest.rows_read, manifest.rows_quarantined, manifest.splits) == (9, 6, {"train": 3})
    assert manifest.quarantine == {"not-utf8": 1, "ragged": 1, "wrong-type": 4}
    reader = read_examples(out)
    assert reader.manifest == manifest
    assert reader.table("train")["id"].to_pylist() == ["a", "d", "i"]
    assert reader.table("train")["x"].to_pylist() == [0.5, None, 2.0]


def test_without_leave_nothing_is_set_aside(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", CSV)
    with pytest.raises(RaggedRowError):
        build_examples([file], schema=SCHEMA, out_path=tmp_path / "out")
    with pytest.raises(QuarantineError) as caught:
        build_examples([file], schema=SCHEMA, out_path=tmp_path / "out", quarantine=0.5)
    assert caught.value.where == {"file": file, "row": 3, "column": "n", "reason": "wrong-type"}
    assert not (tmp_path / "out").exists()
    with pytest.raises(UsageError):
        build_examples([file], schema=SCHEMA, out_path=tmp_path / "out", quarantine=1.5)


def test_sound_data_have_no_quarantine(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", b"".join(CSV.splitlines(keepends=True)[:2]))
    strict = build_examples([file], schema=SCHEMA, out_path=tmp_path / "a")
    lenient = build_examples([file], schema=SCHEMA, out_path=tmp_path / "b", quarantine=0.1)
    # but for the names of the parts, which say how they were read
    assert replace(strict, span_rows=lenient.span_rows) == lenient
    assert not (tmp_path / "b" / "quarantine.parquet").exists()
    assert read_examples(tmp_path / "a").table("train") == read_examples(tmp_path / "b").table("train")


def test_rows_of_json_that_cannot_be_read(tmp_path: Path) -> None:
    lines = [b'{"id": "a", "n": 1}', b'{"id": "b", "n": "x"}', b"{", b'{"id": "\xe9"}', b'{"id": "c", "when": "soon"}']
    schema = Schema({name: SCHEMA.features[name] for name in ("id", "n", "when")})
    file = write(tmp_path / "a.jsonl", b"\n".join([*lines, b'{"id": "d", "n": 2, "when": "2020-01-01"}']))
    manifest = build_examples([file], schema=schema, out_path=tmp_path / "out", quarantine=1)
    assert [row[:3] for row in set_aside(tmp_path / "out")] == [
        (2, "wrong-type", "n"),
        (3, "malformed", None),
        (4, "not-utf8", None),
        (5, "wrong-type", "when"),
    ]
    assert (manifest.rows_read, manifest.splits) == (6, {"train": 2})


def test_values_of_typed_files_that_do_not_fit(tmp_path: Path) -> None:
    pq.write_table(pa.table({"n": [1.0, 1.5, None, 3.0], "ok": [0, 1, 2, None]}), tmp_path / "a.parquet")
    schema = Schema({name: SCHEMA.features[name] for name in ("n", "ok")})
    build_examples([tmp_path / "a.parquet"], schema=schema, out_path=tmp_path / "out", quarantine=0.5)
    assert set_aside(tmp_path / "out") == [(2, "wrong-type", "n", "1.5"), (3, "wrong-type", "ok", "2")]
    table = read_examples(tmp_path / "out").table("train")
    assert table["n"].to_pylist() == [1, 3]
    strict = scan(tmp_path / "a.parquet")
    assert strict.refused == []
    pq.write_table(pa.table({"n": ["x"] * 5, "ok": [True] * 5}), tmp_path / "b.parquet")
    with pytest.raises(ColumnTypeError):
        build_examples([tmp_path / "b.parquet"], schema=schema, out_path=tmp_path / "no", quarantine=1)
    pq.write_table(pa.table({"n": [1]}), tmp_path / "c.parquet")
    with pytest.raises(MissingColumnError):
        build_examples([tmp_path / "c.parquet"], schema=schema, out_path=tmp_path / "no", quarantine=1)


def test_rows_without_a_key(tmp_path: Path) -> None:
    schema = Schema({name: SCHEMA.features[name] for name in ("id", "n")}, key="id")
    file = write(tmp_path / "a.csv", b"id,n\na,1\n,2\nc,3\n")
    with pytest.raises(DataError, match="no value in the key"):
        build_examples([file], schema=schema, out_path=tmp_path / "out")
    build_examples([file], schema=schema, out_path=tmp_path / "out", quarantine=0.5)
    assert set_aside(tmp_path / "out") == [(3 - 1, "no-key", "id", "None")]


def test_older_examples_are_read(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", b"id,n,x,ok,when\na,1,1,true,2020-01-01\n")
    build_examples([file], schema=SCHEMA, out_path=tmp_path / "out")
    written = json.loads((tmp_path / "out" / "examples.json").read_text())
    del written["rows_quarantined"], written["quarantine"], written["sources"][0]["rows_quarantined"]
    (tmp_path / "out" / "examples.json").write_text(json.dumps(written | {"format": "treadle.examples/1"}))
    assert read_examples(tmp_path / "out").manifest.rows_quarantined == 0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([b"a,1", b"b,x", b"c", b"d,2,3", b"\xff,4", b"e,5"]), min_size=1), st.integers(1, 40))
def test_every_row_is_somewhere(tmp_path_factory, lines, chunk) -> None:
    folder = tmp_path_factory.mktemp("q")
    file = write(folder / "a.csv", b"id,n\n" + b"\n".join(lines) + b"\n")
    schema = Schema({name: SCHEMA.features[name] for name in ("id", "n")})
    manifest = build_examples(
        [file],
        schema=schema,
        out_path=folder / "out",
        where="n <> 5",
        quarantine=1,
        splits={"a": 1, "b": 1},
        options={"chunk_bytes": chunk},
    )
    sound = [line for line in lines if line in (b"a,1", b"e,5")]
    assert manifest.rows_read == len(lines)
    assert manifest.rows_quarantined == len(lines) - len(sound)
    assert manifest.rows_excluded == lines.count(b"e,5")
    reader = read_examples(folder / "out")
    ids = [row_id for split in reader.splits for row_id in reader.table(split)[ROW_ID].to_pylist()]
    assert len(ids) == len(set(ids)) == lines.count(b"a,1")
    if manifest.rows_quarantined:
        wrong = [number + 2 for number, line in enumerate(lines) if line not in (b"a,1", b"e,5")]
        assert [row[0] for row in set_aside(folder / "out")] == wrong
