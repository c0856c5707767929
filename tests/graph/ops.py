"""Every operation of ``preprocess`` once, and columns of every type to try them on."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import onnx
import pyarrow as pa
from hypothesis import strategies as st
from onnx import TensorProto, helper

from treadle import transform as tt
from treadle.schema import Schema

SCHEMA = Schema.loads(
    "".join(
        f'[features.{name}]\ntype = "{kind}"\n'
        for name, kind in {
            "f": "float",
            "g": "float",
            "i": "int",
            "k": "int",
            "s": "string",
            "r": "string",
            "y": "bytes",
            "b": "bool",
            "t": "timestamp",
            "u": "timestamp",
        }.items()
    )
)
ARROW = SCHEMA.arrow_schema()
EDGES = (0.0, -0.0, 1.0, -1.0, 0.5, 1e-300, 1e300, -1e300, 1e-12, float("inf"), float("-inf"), float("nan"))
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=4).filter(lambda text: text != "\U0010ffff")
FLOATS = st.none() | st.sampled_from(EDGES) | st.floats()
WORDS = st.none() | st.sampled_from(["", "a", "b", "N", "\x00", "a\x00b", "é"]) | TEXT
COLUMNS = {
    "f": FLOATS,
    "g": FLOATS,
    "i": st.none() | st.integers(-3, 3) | st.integers(-(2**53) + 1, 2**53 - 1),
    "k": st.none() | st.integers(-3, 3) | st.integers(-(2**63) + 1, 2**63 - 1),
    "s": WORDS,
    "r": WORDS,
    "y": WORDS.map(lambda text: None if text is None else text.encode()),
    "b": st.none() | st.booleans(),
    "t": st.none() | st.datetimes(),
    "u": st.none() | st.datetimes(),
}


def smaller_of(a: Any, b: Any) -> Any:
    """Of two numbers the smaller, of missing ones -1."""
    return np.where(np.isnan(a + 0 * b), -1.0, np.minimum(a, b))


def _ports(names: str) -> list[onnx.ValueInfoProto]:
    return [helper.make_tensor_value_info(name, TensorProto.DOUBLE, ["N", 1]) for name in names]


SMALLER_OF = helper.make_graph(
    [
        helper.make_node("Mul", ["zero", "b"], ["nothing"]),
        helper.make_node("Add", ["a", "nothing"], ["both"]),
        helper.make_node("IsNaN", ["both"], ["missing"]),
        helper.make_node("Min", ["a", "b"], ["least"]),
        helper.make_node("Where", ["missing", "unknown", "least"], ["y"]),
    ],
    "smaller_of",
    _ports("ab"),
    _ports("y"),
    [helper.make_tensor(name, TensorProto.DOUBLE, [1], [value]) for name, value in (("zero", 0.0), ("unknown", -1.0))],
)
Op = Callable[[Any], tt.Column]
OPS: dict[str, Op] = {
    "float": lambda x: x["f"],
    "int": lambda x: x["i"],
    "bool": lambda x: x["b"],
    "add": lambda x: x["f"] + x["g"],
    "subtract": lambda x: 2 - x["f"],
    "multiply": lambda x: x["f"] * x["i"],
    "divide": lambda x: x["f"] / x["g"],
    "floor_divide": lambda x: x["f"] // x["i"],
    "remainder": lambda x: x["f"] % 3,
    "power": lambda x: x["f"] ** 2,
    "negative": lambda x: -x["f"],
    "absolute": lambda x: abs(x["i"]),
    "log": lambda x: tt.log(x["f"]),
    "log1p": lambda x: tt.log1p(x["f"]),
    "exp": lambda x: tt.exp(x["f"]),
    "sqrt": lambda x: tt.sqrt(x["f"]),
    "floor": lambda x: tt.floor(x["f"]),
    "ceil": lambda x: tt.ceil(x["f"]),
    "sign": lambda x: tt.sign(x["f"]),
    "minimum": lambda x: tt.minimum(x["f"], x["g"]),
    "maximum": lambda x: tt.maximum(x["f"], 0),
    "clip": lambda x: tt.clip(x["f"], -1, 1),
    "less": lambda x: x["f"] < x["g"],
    "less_equal": lambda x: x["f"] <= 1,
    "greater": lambda x: x["i"] > x["f"],
    "greater_equal": lambda x: x["f"] >= x["g"],
    "equal": lambda x: x["i"] == 1,
    "not_equal": lambda x: x["f"] != x["g"],
    "text_equal": lambda x: x["s"] == "a",
    "text_not_equal": lambda x: x["s"] != "a",
    "texts_equal": lambda x: x["s"] == x["r"],
    "texts_not_equal": lambda x: x["s"] != x["r"],
    "and": lambda x: (x["f"] > 0) & (x["g"] > 0),
    "or": lambda x: (x["f"] > 0) | x["b"],
    "xor": lambda x: (x["f"] > 0) ^ (x["g"] > 0),
    "not": lambda x: ~x["b"],
    "is_missing": lambda x: tt.is_missing(x["f"]),
    "is_missing_int": lambda x: tt.is_missing(x["k"]),
    "is_missing_text": lambda x: tt.is_missing(x["s"]),
    "is_missing_time": lambda x: tt.is_missing(x["t"]),
    "is_missing_bool": lambda x: tt.is_missing(x["b"]),
    "fill": lambda x: tt.fill_missing(x["f"], -1),
    "fill_int": lambda x: tt.fill_missing(x["i"], 7),
    "fill_int_fraction": lambda x: tt.fill_missing(x["i"], 0.5),
    "fill_column": lambda x: tt.fill_missing(x["f"], x["g"]),
    "where": lambda x: tt.where(x["f"] > 0, x["g"], 0),
    "where_int": lambda x: tt.where(x["b"], x["i"], 9),
    "where_truth": lambda x: tt.where(x["b"], x["f"] > 0, x["g"] > 0),
    "cast_float": lambda x: tt.cast(x["f"] > 0, "float"),
    "cast_int": lambda x: tt.cast(x["f"], "int"),
    "cast_bool": lambda x: tt.cast(x["f"], "bool"),
    "hour": lambda x: tt.hour_of_day(x["t"]),
    "weekday": lambda x: tt.day_of_week(x["t"]),
    "month": lambda x: tt.month(x["t"]),
    "seconds": lambda x: x["t"] - x["u"],
    "mean": lambda x: x["f"] - tt.mean(x["f"]),
    "std_dev": lambda x: x["f"] * tt.std_dev(x["f"]),
    "range": lambda x: (x["i"] - tt.lowest(x["i"])) / tt.highest(x["i"]),
    "z_score": lambda x: tt.scale_to_z_score(x["f"]),
    "z_score_int": lambda x: tt.scale_to_z_score(tt.fill_missing(x["i"], 0)),
    "two_phases": lambda x: tt.scale_to_z_score(tt.fill_missing(x["f"], tt.mean(x["f"]))),
    "bucketize": lambda x: tt.bucketize(x["f"], 4),
    "bucketize_fixed": lambda x: tt.bucketize(x["f"], boundaries=[-1, 0, 0.5]),
    "vocabulary": lambda x: tt.vocabulary(x["k"]),
    "vocabulary_oov": lambda x: tt.vocabulary(x["k"], top_k=2, num_oov_buckets=1),
    "vocabulary_filled": lambda x: tt.vocabulary(tt.fill_missing(x["k"], -9), top_k=2),
    "vocabulary_text": lambda x: tt.vocabulary(x["s"], min_count=2, num_oov_buckets=1),
    "vocabulary_bytes": lambda x: tt.vocabulary(x["y"], top_k=3),
    "vocabulary_text_filled": lambda x: tt.vocabulary(tt.fill_missing(x["s"], "?")),
    "vocabulary_chosen": lambda x: tt.vocabulary(tt.where(x["b"], x["s"], "no")),
    "vocabulary_both_uses": lambda x: tt.vocabulary(x["i"]) + x["i"],
    "bucketize_many": lambda x: tt.bucketize(x["f"], 100),
    "bucketize_weighted": lambda x: tt.bucketize(x["f"], 4, weights=x["g"]),
    "bucketize_fixed_many": lambda x: tt.bucketize(x["g"], boundaries=[value / 7 for value in range(-40, 40)]),
    "bucketize_vector": lambda x: tt.bucketize(tt.vector(x["f"], x["g"]), 3),
    "bucketize_per_key": lambda x: tt.bucketize_per_key(x["f"], x["s"], 3),
    "bucketize_per_key_int": lambda x: tt.bucketize_per_key(x["g"], x["k"], 30),
    "interpolated": lambda x: tt.apply_buckets_with_interpolation(x["f"], tt.quantiles(x["f"], 4)),
    "interpolated_fixed": lambda x: tt.apply_buckets_with_interpolation(x["g"], [-1, 0, 2]),
    "interpolated_two": lambda x: tt.apply_buckets_with_interpolation(x["g"], [-1, 2]),
    "interpolated_one": lambda x: tt.apply_buckets_with_interpolation(x["g"], [0.5]),
    "min_max": lambda x: tt.scale_by_min_max(x["f"], -1, 3),
    "min_max_vector": lambda x: tt.scale_to_0_1(tt.vector(x["f"], x["i"])),
    "min_max_elementwise": lambda x: tt.scale_to_0_1(tt.vector(x["f"], x["i"]), elementwise=True),
    "min_max_per_key": lambda x: tt.scale_to_0_1_per_key(x["f"], x["s"]),
    "z_score_per_key": lambda x: tt.scale_to_z_score_per_key(x["f"], x["k"]),
    "z_score_per_bucket": lambda x: tt.scale_to_z_score_per_key(x["f"], tt.bucketize(x["g"], 2)),
    "count_per_key": lambda x: tt.count_per_key(x["s"]),
    "mean_per_key": lambda x: tt.mean_per_key(x["i"], x["s"]),
    "robust": lambda x: tt.scale_robustly(x["f"]),
    "gaussian": lambda x: tt.scale_to_gaussian(x["f"]),
    "density": lambda x: tt.estimated_probability_density(x["f"], 5),
    "density_edges": lambda x: tt.estimated_probability_density(x["g"], [-1, 0, 1]),
    "histogram_count": lambda x: tt.histogram(x["f"], 5).count_of(x["g"]),
    "histogram_share": lambda x: tt.histogram(x["g"], [-1, 0, 1]).share_of(x["g"]),
    "histogram_text": lambda x: tt.histogram(x["s"], categorical=True).count_of(x["r"]),
    "density_text": lambda x: tt.estimated_probability_density(x["s"], categorical=True),
    "pca": lambda x: tt.pca(tt.vector(x["f"], x["g"], x["i"]), 2, center=True),
    "random_projection": lambda x: tt.random_projection(tt.vector(x["f"], x["g"]), 2),
    "numpy_function": lambda x: tt.numpy_function(np.abs, x["f"], body=abs),
    "numpy_function_onnx": lambda x: tt.numpy_function(smaller_of, x["f"], x["i"], body=SMALLER_OF),
    "numpy_function_twice": lambda x: tt.numpy_function(smaller_of, x["g"], x["f"], body=SMALLER_OF),
    "one_hot": lambda x: tt.one_hot(tt.vocabulary(x["s"], num_oov_buckets=1)),
    "one_hot_values": lambda x: tt.one_hot(x["k"], values=[0, 1, 2]),
    "one_hot_words": lambda x: tt.one_hot(x["s"], values=["", "a"]),
    "one_hot_hour": lambda x: tt.one_hot(tt.hour_of_day(x["t"])),
    "one_hot_month": lambda x: tt.one_hot(tt.month(x["u"])),
    "one_hot_buckets": lambda x: tt.one_hot(tt.bucketize(x["g"], 3)),
}


def everything(x: Any) -> dict[str, tt.Column]:
    """All operations at once: what horizontal fusion joins must stay apart in meaning."""
    return {name: op(x) for name, op in OPS.items()}


@st.composite
def tables(draw: st.DrawFn, max_rows: int = 8, names: Collection[str] = tuple(COLUMNS)) -> pa.Table:
    """Rows of every type with nulls, NaN, infinities, empty text, rare and extreme values.

    With ``names`` of these columns only: drawing the others takes ten times as long as testing one operation.
    """
    rows = draw(st.integers(1, max_rows))
    columns = {name: draw(st.lists(COLUMNS[name], min_size=rows, max_size=rows)) for name in names}
    return pa.table({name: pa.array(columns[name], ARROW.field(name).type, from_pandas=False) for name in names})


def many_rows(count: int, seed: int = 0) -> pa.Table:
    """The same kind of rows, many and quickly."""
    random = np.random.default_rng(seed)

    def column(name: str, values: Any) -> Any:
        return pa.array(values, ARROW.field(name).type, mask=random.random(count) < 0.1, from_pandas=False)

    def floats() -> Any:
        # Squares of 1e300 cannot be summed, and these rows are for comparing sums.
        edges = random.choice(np.array([value for value in EDGES if not 1e200 < abs(value) < np.inf]), count)
        return np.where(random.random(count) < 0.2, edges, random.normal(0, 3, count))

    times = [random.integers(-(10**16), 10**16, count).astype("datetime64[us]") for _ in range(2)]
    words = np.array(["", "a", "b", "N", "a\x00b", "é", "longer words"], dtype=object)
    texts = [random.choice(words, count) for _ in range(3)]
    return pa.table(
        {
            "f": column("f", floats()),
            "g": column("g", floats()),
            "i": column("i", random.integers(-5, 5, count)),
            "k": column("k", random.integers(-(2**62), 2**62, count) * (random.random(count) < 0.2)),
            "s": column("s", texts[0]),
            "r": column("r", texts[1]),
            "y": column("y", np.array([text.encode() for text in texts[2]], dtype=object)),
            "b": column("b", random.random(count) < 0.5),
            "t": column("t", times[0]),
            "u": column("u", times[1]),
        }
    )
