from __future__ import annotations

import bz2
import gzip
import json
import lzma
import sqlite3
import struct
import traceback
import zlib
from datetime import UTC, datetime
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.errors import (
    ColumnTypeError,
    CorruptFileError,
    DataError,
    DataFileNotFoundError,
    DataSourceError,
    EmptyFileError,
    MissingDependencyError,
    TextEncodingError,
    UsageError,
)
from treadle.ingest import digest_source, read_table, scan
from treadle.schema import Feature, Schema


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


# JSON Lines


def test_json_lines_keep_types_and_missing_fields(tmp_path: Path) -> None:
    lines = [
        {"n": 1, "x": 0.5, "s": "a", "b": True, "when": "2020-01-01T00:00:00.5", "deep": {"k": [1, None]}},
        {"n": 0, "x": 0, "s": "", "extra": 7},
        {},
    ]
    table = read_table(write(tmp_path / "a.jsonl", "\n".join(json.dumps(line) for line in lines) + "\n\n"))
    assert table.num_rows == 3
    assert table.column("n").to_pylist() == [1, 0, None]
    assert table.column("x").to_pylist() == [0.5, 0.0, None]
    assert table.column("s").to_pylist() == ["a", "", None]
    assert table.column("when").to_pylist() == [datetime(2020, 1, 1, 0, 0, 0, 500_000), None, None]
    assert table.column("deep").to_pylist() == [{"k": [1, None]}, None, None]
    assert table.column("extra").to_pylist() == [None, 7, None]


def test_text_inside_of_json_stays_text_where_the_schema_declares_it(tmp_path: Path) -> None:
    when = Feature(name="when", type="string")
    gone = Feature(name="gone", type="string")
    schema = Schema(
        features={
            "a": Feature(name="a", type="struct", fields={"when": when, "gone": gone}),
            "l": Feature(name="l", type="string", list=True),
            "o": Feature(name="o", type="struct", list=True, fields={"when": when}),
        }
    )
    row = {"a": {"when": "2024-01-01", "other": "2024-01-01"}, "l": ["2024-01-01"], "o": [{"when": "2024-01-01"}]}
    table = pa.Table.from_batches(scan([write(tmp_path / "a.jsonl", json.dumps(row))], schema=schema).batches())
    (found,) = table.to_pylist()
    assert found == row | {"a": {"when": "2024-01-01", "other": datetime(2024, 1, 1)}}


def test_json_integers_are_never_rounded(tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "a.jsonl", '{"n": 9223372036854775808}\n{"n": 1}\n'))
    assert table.column("n").to_pylist() == ["9223372036854775808", "1"]
    declared = Schema({"n": Feature(name="n", type="int")})
    with pytest.raises(ColumnTypeError):
        read_table(tmp_path / "a.jsonl", declared)
    assert read_table(write(tmp_path / "b.jsonl", '{"n": 9007199254740993}\n'))["n"].to_pylist() == [2**53 + 1]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ('{"n": "x"}', ColumnTypeError),
        ('{"n": 1', CorruptFileError),
        ("[1]", CorruptFileError),
        ('{"n": 1, "n": 2}', CorruptFileError),
        (b'{"s": "\xe9"}', TextEncodingError),
    ],
)
def test_json_lines_that_are_wrong_are_named(tmp_path: Path, line: str | bytes, error: type[DataError]) -> None:
    line = line.encode() if isinstance(line, str) else line
    file = write(tmp_path / "a.jsonl", b'{"n": 1}\n\n{"n": 2}\n' + line + b"\n")
    with pytest.raises(error) as caught:
        read_table(file)
    assert caught.value.where["file"] == file
    assert caught.value.where["row"] == 3


def test_json_as_one_array_and_with_a_byte_order_mark(tmp_path: Path) -> None:
    text = '\ufeff[{"a": 1},\r\n {"a": null, "b": "x"}]'
    table = read_table(write(tmp_path / "a.json", text))
    assert table.to_pydict() == {"a": [1, None], "b": [None, "x"]}
    assert read_table(write(tmp_path / "b.json", text.encode("utf-16-le"))).to_pydict() == table.to_pydict()
    with pytest.raises(EmptyFileError):
        read_table(write(tmp_path / "c.jsonl", "\n\n"))


def test_text_that_a_schema_declares_stays_text(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", '{"s": "2020-01-01"}\n{"s": "2020-01-02"}\n')
    assert read_table(file)["s"].to_pylist() == [datetime(2020, 1, 1), datetime(2020, 1, 2)]
    declared = Schema({"s": Feature(name="s", type="string")})
    assert read_table(file, declared)["s"].to_pylist() == ["2020-01-01", "2020-01-02"]


SCALARS = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.text(max_size=5), st.booleans())


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(1, 60))
def test_pieces_of_json_give_what_the_whole_gives(tmp_path_factory, data, size) -> None:
    kinds = data.draw(st.dictionaries(st.sampled_from("abc"), st.sampled_from(["int", "float", "str", "none"])))
    values = {
        "int": st.integers(-(2**70), 2**70),
        "float": st.floats(allow_nan=False, allow_infinity=False),
        "str": st.text(max_size=5),
        "none": st.none(),
    }
    row = st.fixed_dictionaries({}, optional={name: st.none() | values[kind] for name, kind in kinds.items()})
    rows = data.draw(st.lists(row, min_size=1, max_size=8))
    file = tmp_path_factory.mktemp("j") / "a.jsonl"
    write(file, "".join(json.dumps(row) + "\n" for row in rows))
    try:
        whole = read_table(file)
    except ColumnTypeError:
        with pytest.raises(ColumnTypeError):
            read_table(file, options={"chunk_bytes": size})
        return
    try:
        pieces = read_table(file, options={"chunk_bytes": size})
    except ColumnTypeError:
        return  # whole numbers of two sizes in two pieces: refused, never rounded
    assert scan(file, options={"chunk_bytes": size}).num_rows == scan(file).num_rows == len(rows)
    for name in whole.column_names:
        assert pieces.column(name).to_pylist() == whole.column(name).to_pylist()


# CSV


CELL = st.one_of(
    st.integers(-(2**66), 2**66).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["", "NA", "null", "true", "2020-01-01", "2020-01-01 10:00:00"]),
    st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=6),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=8), st.integers(1, 80))
def test_pieces_of_csv_give_what_the_whole_gives(tmp_path_factory, rows, size) -> None:
    def cell(value: str) -> str:
        return '"' + value.replace('"', '""') + '"' if set(value) & set(',"\n ') else value

    file = tmp_path_factory.mktemp("c") / "a.csv"
    write(file, "a,b\n" + "".join(f"{cell(left)},{cell(right)}\n" for left, right in rows))
    try:
        declared = Schema({name: Feature(name=name, type="string") for name in "ab"})
        whole = read_table(file, declared)
        pieces = read_table(file, declared, options={"chunk_bytes": size})
    except DataError:
        return
    assert pieces.to_pylist() == whole.to_pylist()
    inferred = read_table(file, options={"chunk_bytes": size})
    assert inferred.num_rows == len(rows)
    for name, other in zip(inferred.column_names, ("a", "b"), strict=True):
        if inferred.schema.field(name).type == pa.int64():
            assert [v for v in inferred[name].to_pylist() if v is not None] == [
                int(v) for v in whole[other].to_pylist() if v not in (None, "NA", "null")
            ]


def test_csv_integers_beyond_64_bits_stay_text(tmp_path: Path) -> None:
    big = "123456789012345678901234567890"
    file = write(tmp_path / "a.csv", f"n,m,x\n1,NA,1\n{big},{big},{big}\n-3,2,0.5\n")
    table = read_table(file)
    assert table["n"].to_pylist() == ["1", big, "-3"]
    assert table["m"].to_pylist() == ["NA", big, "2"]
    assert table["x"].to_pylist() == [1.0, float(big), 0.5]  # among fractions a number is the nearest double
    pieces = read_table(file, options={"chunk_bytes": 8})
    assert pieces["n"].to_pylist() == ["1", big, "-3"]
    with pytest.raises(ColumnTypeError):
        read_table(file, Schema({"n": Feature(name="n", type="float")}))


@pytest.mark.parametrize(("mark", "name"), [(";", "a.csv"), ("\t", "a.csv"), ("|", "a.csv"), ("\t", "a.tsv")])
def test_the_delimiter_is_seen_in_the_header(tmp_path: Path, mark: str, name: str) -> None:
    text = '"x, y";b\r\n"1;2";3,5\r\n'.replace(";", mark)
    table = read_table(write(tmp_path / name, text), options={"decimal": ","})
    assert table.to_pydict() == {"x, y": [f"1{mark}2"], "b": [3.5]}


def test_dialects_that_must_be_declared(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", "a,b\n'x,y',caf\xe9\n".encode("latin-1"))
    options = {"quote": "'", "encoding": "latin-1"}
    assert read_table(file, options=options).to_pydict() == {"a": ["x,y"], "b": ["café"]}
    bare = write(tmp_path / "b.csv", 'say "hi"\\, you,2\n')
    options = {"quote": "", "escape": "\\", "names": ["text", "n"]}
    assert read_table(bare, options=options).to_pydict() == {"text": ['say "hi", you'], "n": [2]}
    for wrong in ({"delimiter": ";;"}, {"names": []}, {"colour": "red"}, {"encoding": "klingon"}, {"chunk_bytes": 0}):
        with pytest.raises(UsageError):
            read_table(file, options=wrong)
    with pytest.raises(TextEncodingError):
        read_table(write(tmp_path / "c.csv", "a\né\n".encode()), options={"encoding": "ascii"})


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_byte_order_marks_say_the_encoding(tmp_path: Path, encoding: str) -> None:
    text = ("\ufeff" if encoding == "utf-16-be" else "") + "ä,b\r\n1,é\r\n\r\n2,\r\n"
    file = write(tmp_path / "a.csv", text.encode(encoding))
    for size in (1 << 20, 16):
        assert read_table(file, options={"chunk_bytes": size}).to_pydict() == {"ä": [1, 2], "b": ["é", None]}


def test_zones_in_text(tmp_path: Path) -> None:
    zoned = write(tmp_path / "a.csv", "t\n2020-01-01T00:00:00Z\n2020-01-01T00:00:00+02:00\n")
    assert read_table(zoned)["t"].to_pylist() == [datetime(2020, 1, 1), datetime(2019, 12, 31, 22)]
    mixed = write(tmp_path / "b.csv", "t\n2020-01-01T00:00:00Z\n2020-01-01T00:00:00\n")
    assert read_table(mixed)["t"].to_pylist() == ["2020-01-01T00:00:00Z", "2020-01-01T00:00:00"]
    with pytest.raises(ColumnTypeError):
        read_table(mixed, Schema({"t": Feature(name="t", type="timestamp")}))


def test_zones_of_files_must_agree(tmp_path: Path) -> None:
    for name, zone in (("a", "UTC"), ("b", "Europe/Berlin"), ("c", None)):
        column = pa.array([datetime(2020, 1, 1)], pa.timestamp("us", zone))
        pq.write_table(pa.table({"t": column}), tmp_path / f"{name}.parquet")
    for other in ("b", "c"):
        with pytest.raises(ColumnTypeError, match="zone"):
            scan([tmp_path / "a.parquet", tmp_path / f"{other}.parquet"])


def test_a_ragged_row_far_into_a_file(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", "a,b\n" + "1,2\n" * 500 + "3\n" + "1,2\n" * 9)
    with pytest.raises(DataError) as caught:
        read_table(file, options={"chunk_bytes": 64})
    assert caught.value.where["row"] == 502


def test_long_strings(tmp_path: Path) -> None:
    long = "x" * 10_000_000
    table = pa.table({"s": [long, "y"], "n": [1, 2]})
    pq.write_table(table, tmp_path / "a.parquet")
    write(tmp_path / "a.jsonl", "".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    write(tmp_path / "a.csv", f's,n\n"{long}",1\ny,2\n')
    for name in ("a.parquet", "a.jsonl", "a.csv"):
        assert read_table(tmp_path / name) == table


# Parquet that unfolds


def test_a_row_group_beyond_the_limit_is_refused_unread(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"x": ["a" * 1000] * 5000}), tmp_path / "a.parquet", use_dictionary=False, compression="zstd"
    )
    assert (tmp_path / "a.parquet").stat().st_size < 20_000
    with pytest.raises(CorruptFileError, match="row group unfolds"):
        scan(tmp_path / "a.parquet", options={"group_bytes": 1 << 20})
    assert read_table(tmp_path / "a.parquet").num_rows == 5000


def test_a_long_value_repeated_by_a_dictionary_is_refused(tmp_path: Path) -> None:
    column = pa.array(["x" * 5_000_000, "y"]).dictionary_encode()
    indices = pa.array([0] * 20_000, pa.int32())
    table = pa.table({"s": pa.DictionaryArray.from_arrays(indices, column.dictionary), "n": list(range(20_000))})
    pq.write_table(table, tmp_path / "a.parquet")
    source = scan(tmp_path / "a.parquet")
    assert source.table(["n"]).num_rows == 20_000
    with pytest.raises(CorruptFileError, match="unfold"):
        source.table(["s"])


def test_nested_nulls_are_kept(tmp_path: Path) -> None:
    rows = [{"a": None, "l": None}, {"a": {"b": None}, "l": []}, {"a": {"b": [None, 1]}, "l": [None]}]
    kind = pa.schema([("a", pa.struct([("b", pa.list_(pa.int64()))])), ("l", pa.list_(pa.string()))])
    pq.write_table(pa.Table.from_pylist(rows, kind), tmp_path / "a.parquet")
    assert read_table(tmp_path / "a.parquet").to_pylist() == rows


# Arrow


@pytest.mark.parametrize("name", ["a.arrow", "a.feather", "a.dat"])
@pytest.mark.parametrize("stream", [False, True])
def test_arrow_files_and_streams(tmp_path: Path, name: str, stream: bool) -> None:
    table = pa.table({"a": [1, None], "l": [[1], []], "d": pa.array(["x", "y"]).dictionary_encode()})
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(str(tmp_path / name), table.schema) as writer:
        writer.write_table(table)
        writer.write_table(table)
    source = scan(tmp_path / name)
    assert source.num_rows == 4
    assert source.table(["l", "d"]).to_pydict() == {"l": [[1], []] * 2, "d": ["x", "y"] * 2}
    whole = (tmp_path / name).read_bytes()
    with pytest.raises(CorruptFileError):
        scan(write(tmp_path / "cut.arrow", whole[: len(whole) // 2]))


# Avro


def zigzag(value: int) -> bytes:
    value = (value << 1) ^ (value >> 63)
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def avro_string(text: str | bytes) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return zigzag(len(data)) + data


def _deflate(block: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(block) + packer.flush()


PACKERS = {
    "deflate": _deflate,
    "snappy": lambda block: pa.Codec("snappy").compress(block, asbytes=True) + zlib.crc32(block).to_bytes(4, "big"),
    "zstandard": lambda block: pa.Codec("zstd").compress(block, asbytes=True),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}


def avro_file(schema: object, blocks: list[tuple[int, bytes]], codec: str = "null") -> bytes:
    """A container file; ``=snappy`` means that the blocks are packed already."""
    packer = PACKERS.get(codec, lambda block: block)
    codec = codec.removeprefix("=")
    head = b"Obj\x01" + zigzag(2) + avro_string("avro.schema") + avro_string(json.dumps(schema))
    head += avro_string("avro.codec") + avro_string(codec) + zigzag(0) + b"S" * 16
    for count, block in blocks:
        packed = packer(block)
        head += zigzag(count) + zigzag(len(packed)) + packed + b"S" * 16
    return head


AVRO = {
    "type": "record",
    "name": "Row",
    "fields": [
        {"name": "n", "type": ["null", "long"]},
        {"name": "x", "type": "double"},
        {"name": "s", "type": "string"},
        {"name": "t", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "e", "type": {"type": "enum", "name": "E", "symbols": ["A", "B"]}},
        {"name": "e2", "type": "E"},
        {"name": "l", "type": {"type": "array", "items": "int"}},
        {"name": "m", "type": {"type": "map", "values": "boolean"}},
        {"name": "d", "type": {"type": "bytes", "logicalType": "decimal", "precision": 5, "scale": 2}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "f", "type": {"type": "fixed", "name": "F", "size": 2}},
    ],
}


def avro_row(n: int | None) -> bytes:
    row = zigzag(0) if n is None else zigzag(1) + zigzag(n)
    row += struct.pack("<d", 0.5) + avro_string("é") + zigzag(1000) + zigzag(1) + zigzag(0)
    row += zigzag(-2) + zigzag(2) + zigzag(7) + zigzag(-8) + zigzag(0)  # a block with its size in bytes
    return row + zigzag(1) + avro_string("k") + b"\x01" + zigzag(0) + avro_string(b"\x00\x7d") + zigzag(1) + b"ab"


@pytest.mark.parametrize("codec", ["null", *PACKERS])
def test_avro(tmp_path: Path, codec: str) -> None:
    blocks = [(2, avro_row(-(2**63)) + avro_row(None)), (1, avro_row(2**63 - 1))]
    table = read_table(write(tmp_path / "a.avro", avro_file(AVRO, blocks, codec)))
    assert table["n"].to_pylist() == [-(2**63), None, 2**63 - 1]
    rest = {name: values[0] for name, values in table.to_pydict().items() if name != "n"}
    assert rest == {
        "x": 0.5, "s": "é", "t": datetime(1970, 1, 1, 0, 0, 1), "e": "B", "e2": "A", "l": [7, -8], "m": [("k", True)],
        "d": 1.25, "day": datetime(1970, 1, 2), "f": b"ab",
    }  # fmt: skip


def test_avro_that_is_wrong(tmp_path: Path) -> None:
    good = avro_file(AVRO, [(1, avro_row(1))])
    for bad in (good[:-1], good[:-40], good[:30], b"Obj\x01", good.replace(b"S" * 16, b"T" * 16, 1)):
        with pytest.raises(CorruptFileError):
            read_table(write(tmp_path / "a.avro", bad))
    for schema, error in (
        ("long", CorruptFileError),
        ({"type": "record", "name": "R", "fields": [{"name": "r", "type": ["null", "R"]}]}, ColumnTypeError),
    ):
        with pytest.raises(error):
            read_table(write(tmp_path / "b.avro", avro_file(schema, [])))
    with pytest.raises(CorruptFileError, match="'lz4' is not read"):
        read_table(write(tmp_path / "c.avro", avro_file(AVRO, [], "lz4")))


@pytest.mark.parametrize("codec", list(PACKERS))
def test_avro_that_is_damaged_or_a_bomb(tmp_path: Path, codec: str) -> None:
    text = {"type": "record", "name": "R", "fields": [{"name": "s", "type": "string"}]}
    file = write(tmp_path / "bomb.avro", avro_file(text, [(1, avro_string("x" * 5_000_000))], codec))
    assert read_table(file)["s"][0].as_py() == "x" * 5_000_000
    with pytest.raises(CorruptFileError, match="unfolds to more than 1,048,576"):
        read_table(file, options={"group_bytes": 1 << 20})
    packed = PACKERS[codec](avro_string("some text that is long enough to be packed") * 20)
    for place, bad in enumerate((packed[:-6], packed[: len(packed) // 2], b"", packed[:10] + b"\xff" + packed[11:])):
        file = write(tmp_path / f"bad{place}.avro", avro_file(text, [(20, bad)], f"={codec}"))
        with pytest.raises(CorruptFileError, match="not a whole Avro file") as caught:
            read_table(file)
        assert caught.value.where["file"] == file


def test_unions_of_avro(tmp_path: Path) -> None:
    fields = [
        {"name": "wide", "type": ["null", "int", "long"]},
        {"name": "number", "type": ["int", "double", "null"]},
        {"name": "either", "type": ["long", "string", "null", {"type": "fixed", "name": "Id", "size": 2}]},
    ]
    schema = {"type": "record", "name": "R", "fields": fields}
    rows = [
        zigzag(1) + zigzag(1) + zigzag(0) + zigzag(3) + zigzag(0) + zigzag(7),
        zigzag(2) + zigzag(2**62) + zigzag(1) + struct.pack("<d", 0.5) + zigzag(1) + avro_string("x"),
        zigzag(0) + zigzag(2) + zigzag(2),
        zigzag(0) + zigzag(0) + zigzag(0) + zigzag(3) + b"ab",
    ]
    table = read_table(write(tmp_path / "a.avro", avro_file(schema, [(4, b"".join(rows))])))
    assert table["wide"].to_pylist() == [1, 2**62, None, None]
    assert table["number"].to_pylist() == [3.0, 0.5, None, 0.0]
    assert table["either"].to_pylist() == [
        {"long": 7, "string": None, "Id": None},
        {"long": None, "string": "x", "Id": None},
        None,
        {"long": None, "string": None, "Id": b"ab"},
    ]
    big = {"type": "record", "name": "R", "fields": [{"name": "n", "type": ["long", "double"]}]}
    file = write(tmp_path / "b.avro", avro_file(big, [(1, zigzag(0) + zigzag(2**53 + 1))]))
    with pytest.raises(ColumnTypeError) as caught:
        read_table(file)
    assert caught.value.where == {"file": file, "column": "n"}


# TFRecord


def crc32c(data: bytes) -> int:
    """Bit by bit, as RFC 3720 says; the other implementation."""
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


def masked(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def tfrecord(*records: bytes) -> bytes:
    lengths = [struct.pack("<Q", len(record)) for record in records]
    return b"".join(n + masked(n) + r + masked(r) for n, r in zip(lengths, records, strict=True))


def field(number: int, data: bytes) -> bytes:
    """A length-delimited protobuf field."""
    size, out = len(data), bytearray([number << 3 | 2])
    while size > 0x7F:
        out.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([*out, size]) + data


def varint(value: int) -> bytes:
    value &= 2**64 - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def example(**features: list[bytes] | list[float] | list[int]) -> bytes:
    entries = b""
    for name, values in features.items():
        if values and isinstance(values[0], bytes):
            kind = field(1, b"".join(field(1, value) for value in values))
        elif values and isinstance(values[0], float):
            kind = field(2, field(1, struct.pack(f"<{len(values)}f", *values)))
        else:
            kind = field(3, field(1, b"".join(map(varint, values))))
        entries += field(1, field(1, name.encode()) + field(2, kind))
    return field(1, entries)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=6))
def test_checksums_against_the_definition(messages) -> None:
    from treadle.ingest.sources._crc32c import crc32c as ours

    assert ours(messages).tolist() == [crc32c(message) for message in messages]


def test_the_checksum_of_the_standard() -> None:
    from treadle.ingest.sources._crc32c import crc32c as ours

    assert [hex(word) for word in ours([b"123456789", b"\0" * 32, b""])] == ["0xe3069283", "0x8a9136aa", "0x0"]


@pytest.mark.parametrize("packed", [False, True])
def test_tfrecord(tmp_path: Path, packed: bool) -> None:
    data = tfrecord(
        example(n=[-(2**63)], x=[0.1], s=["é".encode()], raw=[b"\xff"], many=[1, 2]),
        example(n=[2**63 - 1], s=[b""], many=[]),
        example(),
    )
    name = "a.tfrecord.gz" if packed else "a.tfrecord"
    table = read_table(write(tmp_path / name, gzip.compress(data) if packed else data))
    assert table.to_pydict() == {
        "many": [[1, 2], [], None],
        "n": [-(2**63), 2**63 - 1, None],
        "raw": [b"\xff", None, None],
        "s": ["é", "", None],
        "x": [struct.unpack("<f", struct.pack("<f", 0.1))[0], None, None],
    }
    assert read_table(write(tmp_path / "nameless", data)).num_rows == 3
    declared = Schema({"s": Feature(name="s", type="bytes")})
    assert read_table(tmp_path / name, declared)["s"].to_pylist() == ["é".encode(), b"", None]


def test_tfrecord_that_is_wrong(tmp_path: Path) -> None:
    good = tfrecord(example(n=[1]), example(n=[2]))
    one = len(good) // 2
    length = bytearray(good)
    length[one] ^= 1
    body = bytearray(good)
    body[-6] ^= 1
    for bad, row in ((good[:-1], 2), (good[: one + 5], 2), (length, 2), (body, 2), (tfrecord(b"\xff\xff"), 1)):
        with pytest.raises(CorruptFileError) as caught:
            read_table(write(tmp_path / "a.tfrecord", bytes(bad)))
        assert caught.value.where["row"] == row
    with pytest.raises(CorruptFileError, match="int64_list"):
        read_table(write(tmp_path / "b.tfrecord", tfrecord(example(n=[1]), example(n=[0.5]))))
    huge = struct.pack("<Q", 2**62)
    with pytest.raises(CorruptFileError):
        read_table(write(tmp_path / "c.tfrecord", huge + masked(huge)[::-1] + b"x"))
    lenient = scan(write(tmp_path / "d.tfrecord", bytes(body)), lenient=True)
    assert lenient.table()["n"].to_pylist() == [1]
    assert [(row.row, row.reason) for row in lenient.refused] == [(2, "checksum")]


# text, logs, folders


def test_lines_of_text(tmp_path: Path) -> None:
    file = write(tmp_path / "a.txt", b"one\r\n\r\nthree")
    assert read_table(file).to_pydict() == {"text": ["one", "", "three"]}
    assert read_table(file, options={"chunk_bytes": 2}).to_pydict() == {"text": ["one", "", "three"]}
    with pytest.raises(TextEncodingError) as caught:
        read_table(write(tmp_path / "b.txt", b"a\n\xe9\n"))
    assert caught.value.where["row"] == 2


def test_logs_of_fluentd_and_logstash(tmp_path: Path) -> None:
    fluentd = (
        '2024-05-01T10:00:00+02:00\tapp.web\t{"status":200,"time":"noon","user":{"id":7}}\n'
        '2024-05-01T08:00:01Z\tapp.web\t{"status":404,"user":{"id":null}}\n'
    )
    table = read_table(write(tmp_path / "a.log", fluentd))
    assert table.to_pydict() == {
        "time": [datetime(2024, 5, 1, 8), datetime(2024, 5, 1, 8, 0, 1)],
        "tag": ["app.web", "app.web"],
        "status": [200, 404],
        "record.time": ["noon", None],
        "user.id": [7, None],
    }
    logstash = '{"@timestamp":"2024-05-01T08:00:00.123Z","@version":"1","host":{"name":"a"},"message":"x\\ty"}\n'
    assert read_table(write(tmp_path / "b.log", logstash)).to_pylist() == [
        {"@timestamp": datetime(2024, 5, 1, 8, 0, 0, 123_000), "@version": "1", "host.name": "a", "message": "x\ty"}
    ]
    seconds = write(tmp_path / "c.log", '{"time": 1714550400.5, "n": 1}\n')
    assert read_table(seconds)["time"].to_pylist() == [datetime.fromtimestamp(1714550400.5, UTC).replace(tzinfo=None)]
    for bad in ("plain words\n", '{"a.b": 1, "a": {"b": 2}}\n', "1\t2\t3\n"):
        with pytest.raises(CorruptFileError):
            read_table(write(tmp_path / "d.log", fluentd + bad))


PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 8


def test_images_in_folders(tmp_path: Path) -> None:
    write(tmp_path / "photos" / "cat" / "2.png", PNG)
    write(tmp_path / "photos" / "dog" / "1.JPG", b"\xff\xd8\xff\xe0")
    write(tmp_path / "photos" / "dog" / "notes.txt", "no image")
    url = f"images://{tmp_path}/photos"
    assert read_table(url).to_pylist() == [
        {"path": "cat/2.png", "label": "cat", "bytes": PNG, "format": "png"},
        {"path": "dog/1.JPG", "label": "dog", "bytes": b"\xff\xd8\xff\xe0", "format": "jpeg"},
    ]
    assert read_table(Path(url))["label"].to_pylist() == ["cat", "dog"]  # as a command line hands it over
    before = digest_source(url)
    write(tmp_path / "photos" / "cat" / "2.png", PNG + b"1")
    assert digest_source(url) != before
    write(tmp_path / "photos" / "cat" / "3.png", b"not a png at all")
    with pytest.raises(CorruptFileError):
        read_table(url)
    assert [row.text for row in scan(url, lenient=True).refused] == ["cat/3.png"]
    with pytest.raises(DataFileNotFoundError):
        read_table(f"images://{tmp_path}/none")


def test_texts_in_folders(tmp_path: Path) -> None:
    write(tmp_path / "good" / "1.txt", "fine\n")
    write(tmp_path / "bad" / "1.txt", "poor\n")
    assert read_table(f"texts://{tmp_path}").to_pydict() == {
        "path": ["bad/1.txt", "good/1.txt"], "label": ["bad", "good"], "text": ["poor\n", "fine\n"],
    }  # fmt: skip


# URLs and databases


def test_files_by_url(tmp_path: Path) -> None:
    with fsspec.open("memory://data/a.csv.gz", "wb") as stream:
        stream.write(gzip.compress(b"a,b\n1,x\n"))
    with fsspec.open("memory://data/bad.csv", "wb") as stream:
        stream.write(b"a,b\n1\n")
    assert read_table("memory://data/a.csv.gz").to_pydict() == {"a": [1], "b": ["x"]}
    assert read_table(Path("memory://data/a.csv.gz")).num_rows == 1
    local = write(tmp_path / "a.csv", "a,b\n1,x\n")
    assert read_table(f"file://{local}") == read_table(local)
    assert digest_source(f"file://{local}") == digest_source(local)
    with pytest.raises(DataError) as caught:
        read_table("memory://data/bad.csv")
    assert "bad.csv" in str(caught.value.where["file"])
    assert "treadle-" not in str(caught.value)
    with pytest.raises(DataFileNotFoundError):
        read_table("memory://data/none.csv")
    with pytest.raises(UsageError):
        read_table("klingon://data/a.csv")


def test_a_missing_file_is_told_without_secrets_and_whatever_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TREADLE_TEST_TOKEN", "open-sesame")
    with pytest.raises(DataFileNotFoundError, match="no such file") as caught:
        read_table("memory://bucket/none.csv?token=${TREADLE_TEST_TOKEN}")
    assert "sesame" not in "".join(traceback.format_exception(caught.value))


def test_queries_of_duckdb(tmp_path: Path) -> None:
    import duckdb

    file = tmp_path / "rides.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("create table rides as select range as id, range / 2 as fare from range(5)")
    url = f"duckdb:///{file}#select id, fare from rides where id > 2 order by id"
    assert read_table(url).to_pydict() == {"id": [3, 4], "fare": [1.5, 2.0]}
    before = digest_source(url)
    assert before == digest_source(url)
    with duckdb.connect(str(file)) as connection:
        connection.execute("insert into rides values (9, 1)")
    assert digest_source(url) != before
    with pytest.raises(DataSourceError):
        read_table(f"duckdb:///{file}#select nothing from nowhere")
    with pytest.raises(UsageError):
        read_table(f"duckdb:///{file}")


def test_other_databases_need_sqlalchemy(tmp_path: Path) -> None:
    try:
        import sqlalchemy  # noqa: F401
    except ImportError:
        with pytest.raises(MissingDependencyError, match="SQLAlchemy") as caught:
            read_table(f"sqlite:///{tmp_path}/a.db#select 1")
        assert "treadle[sql]" in str(caught.value.hint)


@pytest.mark.engines
def test_queries_through_sqlalchemy(tmp_path: Path) -> None:
    pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed: pip install 'treadle[sql]'")
    connection = sqlite3.connect(tmp_path / "a.db")
    connection.execute("create table t (id integer, name text)")
    connection.executemany("insert into t values (?, ?)", [(1, "a"), (2, None)])
    connection.commit()
    connection.close()
    url = f"sqlite:///{tmp_path}/a.db#select * from t order by id"
    assert read_table(url).to_pydict() == {"id": [1, 2], "name": ["a", None]}
    with pytest.raises(DataSourceError):
        read_table(f"sqlite:///{tmp_path}/a.db#select * from gone")


def test_delta_tables_need_deltalake(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        read_table(f"delta://{tmp_path}?version=new")
    try:
        import deltalake  # noqa: F401
    except ImportError:
        with pytest.raises(MissingDependencyError) as caught:
            read_table(f"delta://{tmp_path}")
        assert "treadle[delta]" in str(caught.value.hint)


@pytest.mark.engines
def test_versions_of_a_delta_table(tmp_path: Path) -> None:
    deltalake = pytest.importorskip("deltalake", reason="deltalake is not installed: pip install 'treadle[delta]'")
    place = str(tmp_path / "rides")
    deltalake.write_deltalake(place, pa.table({"n": [1, 2], "s": ["a", None]}))
    deltalake.write_deltalake(place, pa.table({"n": [3], "s": ["c"]}), mode="append")
    first, newest = f"delta://{place}?version=0", f"delta://{place}"
    assert read_table(first).to_pydict() == {"n": [1, 2], "s": ["a", None]}
    assert sorted(read_table(newest)["n"].to_pylist()) == [1, 2, 3]
    assert digest_source(first) == digest_source(first) != digest_source(newest)
    for wrong in (f"delta://{tmp_path}/none", f"{newest}?version=9"):
        with pytest.raises(DataSourceError):
            read_table(wrong)


def test_a_format_said_by_name(tmp_path: Path) -> None:
    file = write(tmp_path / "export.dat", "a;b\n1;2\n")
    assert read_table(file, options={"format": "csv"}).to_pydict() == {"a": [1], "b": [2]}
    with pytest.raises(UsageError, match="klingon"):
        read_table(file, options={"format": "klingon"})
