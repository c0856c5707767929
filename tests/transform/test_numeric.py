"""Scaling, buckets, tables by key, components, Tukey: what they give, against numpy and by definition."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from treadle import transform as tt
from treadle.errors import TransformError
from treadle.schema import Schema
from treadle.transform.analysis._tukey import l_moments, parameters, theoretical
from treadle.transform.analysis._weighted import LIMIT, WeightedQuantilesOf

SCHEMA = Schema.loads(
    "".join(
        f'[features.{name}]\ntype = "{kind}"\n' for name, kind in {"a": "float", "b": "float", "k": "string"}.items()
    )
)


def rows(**columns: Any) -> pa.Table:
    size = len(next(iter(columns.values())))
    return pa.table({name: columns.get(name, [None] * size) for name in ("a", "b", "k")}).cast(SCHEMA.arrow_schema())


def fitted(op: Callable[[Any], Any], train: pa.Table, table: pa.Table | None = None, parts: int = 1) -> Any:
    """The output over a table, as float32 ``[N, width]``; analysed in several batches."""
    size = max(1, train.num_rows // parts)
    graph = tt.analyze(lambda x: {"out": op(x)}, SCHEMA, lambda columns: iter(train.select(columns).to_batches(size)))
    return graph.feature_matrix(train if table is None else table)


A = [1.0, 2.0, 4.0, None, 9.0]
NAN = float("nan")


def test_min_max_is_the_place_in_the_range_and_logistic_without_a_range() -> None:
    got = fitted(lambda x: tt.scale_by_min_max(x["a"], -1, 1), rows(a=A))[:, 0]
    np.testing.assert_allclose(got, [-1, -0.75, -0.25, NAN, 1])
    flat = fitted(lambda x: tt.scale_by_min_max(x["a"], 0, 2), rows(a=[3.0, 3.0]), rows(a=[0.0, 100.0]))[:, 0]
    np.testing.assert_allclose(flat, [1, 2])
    empty = fitted(lambda x: tt.scale_to_0_1(x["a"]), rows(a=[None]), rows(a=[0.0]))
    np.testing.assert_allclose(empty, [[0.5]])


def test_a_vector_is_scaled_together_or_each_column_by_itself() -> None:
    train = rows(a=[0.0, 10.0], b=[5.0, 20.0])
    together = fitted(lambda x: tt.scale_to_0_1(tt.vector(x["a"], x["b"])), train)
    np.testing.assert_allclose(together, [[0, 0.25], [0.5, 1]])
    alone = fitted(lambda x: tt.scale_to_0_1(tt.vector(x["a"], x["b"]), elementwise=True), train)
    np.testing.assert_allclose(alone, [[0, 0], [1, 1]])
    z = fitted(lambda x: tt.scale_to_z_score(tt.vector(x["a"], x["b"])), train)
    values = np.array([[0, 5], [10, 20]])
    np.testing.assert_allclose(z, (values - values.mean()) / values.std(), rtol=1e-6)


def test_a_vector_names_its_columns() -> None:
    graph = tt.analyze(
        lambda x: {"v": tt.vector(x["a"], x["b"]), "c": x["a"]}, SCHEMA, lambda columns: iter(rows(a=A).to_batches())
    )
    assert graph.feature_names == ("v[0]", "v[1]", "c")


def test_per_key_a_key_has_its_own_numbers_and_an_unseen_one_those_of_all() -> None:
    train = rows(a=[1.0, 3.0, 10.0, 30.0, 6.0], k=["p", "p", "q", "q", None])
    ask = rows(a=[1.0, 30.0, 6.0, 6.0, None], k=["p", "q", "new", None, "p"])
    every = np.array([1, 3, 10, 30, 6.0])
    z = fitted(lambda x: tt.scale_to_z_score_per_key(x["a"], x["k"]), train, ask, parts=2)[:, 0]
    other = (6 - every.mean()) / every.std()
    np.testing.assert_allclose(z, [-1, 1, other, other, NAN], rtol=1e-6)
    share = fitted(lambda x: tt.scale_to_0_1_per_key(x["a"], x["k"]), train, ask, parts=2)[:, 0]
    np.testing.assert_allclose(share, [0, 1, 5 / 29, 5 / 29, NAN], rtol=1e-6)
    assert fitted(lambda x: tt.count_per_key(x["k"]), train, ask)[:, 0].tolist() == [2, 2, 0, 0, 2]
    assert fitted(lambda x: tt.values_per_key(x["a"], x["k"]), train, ask)[:, 0].tolist() == [2, 2, 5, 5, 2]
    np.testing.assert_allclose(fitted(lambda x: tt.mean_per_key(x["a"], x["k"]), train, ask)[:2, 0], [2, 20])
    np.testing.assert_allclose(fitted(lambda x: tt.std_dev_per_key(x["a"], x["k"]), train, ask)[:2, 0], [1, 10])


def test_buckets_per_key_are_of_the_key_and_unknown_keys_have_none() -> None:
    train = rows(a=[*map(float, range(10)), *map(float, range(100, 110))], k=["p"] * 10 + ["q"] * 10)
    ask = rows(a=[0.0, 9.0, 104.0, 109.0, 5.0, None], k=["p", "p", "q", "q", "new", "p"])
    got = fitted(lambda x: tt.bucketize_per_key(x["a"], x["k"], 2), train, ask, parts=3)[:, 0]
    np.testing.assert_array_equal(got, [0, 1, 0, 1, -1, NAN])


@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 64, 99, 128, 1000])
def test_buckets_are_found_exactly_however_many(count: int) -> None:
    random = np.random.default_rng(count)
    boundaries = np.unique(random.normal(size=count))
    values = np.concatenate([boundaries, np.nextafter(boundaries, -9), random.normal(size=300), [np.inf, -np.inf]])
    got = fitted(lambda x: tt.bucketize(x["a"], boundaries=boundaries.tolist()), rows(a=values))[:, 0]
    np.testing.assert_array_equal(got, np.searchsorted(boundaries, values, side="right"))


def test_interpolation_is_linear_between_boundaries() -> None:
    values = [-1.0, 0.0, 5.0, 10.0, 15.0, 20.0, 99.0, math.inf, -math.inf, None]
    got = fitted(lambda x: tt.apply_buckets_with_interpolation(x["a"], [0, 10, 20]), rows(a=values))[:, 0]
    np.testing.assert_allclose(got, [0, 0, 0.25, 0.5, 0.75, 1, 1, 1, 0, 0.5])
    one = fitted(lambda x: tt.apply_buckets_with_interpolation(x["a"], [10]), rows(a=values))[:, 0]
    np.testing.assert_array_equal(one, [0, 0, 0, 1, 1, 1, 1, 1, 0, 0.5])
    none = fitted(
        lambda x: tt.apply_buckets_with_interpolation(x["a"], tt.quantiles(x["a"], 4)), rows(a=[None]), rows(a=[1.0])
    )
    assert none.tolist() == [[0.5]]


def test_weights_move_the_quantiles() -> None:
    train = rows(a=[1.0, 2.0, 3.0, 4.0, 5.0], b=[7.0, 1.0, 1.0, 1.0, None])
    got = fitted(lambda x: tt.bucketize(x["a"], 2, weights=x["b"]), train)[:, 0]
    assert got.tolist() == [0, 1, 1, 1, 1]
    equal = rows(a=np.arange(100.0), b=np.full(100, 0.5))
    np.testing.assert_array_equal(
        fitted(lambda x: tt.bucketize(x["a"], 7, weights=x["b"]), equal, parts=3),
        fitted(lambda x: tt.bucketize(x["a"], 7), equal),
    )


def test_weighted_values_beyond_the_limit_are_within_their_interval() -> None:
    random = np.random.default_rng(5)
    values, weights = random.normal(size=3 * LIMIT), random.random(3 * LIMIT)
    parts = [WeightedQuantilesOf(10).create() for _ in range(3)]
    for part, own, of in zip(parts, np.split(values, 3), np.split(weights, 3), strict=True):
        part.add_columns([own, of])
    parts[2].merge(parts[0])
    parts[2].merge(parts[1])
    order = np.argsort(values)
    exact = values[order][np.searchsorted(np.cumsum(weights[order]), np.arange(1, 10) * weights.sum() / 10)]
    np.testing.assert_allclose(parts[2].result()["boundaries"].values, exact, rtol=2e-2, atol=2e-3)  # type: ignore[attr-defined]


def test_robust_scaling_is_by_quartiles() -> None:
    train = rows(a=[*map(float, range(1, 10)), 1e9])
    got = fitted(lambda x: tt.scale_robustly(x["a"]), train)[:, 0]
    assert got[4] == 0
    np.testing.assert_allclose(got[0], (1 - 5) / (8 - 3))
    assert fitted(lambda x: tt.scale_robustly(x["a"]), rows(a=[2.0, 2.0]), rows(a=[5.0])).tolist() == [[3.0]]


def tukey(left: float, right: float, size: int = 20_000) -> Any:
    z = np.random.default_rng(1).normal(size=size)
    return z, 5 + 3 * z * np.exp(np.where(z < 0, left, right) * z * z / 2)


@pytest.mark.parametrize(("left", "right"), [(0.0, 0.0), (0.1, 0.3), (0.3, 0.1), (0.2, 0.2)])
def test_a_tukey_distribution_is_found_and_undone(left: float, right: float) -> None:
    z, values = tukey(left, right)
    found, counts = np.unique(values, return_counts=True)
    np.testing.assert_allclose(parameters(l_moments(found, counts)), (5, 3, left, right), atol=0.06)
    got = fitted(lambda x: tt.scale_to_gaussian(x["a"]), rows(a=values))[:, 0]
    np.testing.assert_allclose(got, z, atol=0.12)


def test_l_moments_of_the_normal_are_known() -> None:
    assert theoretical(0, 0) == pytest.approx((0, 1 / math.sqrt(math.pi), 0, 0.1226017 / math.sqrt(math.pi)), abs=1e-7)


@pytest.mark.parametrize("values", [[], [7.0], [7.0, 7.0], [1.0, 2.0], [1.0, 2.0, 3.0], list(range(50))])
def test_short_tails_and_few_values_are_only_moved_and_scaled(values: list[float]) -> None:
    train = rows(a=[*map(float, values), None])
    got = fitted(lambda x: tt.scale_to_gaussian(x["a"]), train, rows(a=[0.0, 1.0, 2.0, None]))[:, 0]
    assert np.isfinite(got[:3]).all()
    assert got[2] - got[1] == pytest.approx(got[1] - got[0], rel=1e-4)


def test_the_tukey_columns_are_the_parameters() -> None:
    _, values = tukey(0.1, 0.3)
    train = rows(a=values)
    got = fitted(
        lambda x: tt.vector(
            *(0 * x["a"] + p for p in (tt.tukey_location(x["a"]), tt.tukey_scale(x["a"]), *tt.tukey_h_params(x["a"])))
        ),
        train,
        rows(a=[0.0]),
    )
    np.testing.assert_allclose(got[0], [5, 3, 0.1, 0.3], atol=0.06)


def test_density_is_the_histogram_of_numpy() -> None:
    values = np.random.default_rng(2).normal(size=500)
    got = fitted(lambda x: tt.estimated_probability_density(x["a"], 8), rows(a=values), parts=3)[:, 0]
    density, edges = np.histogram(values, 8, density=True)
    at = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, 7)
    np.testing.assert_allclose(got, density[at], rtol=1e-5)
    outside = fitted(lambda x: tt.estimated_probability_density(x["a"], 8), rows(a=values), rows(a=[-99.0, 99.0, None]))
    assert outside[:, 0].tolist() == [0, 0, 0]
    share = fitted(lambda x: tt.estimated_probability_density(x["k"], categorical=True), rows(k=["a", "a", "b", None]))
    np.testing.assert_allclose(share[:, 0], [2 / 3, 2 / 3, 1 / 3, 0], rtol=1e-6)


def test_a_histogram_is_that_of_numpy() -> None:
    values = np.random.default_rng(2).normal(size=300)
    for boundaries in (6, [-2.0, -0.5, 0.0, 0.5, 2.0]):
        counts, edges = np.histogram(values, boundaries)
        buckets = range(len(counts))

        def op(x: Any, boundaries: Any = boundaries) -> Any:
            found = tt.histogram(x["a"], boundaries)
            at = tt.apply_buckets(x["b"], found.boundaries)
            constants = [x["b"] * 0 + count for count in found.counts]
            return tt.vector(*constants, found.count_of(x["b"]), found.share_of(x["b"]), tt.cast(at, "float"))

        middles = (edges[:-1] + edges[1:]) / 2
        got = fitted(op, rows(a=[*values, None, np.inf], b=[0.0] * 302), rows(b=middles), parts=3)
        np.testing.assert_array_equal(got[:, : len(counts)], [counts] * len(counts))
        whole = 300 if boundaries == 6 else (np.isfinite(values)).sum()
        wanted = np.column_stack([counts, counts / whole, [bucket + 1 for bucket in buckets]])
        np.testing.assert_allclose(got[:, len(counts) :], wanted, rtol=1e-6)


def test_a_histogram_over_few_values_has_empty_buckets() -> None:
    def op(x: Any) -> Any:
        return tt.vector(*(x["b"] * 0 + count for count in tt.histogram(x["a"], 3).counts))

    at = rows(b=[0.0])
    assert fitted(op, rows(a=[None], b=[0.0]), at).tolist() == [[0, 0, 0]]
    assert sum(fitted(op, rows(a=[5.0, 5.0], b=[0.0] * 2), at)[0]) == 2
    words = fitted(lambda x: tt.histogram(x["k"], categorical=True).count_of(x["k"]), rows(k=["a", "a", "b", None]))
    assert words[:, 0].tolist() == [2, 2, 1, 0]


@pytest.mark.parametrize(
    ("op", "says"),
    [
        (lambda x: tt.histogram(x["a"], [1.0]).count_of(x["a"]), "two edges at least"),
        (lambda x: tt.histogram(x["a"], [2.0, 1.0]).count_of(x["a"]), "must ascend"),
        (lambda x: tt.histogram(x["a"], 0).count_of(x["a"]), "num_buckets must be"),
        (lambda x: tt.histogram(x["k"], categorical=True).boundaries, "has no boundaries"),
        (lambda x: tt.histogram(x["k"]).count_of(x["k"]), "a number is needed"),
        (lambda x: x["a"] if tt.histogram(x["a"]) else x["b"], "has no values while"),
    ],
)
def test_a_histogram_that_cannot_be_is_refused(op: Callable[[Any], Any], says: str) -> None:
    with pytest.raises(TransformError, match=says):
        fitted(op, rows(a=[1.0]))


def test_components_are_those_of_numpy() -> None:
    random = np.random.default_rng(3)
    a = random.normal(size=200)
    b = 2 * a + 0.1 * random.normal(size=200)
    train = rows(a=[*a, 1.0], b=[*b, None])
    got = fitted(lambda x: tt.pca(tt.vector(x["a"], x["b"]), 2), train, parts=4)
    _, vectors = np.linalg.eigh(np.cov(np.stack([a, b]), bias=True))
    expected = np.stack([a, b], axis=1) @ vectors[:, ::-1]
    np.testing.assert_allclose(np.abs(got[:-1]), np.abs(expected), rtol=1e-4, atol=1e-5)
    assert np.isnan(got[-1]).all()
    entries = fitted(
        lambda x: tt.vector(*(x["a"] * 0 + e for row in tt.covariance(tt.vector(x["a"], x["b"])) for e in row)), train
    )
    np.testing.assert_allclose(entries[0], np.cov(np.stack([a, b]), bias=True).reshape(-1), rtol=1e-5)
    empty = fitted(lambda x: tt.pca(tt.vector(x["a"], x["b"]), 1), rows(a=[None]), rows(a=[3.0], b=[4.0]))
    assert empty.tolist() == [[3.0]]


def test_counts_sums_and_spreads() -> None:
    got = fitted(
        lambda x: tt.vector(
            *(0 * x["a"] + of(x["a"]) for of in (tt.count, tt.total, tt.variance, lambda c: tt.quantile(c, 0.5)))
        ),
        rows(a=A),
    )[0]
    np.testing.assert_allclose(got, [4, 16, np.var([1, 2, 4, 9]), 2])


@dataclass(frozen=True)
class LargestGap:
    """An analyzer as a user writes one: the largest difference of two columns, by whether a key is there."""

    def create(self) -> _Gap:
        return _Gap()


class _Gap:
    def __init__(self) -> None:
        self.gap = 0.0

    def add(self, left: Any, right: Any, key: tt.Coded) -> None:
        found = np.abs(left - right)[key.codes >= 0]
        self.gap = max(self.gap, float(found.max(initial=0)))

    def merge(self, other: _Gap) -> None:
        self.gap = max(self.gap, other.gap)

    def result(self) -> dict[str, float]:
        return {"gap": self.gap}


@dataclass(frozen=True)
class Distinct:
    """How many distinct values a category has; what it is given is checked."""

    def create(self) -> _Distinct:
        return _Distinct()


class _Distinct:
    def __init__(self) -> None:
        self.seen: set[Any] = set()

    def add(self, column: tt.Coded) -> None:
        self.seen |= {column.values[code] for code in column.codes if code >= 0}

    def merge(self, other: _Distinct) -> None:
        self.seen |= other.seen

    def result(self) -> dict[str, float]:
        return {"distinct": float(len(self.seen))}


@pytest.mark.parametrize(
    ("op", "distinct"),
    [(lambda x: x["k"], 2), (lambda x: tt.cast(x["b"], "int"), 1), (lambda x: tt.where(x["a"] > 2, x["k"], "z"), 2)],
)
def test_an_analyzer_of_ones_own_over_one_category_is_given_one_column(op: Callable[[Any], Any], distinct: int) -> None:
    table = rows(a=[1.0, 3.0, 50.0], k=["p", "q", None], b=[7, 7, None])
    got = fitted(lambda x: x["a"] * 0 + tt.analyzer(Distinct(), "distinct", op(x)), table, parts=2)
    assert got.tolist() == [[distinct]] * 3


def test_an_analyzer_of_ones_own_over_a_column_that_was_analyzed_itself() -> None:
    def op(x: Any) -> Any:
        centred = x["a"] - tt.mean(x["a"])
        return (x["b"] * 0) + tt.analyzer(LargestGap(), "gap", centred, x["b"], x["k"])

    got = fitted(op, rows(a=[1.0, 3.0, 50.0], b=[0.0, 5.0, 0.0], k=["p", "q", None]), parts=2)
    np.testing.assert_allclose(got[0], [abs(3 - 18 - 5)])


@pytest.mark.parametrize(
    ("op", "message"),
    [
        (lambda x: tt.scale_by_min_max(x["a"], 1, 1), "output_min must be below output_max"),
        (lambda x: tt.bucketize(x["a"], 1), "num_buckets must be a whole number of at least 2"),
        (lambda x: tt.bucketize(x["a"], 3, boundaries=[1]), "either num_buckets or boundaries"),
        (lambda x: tt.apply_buckets(x["a"], [2, 1]), "must ascend"),
        (lambda x: tt.apply_buckets(x["a"], x["b"]), "boundaries are needed"),
        (lambda x: tt.quantile(x["a"], 2), "share must be from 0 to 1"),
        (lambda x: tt.quantiles(tt.vector(x["a"], x["b"]), 4, weights=x["a"]), "Weights go with one column"),
        (lambda x: tt.pca(tt.vector(x["a"]), 2), "output_dim must be a whole number from 1 to 1"),
        (lambda x: tt.random_projection(tt.vector(x["a"]), 0), "output_dim must be"),
        (lambda x: tt.vector(), "A vector needs a column"),
        (lambda x: tt.vector(x["a"]) + 1, "A vector is several columns"),
        (lambda x: tt.vector(x["k"]), "a number is needed"),
        (lambda x: tt.scale_to_z_score_per_key(x["a"], x["b"]), "a category is needed"),
        (lambda x: tt.analyzer(LargestGap(), "gap"), "needs the columns"),
        (lambda x: tt.analyzer("mean", "gap", x["a"]), "is not an analyzer"),
    ],
)
def test_mistakes_are_errors_with_the_line(op: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(TransformError, match=message) as caught:
        fitted(op, rows(a=A))
    assert "test_numeric.py" in str(caught.value.where)
