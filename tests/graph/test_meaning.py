"""What each operation means: compared with numpy on the same rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from ops import OPS, SCHEMA, many_rows, smaller_of

from treadle import transform as tt

ROWS = many_rows(1000)
NAN = float("nan")


def number(name: str) -> Any:
    column = ROWS[name].cast(pa.float64(), safe=False)
    return np.array([NAN if value is None else value for value in column.to_pylist()])


def truth(name: str) -> Any:
    return np.array([value is True for value in ROWS[name].to_pylist()])


F, G, INT = number("f"), number("g"), number("i")
S, R, K, T, U = (ROWS[name].to_pylist() for name in "srktu")
B = truth("b")
Y = [None if value is None else value.decode() for value in ROWS["y"].to_pylist()]
EPOCH = datetime(1970, 1, 1)


def finite(values: Any) -> Any:
    return values[np.isfinite(values)]


def z(values: Any) -> Any:
    kept = finite(values)
    return (values - kept.mean()) / (kept.std() or 1)


def ids(values: list[Any], *, top_k: int | None = None, min_count: int = 1, oov: bool = False) -> Any:
    counts = Counter(value for value in values if value is not None)
    order = sorted((value for value in counts if counts[value] >= min_count), key=lambda v: (-counts[v], v))[:top_k]
    found = {value: index for index, value in enumerate(order)}
    return np.array([found.get(value, len(found) if oov else -1) for value in values], dtype=float)


def part(values: list[Any], function: Callable[[datetime], int]) -> Any:
    return np.array([NAN if value is None else function(value) for value in values])


def buckets(values: Any, boundaries: Any) -> Any:
    index = np.searchsorted(boundaries, values, side="right").astype(float)
    index[np.isnan(values)] = NAN
    return index


def quantile_buckets(values: Any, num_buckets: int) -> Any:
    kept = np.sort(finite(values))
    below = [np.count_nonzero(kept < value) for value in kept]
    shares = [i * len(kept) / num_buckets for i in range(1, num_buckets)]
    boundaries = [next((v for v, b in zip(kept, below, strict=True) if b >= share), NAN) for share in shares]
    return buckets(values, np.unique(finite(np.array(boundaries))))


def hot(index: Any, depth: int, low: int = 0) -> Any:
    return (np.asarray(index)[:, None] == np.arange(low, low + depth)).astype(float)


def filled(values: Any, by: Any) -> Any:
    return np.where(np.isnan(values), by, values)


def seconds(start: Any, end: Any) -> float:
    return NAN if start is None or end is None else (end - start) / timedelta(seconds=1)


EXPECTED: dict[str, Callable[[], Any]] = {
    "float": lambda: F,
    "int": lambda: INT,
    "bool": lambda: np.array([NAN if value is None else value for value in ROWS["b"].to_pylist()], dtype=float),
    "add": lambda: F + G,
    "subtract": lambda: 2 - F,
    "multiply": lambda: F * INT,
    "divide": lambda: F / G,
    "floor_divide": lambda: np.floor(F / INT),
    "remainder": lambda: F - np.floor(F / 3) * 3,
    "power": lambda: F**2,
    "negative": lambda: -F,
    "absolute": lambda: np.abs(INT),
    "log": lambda: np.log(F),
    "log1p": lambda: np.log1p(F),
    "exp": lambda: np.exp(F),
    "sqrt": lambda: np.sqrt(F),
    "floor": lambda: np.floor(F),
    "ceil": lambda: np.ceil(F),
    "sign": lambda: np.sign(F),
    "minimum": lambda: np.minimum(F, G),
    "maximum": lambda: np.maximum(F, 0),
    "clip": lambda: np.clip(F, -1, 1),
    "less": lambda: F < G,
    "less_equal": lambda: F <= 1,
    "greater": lambda: INT > F,
    "greater_equal": lambda: F >= G,
    "equal": lambda: INT == 1,
    "not_equal": lambda: F != G,
    "text_equal": lambda: [value == "a" for value in S],
    "text_not_equal": lambda: [value != "a" for value in S],
    "texts_equal": lambda: [a == b and a is not None for a, b in zip(S, R, strict=True)],
    "texts_not_equal": lambda: [a != b or a is None for a, b in zip(S, R, strict=True)],
    "and": lambda: (F > 0) & (G > 0),
    "or": lambda: (F > 0) | B,
    "xor": lambda: (F > 0) ^ (G > 0),
    "not": lambda: ~B,
    "is_missing": lambda: np.isnan(F),
    "is_missing_int": lambda: [value is None for value in K],
    "is_missing_text": lambda: [value is None for value in S],
    "is_missing_time": lambda: [value is None for value in T],
    "is_missing_bool": lambda: [value is None for value in ROWS["b"].to_pylist()],
    "fill": lambda: filled(F, -1),
    "fill_int": lambda: filled(INT, 7),
    "fill_int_fraction": lambda: filled(INT, 0.5),
    "fill_column": lambda: filled(F, G),
    "where": lambda: np.where(F > 0, G, 0),
    "where_int": lambda: np.where(B, INT, 9),
    "where_truth": lambda: np.where(B, F > 0, G > 0),
    "cast_float": lambda: F > 0,
    "cast_int": lambda: np.where(np.abs(F) < 2.0**63, np.trunc(F), NAN),
    "cast_bool": lambda: (F != 0) & ~np.isnan(F),
    "hour": lambda: part(T, lambda time: time.hour),
    "weekday": lambda: part(T, lambda time: time.weekday()),
    "month": lambda: part(T, lambda time: time.month),
    "seconds": lambda: np.array([seconds(start, end) for start, end in zip(U, T, strict=True)]),
    "mean": lambda: F - finite(F).mean(),
    "std_dev": lambda: F * finite(F).std(),
    "range": lambda: (INT - np.nanmin(INT)) / np.nanmax(INT),
    "z_score": lambda: z(F),
    "z_score_int": lambda: z(filled(INT, 0)),
    "two_phases": lambda: z(filled(F, finite(F).mean())),
    "bucketize": lambda: quantile_buckets(F, 4),
    "bucketize_fixed": lambda: buckets(F, [-1, 0, 0.5]),
    "vocabulary": lambda: ids(K),
    "vocabulary_oov": lambda: ids(K, top_k=2, oov=True),
    "vocabulary_filled": lambda: ids([-9 if value is None else value for value in K], top_k=2),
    "vocabulary_text": lambda: ids(S, min_count=2, oov=True),
    "vocabulary_bytes": lambda: ids(Y, top_k=3),
    "vocabulary_text_filled": lambda: ids(["?" if value is None else value for value in S]),
    "vocabulary_chosen": lambda: ids([value if b else "no" for value, b in zip(S, B, strict=True)]),
    "vocabulary_both_uses": lambda: ids([None if np.isnan(i) else i for i in INT]) + INT,
    "numpy_function": lambda: np.abs(F),
    "numpy_function_onnx": lambda: smaller_of(F, INT),
    "numpy_function_twice": lambda: smaller_of(G, F),
    "one_hot": lambda: hot(ids(S, oov=True), len(set(S) - {None}) + 1),
    "one_hot_values": lambda: hot([-1 if value not in (0, 1, 2) else value for value in K], 3),
    "one_hot_words": lambda: hot([["", "a"].index(value) if value in ("", "a") else -1 for value in S], 2),
    "one_hot_hour": lambda: hot(part(T, lambda time: time.hour), 24),
    "one_hot_month": lambda: hot(part(U, lambda time: time.month), 12, low=1),
    "one_hot_buckets": lambda: hot(quantile_buckets(G, 3), 3),
}


def computed(op: Callable[[Any], tt.Column], table: pa.Table = ROWS) -> Any:
    graph = tt.analyze(lambda x: {"out": op(x)}, SCHEMA, lambda columns: iter(table.select(columns).to_batches(137)))
    return graph.feature_matrix(table)


SCALING = ("min_max", "z_score_per", "robust", "gaussian", "count_per_key", "mean_per_key", "interpolated")
BUCKETS = ("bucketize_many", "bucketize_weighted", "bucketize_fixed_many", "bucketize_vector", "bucketize_per_key")
SPREAD = ("density", "histogram")
ELSEWHERE = (*SCALING, *BUCKETS, *SPREAD, "pca", "random_projection")
"""How operations begin whose meaning ``tests/transform/test_numeric.py`` holds."""


def test_every_operation_has_a_meaning() -> None:
    assert {name for name in OPS if not name.startswith(ELSEWHERE)} == EXPECTED.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_an_operation_means_what_numpy_says(name: str) -> None:
    with np.errstate(all="ignore"):
        expected = np.asarray(EXPECTED[name](), dtype=np.float64).astype(np.float32)
    got = computed(OPS[name])
    expected = expected.reshape(len(expected), -1)
    assert got.shape == expected.shape
    # The graph computes in float64: what is left is the last rounding, and the order of a mean's sum.
    np.testing.assert_allclose(got, expected, rtol=3e-7, atol=3e-16)


def test_parts_of_time_are_right_at_the_ends_of_time() -> None:
    micros = [-(2**63) + 1, -1, 0, 2**63 - 1, -62_135_596_800_000_000, -86_400_000_001]
    table = pa.table({"t": pa.array(micros, pa.timestamp("us"))})
    hours = computed(lambda x: tt.hour_of_day(x["t"]), table)[:, 0]
    weekdays = computed(lambda x: tt.day_of_week(x["t"]), table)[:, 0]
    months = computed(lambda x: tt.month(x["t"]), table)[:, 0]
    assert hours.tolist() == [micro // 3_600_000_000 % 24 for micro in micros]
    assert weekdays.tolist() == [(micro // 86_400_000_000 + 3) % 7 for micro in micros]
    days = (np.array(micros) // 86_400_000_000).astype("datetime64[D]")
    assert months.tolist() == (days.astype("datetime64[M]").astype(int) % 12 + 1).tolist()


def test_integer_keys_are_exact_beyond_the_floats() -> None:
    near = [2**62, 2**62 + 1, None, 2**62 + 2]
    table = pa.table({"k": pa.array(near, pa.int64())})
    assert computed(lambda x: tt.vocabulary(x["k"]), table)[:, 0].tolist() == [0, 1, -1, 2]


@pytest.mark.parametrize("edges", [2, 17, 40])
def test_buckets_include_their_lower_boundary(edges: int) -> None:
    boundaries = [float(value) for value in range(edges)]
    values = [-0.5, -0.0, 0.0, 0.5, 1.0, edges - 1.0, 1e300, float("inf"), float("-inf"), None]
    table = pa.table({"f": pa.array(values, pa.float64())})
    got = computed(lambda x: tt.bucketize(x["f"], boundaries=boundaries), table)[:, 0]
    expected = [0, 1, 1, 1, 2, edges, edges, edges, 0, NAN]
    np.testing.assert_array_equal(got, expected)


def test_utc_is_not_assumed() -> None:
    local = datetime(2018, 7, 4, 23, 30)
    assert local.replace(tzinfo=UTC).hour == 23
    table = pa.table({"t": [local]})
    assert computed(lambda x: tt.hour_of_day(x["t"]), table)[0, 0] == 23
