"""Operations on features that are lists: each as it is written, and what it means in Python."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st
from ops import EDGES, TEXT

from treadle import transform as tt
from treadle.schema import Schema

SIZE = 4
TYPES = {"n": "float", "i": "int", "s": "string", "b": "bool", "t": "timestamp", "y": "bytes"}
SCHEMA = Schema.loads(
    '[features.f]\ntype = "float"\n'
    + "".join(f'[features.{name}]\ntype = "{kind}"\nlist = true\nmax_items = {SIZE}\n' for name, kind in TYPES.items())
)
ARROW = SCHEMA.arrow_schema()
ITEMS = {
    "n": st.none() | st.sampled_from(EDGES) | st.floats(),
    "i": st.none() | st.integers(-3, 3) | st.integers(-(2**53) + 1, 2**53 - 1),
    "s": st.none() | st.sampled_from(["", "a", "b", "a\x00b", "é"]) | TEXT,
    "b": st.none() | st.booleans(),
    "t": st.none() | st.datetimes(),
    "y": st.none() | TEXT.map(str.encode),
}
NAN = math.nan
Row = list[Any] | None
Op = Callable[[Any], Any]


@st.composite
def tables(draw: st.DrawFn, max_rows: int = 6) -> pa.Table:
    """Rows of lists: missing, empty, longer than the graph takes, with missing and extreme items."""
    rows = draw(st.integers(1, max_rows))
    columns: dict[str, Any] = {"f": draw(st.lists(st.none() | st.floats(), min_size=rows, max_size=rows))}
    for name, item in ITEMS.items():
        lists = st.none() | st.lists(item, max_size=SIZE + 2)
        columns[name] = draw(st.lists(lists, min_size=rows, max_size=rows))
    return pa.table(columns, schema=ARROW)


def many_rows(count: int, seed: int = 0) -> pa.Table:
    """The same kind of rows, many and quickly."""
    random = np.random.default_rng(seed)
    pools: dict[str, list[Any]] = {
        "n": [*random.normal(0, 3, 50).tolist(), 0.0, 1.5, None, NAN],
        "i": [*range(-5, 6), 2**40, None],
        "s": ["", "a", "b", "N", "a\x00b", "é", "longer words", None],
        "b": [True, False, None],
        "t": [*random.integers(-(10**16), 10**16, 9).astype("datetime64[us]").tolist(), None],
        "y": [b"", b"a", "é".encode(), None],
    }
    columns: dict[str, Any] = {"f": random.normal(0, 3, count)}
    for name, pool in pools.items():
        lengths = random.integers(-1, SIZE + 3, count).tolist()
        columns[name] = [
            None if k < 0 else [pool[at] for at in random.integers(0, len(pool), k).tolist()] for k in lengths
        ]
    return pa.table(columns, schema=ARROW)


ROWS = many_rows(500, seed=4)
RAW: dict[str, list[Row]] = {name: ROWS[name].to_pylist() for name in TYPES}


def there(row: Row) -> list[Any]:
    """The items that the graph sees and that are not missing."""
    return [item for item in (row or [])[:SIZE] if item is not None and item == item]


def padded(row: Row, size: int = SIZE) -> list[Any]:
    kept = (row or [])[:size]
    return [NAN if item is None else item for item in kept] + [NAN] * (size - len(kept))


def halves(values: list[float]) -> float:
    """The sum in the order in which the graph adds: halves, and halves of halves."""
    while len(values) > 1:
        half = (len(values) + 1) // 2
        values = [a + b for a, b in zip(values[:half], values[half:], strict=False)] + values[len(values) - half : half]
    return values[0]


def total(row: Row) -> float:
    return NAN if row is None else halves([0.0 if item != item else float(item) for item in padded(row)])


def mean(row: Row) -> float:
    return total(row) / len(there(row)) if there(row) else NAN


def deviation(row: Row) -> float:
    return float(np.std(there(row))) if there(row) else NAN


def hot(rows: list[Row], values: list[Any]) -> list[list[float]]:
    return [[float(value in there(row)) for value in values] for row in rows]


def order(rows: list[list[Any]]) -> list[Any]:
    counted = Counter(token for row in rows for token in row[:SIZE])
    return sorted(counted, key=lambda token: (-counted[token], token))


def found(rows: list[Row]) -> list[list[Any]]:
    """The items that are not missing, as many as the graph takes."""
    return [[item for item in row or [] if item is not None][:SIZE] for row in rows]


def ids(rows: list[list[Any]]) -> list[list[float]]:
    known = order(rows)
    return [[known.index(token) for token in row] + [-1.0] * (SIZE - len(row)) for row in rows]


def bag(rows: list[list[Any]]) -> list[list[float]]:
    return [[float(row.count(token)) for token in order(rows)] for row in rows]


def scaled(rows: list[Row]) -> list[list[float]]:
    values = np.array([padded(row) for row in rows], dtype=np.float64)
    return ((values - np.nanmean(values)) / np.nanstd(values)).tolist()


def tfidf(rows: list[list[Any]]) -> list[list[float]]:
    df = Counter(token for row in rows for token in set(row))
    tokens = sorted(df, key=lambda token: (-df[token], token))
    weight = {token: 1 + math.log((len(rows) + 1) / (df[token] + 1)) for token in tokens}
    return [[row.count(token) / max(len(row), 1) * weight[token] for token in tokens] for row in rows]


OPS: dict[str, tuple[Op, Callable[[], Any]]] = {
    "items": (lambda x: x["n"], lambda: [padded(row) for row in RAW["n"]]),
    "items_int": (lambda x: x["i"], lambda: [padded(row) for row in RAW["i"]]),
    "items_bool": (lambda x: x["b"], lambda: [padded(row) for row in RAW["b"]]),
    "items_last": (
        lambda x: tt.items(x["n"], size=2, keep="last"),
        lambda: [padded((row or [])[-2:], 2) for row in RAW["n"]],
    ),
    "items_more": (lambda x: tt.items(x["i"], size=9), lambda: [padded(row, 9) for row in RAW["i"]]),
    "item": (lambda x: x["n"][1], lambda: [padded(row)[1] for row in RAW["n"]]),
    "item_category": (
        lambda x: tt.one_hot(x["i"][0], values=[1, 2]),
        lambda: [[float(padded(row)[0] == value) for value in (1, 2)] for row in RAW["i"]],
    ),
    "item_text": (lambda x: x["s"][0] == "a", lambda: [padded(row)[0] == "a" for row in RAW["s"]]),
    "item_words": (
        lambda x: tt.one_hot(x["s"][1], values=["a", ""]),
        lambda: [[float(padded(row)[1] == value) for value in ("a", "")] for row in RAW["s"]],
    ),
    "item_time": (
        lambda x: tt.hour_of_day(x["t"][0]),
        lambda: [NAN if padded(row)[0] != padded(row)[0] else padded(row)[0].hour for row in RAW["t"]],
    ),
    "seconds": (
        lambda x: x["t"][1] - x["t"][0],
        lambda: [
            (padded(row)[1] - padded(row)[0]).total_seconds() if len(there(row[:2] if row else row)) == 2 else NAN
            for row in RAW["t"]
        ],
    ),
    "sum": (lambda x: x["n"].sum(), lambda: [total(row) for row in RAW["n"]]),
    "sum_int": (lambda x: x["i"].sum(), lambda: [total(row) for row in RAW["i"]]),
    "mean": (lambda x: x["n"].mean(), lambda: [mean(row) for row in RAW["n"]]),
    "std_dev": (lambda x: x["n"].std_dev(), lambda: [deviation(row) for row in RAW["n"]]),
    "min": (lambda x: x["i"].min(), lambda: [min(there(row), default=NAN) for row in RAW["i"]]),
    "max": (lambda x: x["n"].max(), lambda: [max(there(row), default=NAN) for row in RAW["n"]]),
    "count": (lambda x: x["n"].count(), lambda: [len(there(row)) for row in RAW["n"]]),
    "count_text": (lambda x: x["s"].count(), lambda: [len(there(row)) for row in RAW["s"]]),
    "length": (lambda x: x["n"].length(), lambda: [NAN if row is None else len(row) for row in RAW["n"]]),
    "length_function": (lambda x: tt.length(x["y"]), lambda: [NAN if row is None else len(row) for row in RAW["y"]]),
    "contains": (lambda x: x["n"].contains(1.5), lambda: [1.5 in there(row) for row in RAW["n"]]),
    "contains_int": (lambda x: x["i"].contains(2**40), lambda: [2**40 in there(row) for row in RAW["i"]]),
    "contains_text": (lambda x: x["s"].contains("a\x00b"), lambda: ["a\x00b" in there(row) for row in RAW["s"]]),
    "contains_bytes": (lambda x: x["y"].contains("é"), lambda: ["é".encode() in there(row) for row in RAW["y"]]),
    "z_score": (lambda x: tt.scale_to_z_score(x["n"]), lambda: scaled(RAW["n"])),
    "log_each": (
        lambda x: tt.vector(*(tt.log1p(abs(item)) for item in x["i"])),
        lambda: [[math.log1p(abs(item)) for item in padded(row)] for row in RAW["i"]],
    ),
    "multi_hot": (lambda x: tt.multi_hot(x["s"], ["a", "zzz"]), lambda: hot(RAW["s"], ["a", "zzz"])),
    "multi_hot_int": (lambda x: tt.multi_hot(x["i"], [2, -5]), lambda: hot_found("i", [2, -5])),
    "bag": (lambda x: tt.bag_of_words(x["s"]), lambda: bag(found(RAW["s"]))),
    "bag_int": (lambda x: tt.bag_of_words(x["i"]), lambda: bag(found(RAW["i"]))),
    "token_ids": (lambda x: tt.token_ids(x["s"]), lambda: ids(found(RAW["s"]))),
    "token_ids_int": (lambda x: tt.token_ids(x["i"]), lambda: ids(found(RAW["i"]))),
    "token_ids_bytes": (lambda x: tt.token_ids(x["y"]), lambda: ids(found(decoded(RAW["y"])))),
    "pairs": (
        lambda x: tt.bag_of_words(tt.ngrams(x["s"], 2, 2, separator="|")),
        lambda: bag([[f"{a}|{b}" for a, b in pairwise(row)][:SIZE] for row in whole(RAW["s"])]),
    ),
    "unique": (
        lambda x: tt.word_count(tt.unique_tokens(x["i"])),
        lambda: [NAN if row is None else len({item for item in row if item is not None}) for row in RAW["i"]],
    ),
    "tfidf": (lambda x: tt.tfidf(x["s"]), lambda: tfidf(found(RAW["s"]))),
    "tfidf_int": (lambda x: tt.tfidf(x["i"]), lambda: tfidf(found(RAW["i"]))),
}


def hot_found(name: str, values: list[Any]) -> list[list[float]]:
    return [[float(value in row) for value in values] for row in found(RAW[name])]


OPS["multi_hot"] = (OPS["multi_hot"][0], lambda: hot_found("s", ["a", "zzz"]))


def whole(rows: list[Row]) -> list[list[Any]]:
    return [[item for item in row or [] if item is not None] for row in rows]


def decoded(rows: list[Row]) -> list[Row]:
    return [None if row is None else [None if i is None else i.decode() for i in row] for row in rows]
