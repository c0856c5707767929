"""What data are really like: from every format to examples and statistics an error, or the right number."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from treadle.errors import ColumnTypeError, CorruptFileError, DataError
from treadle.ingest import build_examples, read_examples, read_table, scan
from treadle.schema import Schema
from treadle.statistics import generate
from treadle.validation import infer_schema


def as_csv(table: pa.Table, file: Path) -> None:
    rows = [",".join(table.column_names)]
    for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
        rows.append(",".join("" if value is None else f'"{value}"' if value == "" else str(value) for value in row))
    file.write_text("\n".join(rows) + "\n")


def as_json(table: pa.Table, file: Path) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))


def as_arrow(table: pa.Table, file: Path) -> None:
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


WRITERS: dict[str, Callable[[pa.Table, Path], None]] = {
    "csv": as_csv,
    "jsonl": as_json,
    "parquet": pq.write_table,
    "arrow": as_arrow,
}


def examples_of(file: Path, tmp_path: Path, **options: Any) -> Any:
    schema = options.pop("schema", None) or infer_schema(generate(scan(file)))
    build_examples([file], schema=schema, out_path=tmp_path / "examples", **options)
    return read_examples(tmp_path / "examples")


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_mixed_types(tmp_path: Path, kind: str) -> None:
    lines = {"csv": "n\n1\n2.5\nthree\n", "jsonl": '{"n": 1}\n{"n": 2.5}\n{"n": "three"}\n'}
    file = tmp_path / f"a.{kind}"
    file.write_text(lines[kind])
    if kind == "csv":  # text of which some looks like numbers is text, digit by digit
        assert read_table(file)["n"].to_pylist() == ["1", "2.5", "three"]
    else:
        with pytest.raises(ColumnTypeError) as caught:
            read_table(file)
        assert caught.value.where["row"] == 3
    declared = Schema.loads('format = "treadle.schema/1"\n[features.n]\ntype = "float"\n')
    with pytest.raises(DataError):
        build_examples([file], schema=declared, out_path=tmp_path / "refused")
    assert not (tmp_path / "refused").exists()
    reader = examples_of(file, tmp_path, schema=declared, quarantine=0.5)
    assert reader.table("train")["n"].to_pylist() == [1.0, 2.5]
    assert reader.manifest.quarantine == {"wrong-type": 1}


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_million_distinct_strings(tmp_path: Path, kind: str) -> None:
    count = 1_000_000
    table = pa.table({"s": [f"k{number:07d}" for number in range(count)]})
    WRITERS[kind](table, tmp_path / f"a.{kind}")
    feature = generate(scan(tmp_path / f"a.{kind}")).features["s"]
    assert (feature.count, feature.missing, feature.exact) == (count, 0, False)
    assert feature.unique == pytest.approx(count, rel=0.03)
    if kind == "csv":
        return  # typed rows are the same from here on
    reader = examples_of(tmp_path / f"a.{kind}", tmp_path, splits={"train": 9, "eval": 1}, split_by="s")
    assert sum(reader.manifest.splits.values()) == count
    assert reader.manifest.splits["eval"] == pytest.approx(count / 10, rel=0.02)


@pytest.mark.parametrize("kind", list(WRITERS))
def test_strings_of_ten_megabytes(tmp_path: Path, kind: str) -> None:
    long = "x" * 10_000_000
    WRITERS[kind](pa.table({"s": [long, "y", None], "n": [1, 2, 3]}), tmp_path / f"a.{kind}")
    reader = examples_of(tmp_path / f"a.{kind}", tmp_path)
    assert reader.table("train")["s"].to_pylist() == [long, "y", None]
    feature = generate(reader.scan("train")).features["s"]
    assert (feature.count, feature.missing, feature.unique) == (2, 1, 2)


def test_empty_splits(tmp_path: Path) -> None:
    as_csv(pa.table({"n": [1, 2], "part": ["train", "train"]}), tmp_path / "a.csv")
    reader = examples_of(
        tmp_path / "a.csv", tmp_path, splits={"train": 1, "eval": 1, "test": 1}, split_by="predefined:part"
    )
    assert reader.manifest.splits == {"eval": 0, "test": 0, "train": 2}
    for split in ("eval", "test"):
        assert reader.table(split).column_names == ["n", "part", "__row_id__"]
        statistics = generate(reader.scan(split))
        assert statistics.num_rows == 0
        assert (statistics.features["n"].count, statistics.features["n"].missing) == (0, 0)


@pytest.mark.parametrize("kind", list(WRITERS))
def test_columns_without_a_value(tmp_path: Path, kind: str) -> None:
    table = pa.table({"n": [1, 2], "nothing": pa.nulls(2, pa.string() if kind in ("parquet", "arrow") else None)})
    WRITERS[kind](table, tmp_path / f"a.{kind}")
    read = read_table(tmp_path / f"a.{kind}")
    assert read["nothing"].to_pylist() == [None, None]
    feature = generate(scan(tmp_path / f"a.{kind}")).features["nothing"]
    assert (feature.count, feature.missing) == (0, 2)
    # where the file has a type, the schema cannot say another
    said = "string" if kind in ("parquet", "arrow") else "float"
    declared = Schema.loads(f'format = "treadle.schema/1"\n[features.nothing]\ntype = "{said}"\n')
    column = examples_of(tmp_path / f"a.{kind}", tmp_path, schema=declared).table("train")["nothing"]
    assert (str(column.type), column.null_count) == ({"string": "string", "float": "double"}[said], 2)


@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow"])
def test_infinities_and_no_numbers(tmp_path: Path, kind: str) -> None:
    table = pa.table({"x": [1.0, math.inf, -math.inf, math.nan, None]})
    WRITERS[kind](table, tmp_path / f"a.{kind}")
    values = read_table(tmp_path / f"a.{kind}")["x"].to_pylist()
    assert values[:3] == [1.0, math.inf, -math.inf]
    assert math.isnan(values[3])
    assert values[4] is None
    feature = generate(scan(tmp_path / f"a.{kind}")).to_json()["features"]["x"]
    # what is measured is measured of the finite; what is not is counted
    assert feature["mean"] == 1.0
    assert (feature["count"], feature["missing"], feature["nan"], feature["infinite"]) == (4, 1, 1, 2)


def test_infinities_of_loggers_that_write_json(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"x": 1.0}\n{"x": -Infinity}\n{"x": NaN}\n')
    for lenient in (False, True):  # Arrow's reader, and ours
        values = scan(file, lenient=lenient).table()["x"].to_pylist()
        assert values[:2] == [1.0, -math.inf]
        assert math.isnan(values[2])


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet", "arrow"])
def test_column_names_that_stand_twice(tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"a.{kind}"
    table = pa.table([[1], [2]], names=["n", "n"])
    if kind == "jsonl":
        file.write_text('{"n": 1, "n": 2}\n')
    elif kind in ("csv", "tsv"):
        file.write_text({"csv": "n,n\n1,2\n", "tsv": "n\tn\n1\t2\n"}[kind])
    else:
        WRITERS[kind](table, file)
    with pytest.raises(DataError, match=r"'n' stands (more than once|twice)") as caught:
        read_table(file)
    assert caught.value.where["file"] == file


def test_zones_that_are_mixed(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("t\n2020-01-01T12:00:00+02:00\n2020-01-01T12:00:00-05:00\n")
    assert read_table(tmp_path / "a.csv")["t"].to_pylist() == [datetime(2020, 1, 1, 10), datetime(2020, 1, 1, 17)]
    (tmp_path / "b.csv").write_text("t\n2020-01-01T12:00:00+02:00\n2020-01-01T12:00:00\n")
    assert read_table(tmp_path / "b.csv").schema.field("t").type == pa.string()
    moments = [datetime(2020, 1, 1)]
    for name, zone in (("x", "Europe/Rome"), ("y", "America/New_York"), ("z", None)):
        pq.write_table(pa.table({"t": pa.array(moments, pa.timestamp("us", zone))}), tmp_path / f"{name}.parquet")
    for pair in ("xy", "xz", "zy"):
        with pytest.raises(ColumnTypeError, match="of zone") as caught:
            scan([tmp_path / f"{name}.parquet" for name in pair])
        assert caught.value.where["column"] == "t"


@pytest.mark.parametrize("kind", ["parquet", "arrow", "jsonl"])
def test_nulls_inside_of_lists_and_structs(tmp_path: Path, kind: str) -> None:
    rows = [
        {"l": None, "s": None, "d": [[1], None, [None]]},
        {"l": [], "s": {"k": None}, "d": []},
        {"l": [None, 0], "s": {"k": [None, ""]}, "d": None},
    ]
    types = pa.schema(
        [
            ("l", pa.list_(pa.int64())),
            ("s", pa.struct([("k", pa.list_(pa.string()))])),
            ("d", pa.list_(pa.list_(pa.int64()))),
        ]
    )
    WRITERS[kind](pa.Table.from_pylist(rows, types), tmp_path / f"a.{kind}")
    assert read_table(tmp_path / f"a.{kind}").to_pylist() == rows
    statistics = generate(scan(tmp_path / f"a.{kind}"))
    assert (statistics.features["l"].count, statistics.features["l"].missing) == (2, 1)


@pytest.mark.parametrize("packed", [False, True])
def test_a_byte_order_mark_and_line_breaks_of_windows(tmp_path: Path, packed: bool) -> None:
    text = '\ufeff"id",name\r\n1,"a\r\nb"\r\n2,\r\n\r\n3,c\r\n'.encode()
    file = tmp_path / ("a.csv.gz" if packed else "a.csv")
    file.write_bytes(gzip.compress(text) if packed else text)
    # in one piece, and in pieces of a few bytes
    for size in (1 << 20, 8):
        table = read_table(file, options={"chunk_bytes": size})
        assert table.to_pydict() == {"id": [1, 2, 3], "name": ["a\r\nb", None, "c"]}


def test_a_bomb_of_parquet_is_refused_unless_it_is_allowed(tmp_path: Path) -> None:
    table = pa.table({"s": ["0" * 100_000] * 400})
    pq.write_table(table, tmp_path / "bomb.parquet", use_dictionary=False, compression="zstd")
    packed = (tmp_path / "bomb.parquet").stat().st_size
    assert packed * 1000 < table.nbytes
    limit = {"group_bytes": 10_000_000}
    with pytest.raises(
        CorruptFileError, match=r"unfolds to 4\d,\d\d\d,\d\d\d bytes; the limit is 10,000,000"
    ) as caught:
        scan(tmp_path / "bomb.parquet", options=limit)
    assert "group_bytes" in str(caught.value.hint)
    schema = infer_schema(generate(scan(tmp_path / "bomb.parquet")))
    with pytest.raises(CorruptFileError):
        build_examples([tmp_path / "bomb.parquet"], schema=schema, out_path=tmp_path / "out", options=limit)
    assert read_table(tmp_path / "bomb.parquet", options={"group_bytes": 50_000_000}).num_rows == 400


def test_a_bomb_of_lists_is_read_in_few_rows(tmp_path: Path) -> None:
    table = pa.table({"l": pa.array([[0] * 1_000_000] * 40, pa.list_(pa.int8()))})
    pq.write_table(table, tmp_path / "bomb.parquet", compression="zstd")
    assert (tmp_path / "bomb.parquet").stat().st_size < 100_000
    rows = [batch.num_rows for batch in scan(tmp_path / "bomb.parquet").batches()]
    assert (sum(rows), max(rows)) == (40, 16)  # 128 MiB of numbers of eight bytes
    with pytest.raises(CorruptFileError, match=r"A row unfolds to 8,000,000 bytes; the limit is 1,000,000"):
        scan(tmp_path / "bomb.parquet", options={"group_bytes": 1_000_000})


@pytest.mark.parametrize("name", ["a.jsonl", "a.log", "a.json"])
@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ('{"a":', "}"),
        ('{"a":[', "]}"),
        ("[", "]"),
        ('{"s":"}}","a":', "}"),
        (r'{"s":"\"}}\\","a":', "}"),
        ("[\n", "]"),
        ("[\r", "]"),
        ('{"a":\n', "}\n"),
    ],
)
def test_json_that_is_too_deep_is_refused(tmp_path: Path, name: str, opening: str, closing: str) -> None:
    for depth in (300, 100_000):
        (tmp_path / name).write_text('{"b":1}\n{"a":' + opening * depth + "1" + closing * depth + "}\n")
        with pytest.raises(CorruptFileError, match=r"inside of each other|not one JSON object|no JSON log line"):
            scan(tmp_path / name)


def test_a_string_that_nobody_closed_is_seen_in_one_pass(tmp_path: Path) -> None:
    deep = '{"a":' + "[" * 300 + '"' + "]" * 300 + "}"
    for line in ('{"a":"' + r"\"" * 500_000 + "[" * 300 + "}", '{"a":"x}}}', deep):
        (tmp_path / "a.jsonl").write_text(f'{{"l":[{"[]," * 300}1]}}\n{line}\n')
        with pytest.raises(CorruptFileError, match="not one JSON object"):
            scan(tmp_path / "a.jsonl")


def test_long_lists_and_brackets_in_texts_are_not_deep(tmp_path: Path) -> None:
    rows = [{"l": [[n] for n in range(300)], "t": "[" * 300 + "}" * n} for n in range(3)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert read_table(tmp_path / "a.jsonl").to_pylist() == rows


@pytest.mark.parametrize("name", ["bomb.csv.gz", "bomb.jsonl.gz", "bomb.txt.gz"])
def test_a_bomb_of_text_without_a_line_break(tmp_path: Path, name: str) -> None:
    begin = {"csv": b"s,n\n", "jsonl": b'{"s": "', "txt": b""}[name.split(".")[1]]
    with gzip.open(tmp_path / name, "wb", compresslevel=1) as stream:
        stream.write(begin)
        for _ in range(40):
            stream.write(b"0" * 1_000_000)
    with pytest.raises(CorruptFileError, match="longer than 10,000,000 bytes") as caught:
        scan(tmp_path / name, options={"group_bytes": 10_000_000, "chunk_bytes": 1 << 20})
    assert "group_bytes" in str(caught.value.hint)
