from __future__ import annotations

import pickle
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.errors import DataFileNotFoundError, MissingColumnError, RowCountError
from treadle.ingest import build_examples, read_examples, scan
from treadle.schema import Schema

SCHEMA = '[features.x]\ntype = "int"\n'


def table_of(batches: object, schema: pa.Schema) -> pa.Table:
    return pa.Table.from_batches(list(batches), schema=schema)  # type: ignore[call-overload]


@settings(max_examples=30, deadline=None)
@given(rows=st.lists(st.integers(0, 40), min_size=1, max_size=4), group=st.integers(1, 9), limit=st.integers(1, 30))
def test_parts_have_the_rows_of_the_whole_in_order(
    rows: list[int], group: int, limit: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("files")
    files = []
    for number, count in enumerate(rows):
        files.append(folder / f"{number}.parquet")
        columns = {"x": list(range(count)), "s": [str(value) for value in range(count)]}
        if number % 2:
            del columns["s"]
        pq.write_table(pa.table(columns), files[-1], row_group_size=group)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("treadle.ingest._partition.PART_ROWS", limit)
        whole = scan(files)
        parts = whole.parts()
    assert [part.first_row for part in parts] == [sum(p.num_rows for p in parts[:n]) for n in range(len(parts))]
    assert sum(part.num_rows for part in parts) == whole.num_rows
    assert all(part.num_rows <= max(limit, group) for part in parts)
    for sent in (False, True):
        given_parts = [pickle.loads(pickle.dumps(part)) if sent else part for part in parts]
        batches = [batch for part in given_parts for batch in part.batches()]
        assert table_of(batches, whole.schema).equals(whole.table())
        assert sum(b.num_rows for part in given_parts for b in part.batches(["x"], batch_rows=3)) == whole.num_rows


def test_text_and_small_files_are_one_part(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,a\n2,b\n")
    (tmp_path / "b.csv").write_text("x\n3\n")
    whole = scan([tmp_path / "a.csv", tmp_path / "b.csv"])
    (part,) = whole.parts()
    sent = pickle.loads(pickle.dumps(part))
    assert table_of(sent.batches(["y", "x"]), pa.schema([("y", pa.string()), ("x", pa.int64())])).to_pylist() == [
        {"y": "a", "x": 1},
        {"y": "b", "x": 2},
        {"y": None, "x": 3},
    ]
    with pytest.raises(MissingColumnError):
        list(sent.batches(["z"]))


def test_a_file_that_changed_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    pq.write_table(pa.table({"x": [1, 2, 3]}), file)
    sent = pickle.dumps(scan(file).parts()[0])
    pq.write_table(pa.table({"x": [1, 2]}), file)
    with pytest.raises(RowCountError, match="sees 2 rows where 3") as caught:
        list(pickle.loads(sent).batches())
    assert caught.value.where == {"file": file}
    file.unlink()
    with pytest.raises(DataFileNotFoundError) as missing:
        list(pickle.loads(sent).batches())
    assert missing.value.where["file"] == file


def test_parts_of_examples_have_row_ids_and_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").write_text("x\n" + "\n".join(str(n) for n in range(10)) + "\n")
    monkeypatch.setattr("treadle.ingest._split_writer.GROUP_ROWS", 3)
    monkeypatch.setattr("treadle.ingest._partition.PART_ROWS", 6)
    build_examples([tmp_path / "a.csv"], schema=Schema.loads(SCHEMA), out_path=tmp_path / "examples")
    reader = read_examples(tmp_path / "examples")
    parts = [pickle.loads(pickle.dumps(part)) for part in reader.parts("train")]
    assert [part.num_rows for part in parts] == [6, 4]
    batches = [batch for part in parts for batch in part.batches(["__row_id__", "x"])]
    assert pa.Table.from_batches(batches).equals(reader.table("train", ["__row_id__", "x"]))
    assert parts[1].place_of(2) == {"file": reader.files("train")[0], "row": 8}
    assert parts[1].place_of(99) == {}
