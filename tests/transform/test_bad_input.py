"""What bad input comes to: each kind has a defined result, in bulk as for a request, or an error that says where."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pytest

from treadle import transform as tt
from treadle.errors import InputColumnError, InputValueError, TransformError, TreadleError
from treadle.graph import InputSpec, Session, encode_rows, serialize
from treadle.schema import Schema

TYPES = {"a": "float", "i": "int", "k": "string", "y": "bytes", "t": "timestamp"}
SCHEMA = Schema.loads("".join(f'[features.{name}]\ntype = "{kind}"\n' for name, kind in TYPES.items()))
NAN = math.nan
NOTHING: dict[str, list[Any]] = {name: [None] * 3 for name in TYPES}
ONE_VALUE: dict[str, list[Any]] = {"a": [5.0] * 4, "i": [5] * 4, "k": ["x"] * 4}
SEEN: dict[str, list[Any]] = {"a": [1.0, 3.0, 5.0, 7.0], "i": [1, 1, 2, 2], "k": ["x", "x", "y", "z"]}
PLANES = [chr(plane * 0x10000 + 0x1234) for plane in range(17)]
"""A character, assigned or not, of every plane."""
ODD = ["\x00", "a\x00b", "a\x00", "\x7f", "\ufeff", "\ufffe", "\U0001fffe", "e\u0301", "\u202e", "\U0010fffd", *PLANES]


class Case(NamedTuple):
    name: str
    op: Callable[[Any], Any]
    train: dict[str, list[Any]]
    rows: dict[str, list[Any]]
    gives: list[Any]


class Refused(NamedTuple):
    name: str
    op: Callable[[Any], Any]
    rows: dict[str, list[Any]]
    error: type[TreadleError]
    says: str


def z(x: Any) -> Any:
    return tt.scale_to_z_score(x["a"])


NEW = {"a": [2.0], "k": ["never seen"], "i": [99]}
TWO = {"a": [2.0, None]}
CASES = [
    Case("unseen: vocabulary", lambda x: tt.vocabulary(x["k"]), SEEN, NEW, [-1]),
    Case("unseen: vocabulary with a bucket", lambda x: tt.vocabulary(x["k"], num_oov_buckets=1), SEEN, NEW, [3]),
    Case("unseen: one_hot", lambda x: tt.one_hot(tt.vocabulary(x["k"])), SEEN, NEW, [[0, 0, 0]]),
    Case("unseen: lookup", lambda x: tt.lookup(x["i"], [1, 2]), SEEN, NEW, [-1]),
    Case("unseen: embedding", lambda x: tt.embedding(tt.lookup(x["i"], [1]), [[7.0]]), SEEN, NEW, [NAN]),
    Case("unseen: cross", lambda x: tt.cross(tt.vocabulary(x["k"]), tt.vocabulary(x["i"])), SEEN, NEW, [NAN]),
    Case("unseen: bag", lambda x: tt.bag_of_words(tt.tokens(x["k"])), SEEN, NEW, [[0, 0, 0]]),
    Case("unseen: count_per_key", lambda x: tt.count_per_key(x["k"]), SEEN, NEW, [0]),
    Case("unseen: mean_per_key", lambda x: tt.mean_per_key(x["a"], x["k"]), SEEN, NEW, [4]),
    Case("unseen: bucketize_per_key", lambda x: tt.bucketize_per_key(x["a"], x["k"], 2), SEEN, NEW, [-1]),
    Case("unseen: target_encode", lambda x: tt.target_encode(x["k"], x["a"]), SEEN, NEW, [4]),
    Case("unseen: document_frequency", lambda x: tt.document_frequency(tt.tokens(x["k"], size=1)), SEEN, NEW, [0]),
    Case("all null: z-score", z, NOTHING, TWO, [2, NAN]),
    Case("all null: scale_to_0_1", lambda x: tt.scale_to_0_1(x["a"]), NOTHING, TWO, [1 / (1 + math.exp(-2)), NAN]),
    Case("all null: robust", lambda x: tt.scale_robustly(x["a"]), NOTHING, TWO, [2, NAN]),
    Case("all null: gaussian", lambda x: tt.scale_to_gaussian(x["a"]), NOTHING, TWO, [2, NAN]),
    Case("all null: bucketize", lambda x: tt.bucketize(x["a"], 4), NOTHING, TWO, [0, NAN]),
    Case("all null: quantile", lambda x: x["a"] - tt.quantile(x["a"], 0.5), NOTHING, TWO, [2, NAN]),
    Case("all null: histogram", lambda x: tt.histogram(x["a"], 3).count_of(x["a"]), NOTHING, TWO, [0, 0]),
    Case("all null: vocabulary", lambda x: tt.vocabulary(x["k"]), NOTHING, NEW, [-1]),
    Case("all null: per key", lambda x: tt.scale_to_z_score_per_key(x["a"], x["k"]), NOTHING, NEW, [2]),
    Case("all null: target_encode", lambda x: tt.target_encode(x["k"], x["a"]), NOTHING, NEW, [0]),
    Case("all null: pca", lambda x: tt.pca(tt.vector(x["a"], x["i"]), 2), NOTHING, NEW, [[2, 99]]),
    Case("zero variance: z-score", z, ONE_VALUE, {"a": [5.0, 7.0]}, [0, 2]),
    Case("zero variance: scale_to_0_1", lambda x: tt.scale_to_0_1(x["a"]), ONE_VALUE, {"a": [0.0]}, [0.5]),
    Case("zero variance: robust", lambda x: tt.scale_robustly(x["a"]), ONE_VALUE, {"a": [5.0, 7.0]}, [0, 2]),
    Case("zero variance: gaussian", lambda x: tt.scale_to_gaussian(x["a"]), ONE_VALUE, {"a": [5.0, 7.0]}, [0, 2]),
    Case("zero variance: bucketize", lambda x: tt.bucketize(x["a"], 4), ONE_VALUE, {"a": [4.0, 5.0]}, [0, 0]),
    Case(
        "zero variance: per key",
        lambda x: tt.scale_to_z_score_per_key(x["a"], x["k"]),
        ONE_VALUE,
        {"a": [6.0], "k": ["x"]},
        [1],
    ),
    Case(
        "infinite: left out at analysis",
        z,
        {"a": [1.0, 3.0, math.inf, -math.inf]},
        {"a": [3.0, math.inf]},
        [1, math.inf],
    ),
    Case("NaN is missing", lambda x: tt.is_missing(x["a"]), SEEN, {"a": [NAN, None, 1.0]}, [1, 1, 0]),
    Case("empty text is text", lambda x: tt.length(x["k"]), SEEN, {"k": ["", None]}, [0, NAN]),
    Case(
        "int64 beyond floats: exact as a key",
        lambda x: tt.lookup(x["i"], [2**62, 2**62 + 1]),
        SEEN,
        {"i": [2**62 + 1, 2**62, 2**62 + 2]},
        [1, 0, -1],
    ),
    Case("every plane and NUL: length", lambda x: tt.length(x["k"]), SEEN, {"k": ODD}, [len(text) for text in ODD]),
    Case(
        "every plane and NUL: vocabulary",
        lambda x: tt.vocabulary(x["k"]),
        {"k": ODD},
        {"k": ODD},
        [sorted(ODD).index(text) for text in ODD],
    ),
    Case(
        "every plane and NUL: bytes",
        lambda x: tt.lookup(x["y"], ODD),
        SEEN,
        {"y": [text.encode() for text in ODD]},
        list(range(len(ODD))),
    ),
    Case(
        "every plane and NUL: equal", lambda x: x["k"] == "a\x00b", SEEN, {"k": ODD}, [text == "a\x00b" for text in ODD]
    ),
    Case(
        "every plane and NUL: tokens",
        lambda x: tt.token_ids(tt.tokens(x["k"], separator="|", size=1)),
        {"k": ODD},
        {"k": ODD},
        [sorted(ODD).index(text) for text in ODD],
    ),
]
REFUSED = [
    Refused(
        "reserved character", lambda x: tt.vocabulary(x["k"]), {"k": ["a", "\U0010ffff"]}, InputValueError, "U\\+10FFFF"
    ),
    Refused("not UTF-8", lambda x: tt.vocabulary(x["y"]), {"y": [b"a", b"\xff"]}, InputValueError, "not UTF-8"),
    Refused("int64 beyond floats as a number", lambda x: x["i"] + 0, {"i": [1, 2**53]}, InputValueError, "2\\*\\*53"),
    Refused("text for a number", z, {"a": ["1", "two"]}, InputValueError, "'a'"),
    Refused("column that is not there", z, {"i": [1, 2]}, InputColumnError, "'a'"),
]


def table(columns: dict[str, list[Any]]) -> pa.Table:
    arrow = SCHEMA.arrow_schema()
    return pa.table({name: pa.array(columns[name], arrow.field(name).type) for name in arrow.names if name in columns})


def whole(columns: dict[str, list[Any]]) -> pa.Table:
    size = len(next(iter(columns.values())))
    rows = table({name: columns.get(name, [None] * size) for name in TYPES})
    return rows.append_column("__row_id__", pa.array([f"{row:032x}" for row in range(size)]))


def fitted(op: Callable[[Any], Any], train: dict[str, list[Any]]) -> tt.TransformGraph:
    rows = whole(train)
    return tt.analyze(lambda x: {"out": op(x)}, SCHEMA, lambda columns: iter(rows.select(columns).to_batches(2)))


def alone(graph: tt.TransformGraph, columns: dict[str, list[Any]]) -> Any:
    """Row by row, as requests bring them."""
    session = Session(serialize(graph.feature_model()))
    specs = [InputSpec(name, TYPES[name], kind) for name, kind in session.inputs.items()]
    size = len(next(iter(columns.values())))
    rows = [{name: values[row] for name, values in columns.items()} for row in range(size)]
    return np.concatenate([session.run(encode_rows(specs, [row]))[0] for row in rows])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_defined_result(case: Case) -> None:
    graph = fitted(case.op, case.train)
    wanted = np.array(case.gives, np.float32).reshape(len(case.gives), -1)
    columns = {name: case.rows.get(name, [None] * len(wanted)) for name in TYPES}
    np.testing.assert_allclose(graph.feature_matrix(whole(case.rows)), wanted, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(alone(graph, columns), wanted, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_an_error_that_says_where(case: Refused) -> None:
    graph = fitted(case.op, SEEN)
    with pytest.raises(case.error, match=case.says) as caught:
        graph.feature_matrix(pa.table(case.rows))
    assert caught.value.where["column"] in TYPES
    with pytest.raises(case.error, match=case.says):
        alone(graph, case.rows)


def test_a_lone_surrogate_of_a_request_is_refused() -> None:
    with pytest.raises(InputValueError, match="'k'"):
        alone(fitted(lambda x: tt.vocabulary(x["k"]), SEEN), {"k": ["\ud800"]})


def test_an_empty_split_is_analyzed_and_transformed() -> None:
    graph = tt.analyze(lambda x: {"z": z(x), "k": tt.vocabulary(x["k"])}, SCHEMA, lambda columns: iter([]))
    assert graph.feature_matrix(whole(SEEN)).tolist() == [[1, -1], [3, -1], [5, -1], [7, -1]]
    assert graph.transform(whole(SEEN).slice(0, 0)).num_rows == 0


def test_a_vocabulary_file_that_is_missing_is_an_error_with_the_line(tmp_path: Path) -> None:
    with pytest.raises(TransformError, match="The vocabulary cannot be read: No such file") as caught:
        fitted(lambda x: tt.lookup(x["k"], file=tmp_path / "nothing.txt"), SEEN)
    assert str(caught.value.where["line"]).startswith(__file__)
    assert caught.value.where["file"] == str(tmp_path / "nothing.txt")


def png_of(width: int, height: int, data: bytes) -> bytes:
    """A PNG that says how large it is, and holds some bytes."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


NO_IMAGES = [
    ("text", b"no image", "is no image of a known format"),
    ("nothing", b"", "is no image of a known format"),
    ("a program", b"\x7fELF" + b"\x00" * 100, "is no image of a known format"),
    ("cut off", png_of(64, 64, bytes(range(256)) * 17)[:-60], "damaged"),
    ("a bomb", png_of(60_000, 60_000, b"\x00" * 1000), "too many pixels|more than"),
    ("a smaller bomb", png_of(8_000, 8_000, b"\x00" * 1000), "more than"),
]


@pytest.mark.engines
@pytest.mark.parametrize(
    ("data", "says"), [(data, says) for _, data, says in NO_IMAGES], ids=[n for n, _, _ in NO_IMAGES]
)
def test_what_is_no_image_is_an_error_with_the_row_or_missing(data: bytes, says: str) -> None:
    pytest.importorskip("PIL", reason="pip install 'treadle[images]'")
    good = png_of(1, 1, b"\x00\xff")
    refusing = fitted(lambda x: tt.image(x["y"], (1, 1), color="grey"), SEEN)
    with pytest.raises(InputValueError, match=says) as caught:
        refusing.feature_matrix(table({"y": [good, data]}))
    assert caught.value.where == {"column": "y", "row": 1}
    taking = fitted(lambda x: tt.image(x["y"], (1, 1), color="grey", invalid="missing"), SEEN)
    np.testing.assert_array_equal(taking.feature_matrix(table({"y": [good, data]})), [[1], [NAN]])
