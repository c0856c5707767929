from __future__ import annotations

import gzip
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from treadle.errors import (
    ColumnTypeError,
    CorruptFileError,
    DataError,
    DataFileNotFoundError,
    EmptyFileError,
    MissingColumnError,
    RaggedRowError,
    TextEncodingError,
    UsageError,
)
from treadle.ingest import read_table, scan
from treadle.schema import Feature, Schema

SCHEMA = Schema.loads("""
[features.id]
type = "string"
[features.n]
type = "int"
[features.x]
type = "float"
[features.when]
type = "timestamp"
[features.ok]
type = "bool"
[features.extra]
type = "string"
required = false
""")


def text(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def parquet(path: Path, table: pa.Table) -> Path:
    pq.write_table(table, path)
    return path


def test_csv_keeps_zeros_nulls_and_empty_strings_apart(tmp_path: Path) -> None:
    file = text(tmp_path / "a.csv", 'n,s,x\n0,"",0.0\n,,\n3,a,nan\n')
    table = read_table(file)
    assert table.schema == pa.schema([("n", pa.int64()), ("s", pa.string()), ("x", pa.float64())])
    assert table.column("n").to_pylist() == [0, None, 3]
    assert table.column("s").to_pylist() == ["", None, "a"]
    assert table.column("x").to_pylist()[:2] == [0.0, None]
    assert str(table.column("x")[2]) == "nan"


def test_csv_types_come_from_all_rows(tmp_path: Path) -> None:
    rows = "".join(f"{number},,\n" for number in range(600_000)) + "0.5,late,1\n"
    table = read_table(text(tmp_path / "a.csv", "a,b,c\n" + rows))
    assert table.schema.types == [pa.float64(), pa.string(), pa.int64()]
    assert table.num_rows == 600_001


def test_csv_with_schema_has_its_types_and_order(tmp_path: Path) -> None:
    file = text(tmp_path / "a.csv", "when,ok,id,n,x,unknown\n2020-01-02 03:04:05,true,007,1,2,z\n,,,,,\n")
    table = read_table(file, SCHEMA)
    assert table.schema == SCHEMA.arrow_schema()
    assert table.to_pylist()[0] == {
        "id": "007",
        "n": 1,
        "x": 2.0,
        "when": datetime(2020, 1, 2, 3, 4, 5),
        "ok": True,
        "extra": None,
    }
    assert set(table.to_pylist()[1].values()) == {None}


def test_words_for_missing_values_are_null_among_numbers_and_text_in_text(tmp_path: Path) -> None:
    rows = ["n,x,t,b,land,na,mix", "1,NA,2020-01-01,true,NA,NA,1", "NA,0.5,NA,NA,DE,NA,x", ",nan,,false,,,N/A"]
    table = read_table(text(tmp_path / "a.csv", "\n".join(rows) + "\n"))
    assert table.column("n").to_pylist() == [1, None, None]
    assert table.column("x").to_pylist()[:2] == [None, 0.5]
    assert table.column("t").to_pylist() == [datetime(2020, 1, 1), None, None]
    assert table.column("b").to_pylist() == [True, None, False]
    assert table.column("land").to_pylist() == ["NA", "DE", None]
    assert table.column("na").to_pylist() == ["NA", "NA", None]
    assert table.column("mix").to_pylist() == ["1", "x", "N/A"]
    declared = Schema({"n": Feature(name="n", type="string")})
    assert read_table(tmp_path / "a.csv", declared).column("n").to_pylist() == ["1", "NA", None]


def test_csv_line_breaks_byte_order_mark_and_packing(tmp_path: Path) -> None:
    content = '\ufeffa,b\r\n1,"x\r\ny, z"\r\n\r\n2,w\r\n'.encode()
    plain = read_table(text(tmp_path / "a.csv", content))
    assert plain.to_pydict() == {"a": [1, 2], "b": ["x\r\ny, z", "w"]}
    assert read_table(text(tmp_path / "a.csv.gz", gzip.compress(content))) == plain
    assert read_table(text(tmp_path / "a.tsv", content.replace(b",", b"\t").replace(b"\t z", b", z"))) == plain


def test_an_empty_line_of_a_single_column_is_a_missing_value(tmp_path: Path) -> None:
    assert read_table(text(tmp_path / "a.csv", "a\n1\n\n3\n")).column("a").to_pylist() == [1, None, 3]


def test_arrow_types_become_the_plain_ones(tmp_path: Path) -> None:
    moment = datetime(2020, 1, 1, 12)
    table = pa.table(
        {
            "small": pa.array([1], pa.int8()),
            "unsigned": pa.array([2**32 - 1], pa.uint32()),
            "half": pa.array([0.5], pa.float32()),
            "money": pa.array([Decimal("1.25")]),
            "day": pa.array([moment.date()]),
            "ns": pa.array([1_577_880_000_000_000_001], pa.timestamp("ns")),
            "zone": pa.array([moment], pa.timestamp("us", "America/New_York")),
            "word": pa.array(["a"]).dictionary_encode(),
            "large": pa.array(["b"], pa.large_string()),
            "raw": pa.array([b"c"], pa.binary(1)),
            "none": pa.nulls(1),
            "list": pa.array([[1, 2]]),
            "__row_id__": pa.array(["x"]),
        }
    )
    read = read_table(parquet(tmp_path / "a.parquet", table))
    assert read.to_pylist() == [
        {
            "small": 1,
            "unsigned": 2**32 - 1,
            "half": 0.5,
            "money": 1.25,
            "day": datetime(2020, 1, 1),
            "ns": moment,
            "zone": datetime(2020, 1, 1, 7),  # the clock in New York
            "word": "a",
            "large": "b",
            "raw": b"c",
            "none": None,
            "list": [1, 2],
        }
    ]


def test_files_of_one_table_agree_on_types(tmp_path: Path) -> None:
    first = parquet(tmp_path / "1.parquet", pa.table({"a": pa.nulls(2), "b": [1, 2], "c": ["x", "y"]}))
    second = parquet(tmp_path / "2.parquet", pa.table({"a": [1, 2], "b": [0.5, 1.5]}))
    source = scan([first, second])
    assert source.table().to_pydict() == {
        "a": [None, None, 1, 2],
        "b": [1.0, 2.0, 0.5, 1.5],
        "c": ["x", "y", None, None],
    }
    assert source.absent == {"c": (second,)}
    assert source.num_rows == 4
    assert [batch.num_rows for batch in source.batches(["c"], batch_rows=1)] == [1, 1, 1, 1]
    third = parquet(tmp_path / "3.parquet", pa.table({"a": ["no"]}))
    with pytest.raises(ColumnTypeError) as caught:
        scan([second, third])
    assert caught.value.where["column"] == "a"
    assert caught.value.where["file"] == third


def test_a_header_alone_is_a_table_without_rows(tmp_path: Path) -> None:
    table = read_table(text(tmp_path / "a.csv", "a,b\n"))
    assert table.num_rows == 0
    assert table.column_names == ["a", "b"]


@pytest.mark.parametrize("name", ["gone.csv", "gone.parquet"])
def test_a_missing_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataFileNotFoundError) as caught:
        scan(tmp_path / name)
    assert caught.value.where == {"file": tmp_path / name}
    with pytest.raises(FileNotFoundError):
        scan(tmp_path / name)


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataFileNotFoundError, match="directory"):
        scan(tmp_path)


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.csv.gz"])
def test_an_empty_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(EmptyFileError):
        scan(text(tmp_path / name, b""))


def test_blank_lines_alone_are_empty(tmp_path: Path) -> None:
    with pytest.raises(EmptyFileError):
        scan(text(tmp_path / "a.csv", "\n\n"))


@pytest.mark.parametrize("keep", [0.02, 0.3, 0.7, 0.999])
def test_a_truncated_parquet(tmp_path: Path, keep: float) -> None:
    whole = parquet(tmp_path / "whole.parquet", pa.table({"a": list(range(5000))})).read_bytes()
    file = text(tmp_path / "cut.parquet", whole[: int(len(whole) * keep)])
    with pytest.raises(CorruptFileError) as caught:
        read_table(file)
    assert caught.value.where["file"] == file
    assert caught.value.hint


def test_a_parquet_damaged_inside(tmp_path: Path) -> None:
    data = bytearray(parquet(tmp_path / "a.parquet", pa.table({"a": [str(n) for n in range(5000)]})).read_bytes())
    data[40:400] = b"\xff" * 360
    with pytest.raises(CorruptFileError):
        read_table(text(tmp_path / "b.parquet", bytes(data)))


def test_a_cut_off_archive(tmp_path: Path) -> None:
    packed = gzip.compress(b"a,b\n" + b"".join(b"%d,%d\n" % (n, n * n) for n in range(5000)))
    with pytest.raises(CorruptFileError):
        read_table(text(tmp_path / "a.csv.gz", packed[: len(packed) // 2]))


def test_an_unknown_format(tmp_path: Path) -> None:
    with pytest.raises(CorruptFileError, match="format is not known"):
        scan(text(tmp_path / "a.dat", "a,b\n"))
    table = pa.table({"a": [1]})
    parquet(tmp_path / "b.parquet", table).rename(tmp_path / "b.dat")
    assert read_table(tmp_path / "b.dat") == table


@pytest.mark.parametrize(("row", "fields"), [("3", "1 fields"), ("3,4,5", "3 fields")])
def test_a_ragged_row_is_named(tmp_path: Path, row: str, fields: str) -> None:
    file = text(tmp_path / "a.csv", f"a,b\n1,2\n{row}\n4,5\n")
    with pytest.raises(RaggedRowError, match=fields) as caught:
        scan(file)
    assert caught.value.where == {"file": file, "row": 3}


def test_text_that_is_not_utf8_is_named_by_row_and_column(tmp_path: Path) -> None:
    file = text(tmp_path / "a.csv", b"a,b\n1,x\n2,caf\xe9\n3,y\n")
    for schema in (None, Schema({"b": Feature(name="b", type="string")})):
        with pytest.raises(TextEncodingError) as caught:
            scan(file, schema)
        assert caught.value.where == {"file": file, "row": 3, "column": "b"}
    with pytest.raises(TextEncodingError) as caught:
        scan(text(tmp_path / "head.csv", b"a,\xe9\n1,2\n"))
    assert caught.value.where["row"] == 1
    with pytest.raises(TextEncodingError):
        scan(text(tmp_path / "wide.csv", "a,b\n1,2\n".encode("utf-16") + b"\xff"))


def test_a_column_name_that_stands_twice(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="more than once"):
        scan(text(tmp_path / "a.csv", "a,b,a\n1,2,3\n"))
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    with pytest.raises(DataError, match="more than once"):
        scan(parquet(tmp_path / "a.parquet", twice))


def test_a_vanished_column_with_the_nearest_name(tmp_path: Path) -> None:
    file = text(tmp_path / "a.csv", "id,n,y,when,ok\n")
    with pytest.raises(MissingColumnError) as caught:
        read_table(file, SCHEMA)
    assert caught.value.where == {"file": file, "column": "x"}
    with pytest.raises(MissingColumnError, match="no column 'idd'") as caught:
        list(scan(file).batches(["idd"]))
    assert caught.value.hint == "Did you mean 'id'?"


@pytest.mark.parametrize(
    ("feature", "values"),
    [
        (Feature(name="a", type="int"), ["1", "2"]),
        (Feature(name="a", type="int"), [1.5]),
        (Feature(name="a", type="float"), [2**53 + 1]),
        (Feature(name="a", type="bool"), [0, 1, 2]),
        (Feature(name="a", type="timestamp"), [1]),
        (Feature(name="a", type="string"), [1]),
        (Feature(name="a", type="float"), [[1.0]]),
    ],
)
def test_values_of_another_type_are_refused(tmp_path: Path, feature: Feature, values: list[object]) -> None:
    file = parquet(tmp_path / "a.parquet", pa.table({"a": values}))
    with pytest.raises(ColumnTypeError) as caught:
        read_table(file, Schema({"a": feature}))
    assert caught.value.where == {"file": file, "column": "a"}


@pytest.mark.parametrize(
    ("feature", "values", "expected"),
    [
        (Feature(name="a", type="int"), [1.0, None, float("nan")], [1, None, None]),
        (Feature(name="a", type="float"), [1, None], [1.0, None]),
        (Feature(name="a", type="bool"), [0, 1, None], [False, True, None]),
        (Feature(name="a", type="bytes"), ["x", None], [b"x", None]),
        (Feature(name="a", type="timestamp"), [None], [None]),
    ],
)
def test_values_that_change_nothing_by_their_type_are_taken(
    tmp_path: Path, feature: Feature, values: list[object], expected: list[object]
) -> None:
    file = parquet(tmp_path / "a.parquet", pa.table({"a": values}))
    assert read_table(file, Schema({"a": feature})).column("a").to_pylist() == expected


def test_an_integer_that_does_not_fit(tmp_path: Path) -> None:
    file = parquet(tmp_path / "a.parquet", pa.table({"a": pa.array([2**63], pa.uint64())}))
    with pytest.raises(ColumnTypeError) as caught:
        read_table(file)
    assert caught.value.where == {"file": file, "column": "a"}


def test_no_files_are_misuse() -> None:
    with pytest.raises(UsageError):
        scan([])
