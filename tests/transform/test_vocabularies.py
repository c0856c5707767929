"""Vocabularies: reserved values, several ids for unknown ones, weights, mutual information, coverage, files."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from sklearn.metrics import mutual_info_score
from sklearn.metrics.cluster import contingency_matrix, expected_mutual_information
from test_authoring import out

from treadle import transform as tt
from treadle.errors import TransformError
from treadle.graph import Session, encode_rows, serialize
from treadle.graph import nodes as n
from treadle.schema import Schema
from treadle.transform.analysis._analyzers import Coded
from treadle.transform.analysis._ranking import RankedTokensOf, expected_information

SCHEMA = Schema.loads(
    """
    [features.word]
    type = "string"
    [features.code]
    type = "int"
    [features.weight]
    type = "float"
    [features.tongue]
    type = "string"
    [features.good]
    type = "bool"
    not_in = ["SERVING"]
    """
)
WORDS = ["a", "b", "a", "c", None, "b", "a", "d", "e", "e"]
TABLE = pa.table(
    {
        "word": WORDS,
        "code": [1, 2, 1, 3, None, 2, 1, 4, 5, 5],
        "weight": [1.0, 5.0, 1.0, 9.0, 100.0, None, -3.0, 0.5, 1.0, 1.0],
        "tongue": ["x", "x", "x", "x", "x", "x", "x", "y", "y", "y"],
        "good": [True, False, True, True, None, False, True, False, None, False],
    }
)


def fitted(op: Callable[[Any], tt.Column], table: pa.Table = TABLE) -> tt.TransformGraph:
    batches = table.to_batches(3)
    return tt.analyze(lambda x: {"out": op(x)}, SCHEMA, lambda columns: (batch.select(columns) for batch in batches))


def ids(op: Callable[[Any], tt.Column]) -> list[float]:
    return fitted(op).feature_matrix(TABLE)[:, 0].tolist()


def test_reserved_values_come_first() -> None:
    got = ids(lambda x: tt.vocabulary(x["word"], top_k=2, reserved=["<pad>", "e"], num_oov_buckets=1))
    assert got == [2, 3, 2, 4, 4, 3, 2, 4, 1, 1]
    assert ids(lambda x: tt.vocabulary(x["code"], reserved=[9])) == [1, 2, 1, 4, -1, 2, 1, 5, 3, 3]


def test_unknown_values_are_spread_by_their_hash_the_same_in_bulk_and_alone() -> None:
    words = [f"new {i}" for i in range(400)]
    for name, values in (("word", words), ("code", list(range(100, 500)))):
        graph = fitted(lambda x, name=name: tt.vocabulary(x[name], top_k=2, num_oov_buckets=7))  # type: ignore[misc]
        table = pa.table({name: [*values, None, TABLE[name][0].as_py()]})
        got = graph.feature_matrix(table)[:, 0].tolist()
        assert got[-2:] == [2, 0]
        spread = Counter(got[:-2])
        assert set(spread) == set(range(2, 9))
        assert max(spread.values()) < 100
        session = Session(serialize(graph.feature_model()))
        spec = _specs(session, name)
        alone = [session.run(encode_rows(spec, [{name: value}]))[0][0, 0] for value in table[name].to_pylist()]
        assert alone == got


def _specs(session: Session, name: str) -> list[Any]:
    from treadle.graph import InputSpec

    return [InputSpec(name, SCHEMA.features[name].type, session.inputs[name])]


def test_unknown_values_have_categories() -> None:
    graph = fitted(lambda x: tt.one_hot(tt.vocabulary(x["word"], top_k=1, num_oov_buckets=2)))
    assert graph.feature_names == ("out=a", "out=<oov_0>", "out=<oov_1>")
    assert (graph.feature_matrix(TABLE).sum(axis=1) == 1).all()


def test_a_graph_tells_what_ids_stand_for() -> None:
    graph = fitted(lambda x: tt.vocabulary(x["word"], top_k=2, reserved=["<pad>"], num_oov_buckets=2))
    assert graph.categories_of("out") == ("<pad>", "a", "b", "<oov_0>", "<oov_1>")
    assert fitted(lambda x: tt.one_hot(tt.bucketize(x["weight"], 2))).categories_of("out") == ("0", "1")
    assert fitted(lambda x: x["weight"]).categories_of("out") is None


def test_weights_rank() -> None:
    # a 2, b 5, c 9, e 2, and d 0.5, which is below min_count: a missing and a negative weight are nothing
    assert ids(lambda x: tt.vocabulary(x["word"], weights=x["weight"])) == [2, 1, 2, 0, -1, 1, 2, -1, 3, 3]
    got = ids(lambda x: tt.vocabulary(x["word"], weights=x["weight"], min_count=2.5))
    assert got == [-1, 1, -1, 0, -1, 1, -1, -1, -1, -1]


def test_coverage_keeps_the_first_of_every_key() -> None:
    got = ids(lambda x: tt.vocabulary(x["word"], top_k=1, key=x["tongue"], top_k_per_key=1))
    assert got == [0, -1, 0, -1, -1, -1, 0, -1, 1, 1]


def test_coverage_keeps_what_every_key_has_often_enough() -> None:
    counts = Counter(zip(WORDS, TABLE["tongue"].to_pylist(), strict=True))
    often = {word for (word, tongue), count in counts.items() if None not in (word, tongue) and count >= 2}
    everything = ids(lambda x: tt.vocabulary(x["word"]))
    first = WORDS[everything.index(0)]
    got = ids(lambda x: tt.vocabulary(x["word"], top_k=1, key=x["tongue"], min_count_per_key=2))
    assert {word for word, id_ in zip(WORDS, got, strict=True) if id_ >= 0} == often | {first}
    assert ids(lambda x: tt.vocabulary(x["word"], top_k=1, key=x["tongue"], min_count_per_key=1)) == everything
    fewer = ids(lambda x: tt.vocabulary(x["word"], top_k=1, key=x["tongue"], min_count_per_key=99, top_k_per_key=1))
    assert {word for word, id_ in zip(WORDS, fewer, strict=True) if id_ >= 0} == {first}


def information(table: list[tuple[str | None, Any]]) -> dict[str, float]:
    """Mutual information times rows, from the definition with probabilities."""
    rows = [(word, label) for word, label in table if label is not None]
    found = {}
    for token in {word for word, _ in rows if word is not None}:
        total = 0.0
        for has in (True, False):
            for label in {label for _, label in rows}:
                both = sum((word == token) == has and other == label for word, other in rows) / len(rows)
                left = sum((word == token) == has for word, _ in rows) / len(rows)
                right = sum(other == label for _, other in rows) / len(rows)
                total += both * math.log2(both / (left * right)) if both else 0.0
        found[token] = total * len(rows)
    return found


def test_a_label_ranks_by_mutual_information_and_a_request_does_not_need_it() -> None:
    graph = fitted(lambda x: tt.vocabulary(x["word"], label=x["good"]))
    assert graph.inputs_for() == ("word",)
    expected = information(list(zip(WORDS, TABLE["good"].to_pylist(), strict=True)))
    order = sorted(expected, key=lambda word: (-round(expected[word], 9), word))
    got = graph.feature_matrix(TABLE)[:, 0].tolist()
    assert got == [order.index(word) if word in order else -1 for word in WORDS]


@given(
    rows=st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 2)), min_size=2, max_size=60),
)
@settings(deadline=None, max_examples=60)
def test_adjusted_information_is_that_of_scikit_learn(rows: list[tuple[str, int]]) -> None:
    """Mutual information of having the value with the label, less the expected, in bits times rows."""
    labels = [label for _, label in rows]
    found = _information_of(rows)
    for token in {token for token, _ in rows}:
        has = [int(value == token) for value, _ in rows]
        table = contingency_matrix(labels, has, sparse=True).astype(np.int64)
        chance = expected_mutual_information(table, len(rows))
        expected = (mutual_info_score(labels, has) - chance) * len(rows) / math.log(2)
        assert found[token] == pytest.approx(expected, abs=1e-9 * len(rows))


def _information_of(rows: list[tuple[str, int]]) -> dict[Any, float]:
    state = RankedTokensOf(None, 1, (), False, True, 0.0, None, True).create()
    values, codes = np.unique([value for value, _ in rows], return_inverse=True)
    state.add_columns([Coded(codes, values.tolist()), np.array([float(label) for _, label in rows])])
    return state._information()


def test_chance_of_large_counts() -> None:
    table = np.array([[600_000, 100_000], [250_000, 50_000]])
    rows = int(table.sum())
    ours = sum(expected_information(a, b, rows) for a in table.sum(axis=1) for b in table.sum(axis=0))
    expected = expected_mutual_information(csr_matrix(table), rows) * rows / math.log(2)
    assert ours == pytest.approx(expected, rel=1e-6)
    assert expected_information(2.5, 3.5, 7.25) > 0  # weights


def test_adjusted_ranks_rare_values_lower() -> None:
    words = ["rare"] * 2 + ["often"] * 10 + ["x"] * 12
    kinds = [1, 0, 0, 2, 1, 0, 1, 2, 1, 0, 0, 0, 1, 2, 1, 1, 2, 2, 0, 2, 0, 2, 0, 1]
    table = pa.table({"word": words, "code": kinds})

    def order(adjusted: bool) -> list[float]:
        graph = fitted(lambda x: tt.vocabulary(x["word"], label=x["code"], adjusted=adjusted), table)
        return graph.feature_matrix(pa.table({"word": ["x", "rare", "often"]}))[:, 0].tolist()

    assert order(adjusted=False) == [0, 1, 2]
    assert order(adjusted=True) == [0, 2, 1]
    with pytest.raises(TransformError, match="adjusted is about"):
        fitted(lambda x: tt.vocabulary(x["word"], adjusted=True))


def test_chance_is_not_information() -> None:
    # 8 rows with a label, 4 good: a is in 3 good rows of 1.5 expected, all others are closer than 1.2
    got = ids(lambda x: tt.vocabulary(x["word"], label=x["good"], min_diff=1.2, top_k=1))
    assert got == [0, -1, 0, -1, -1, -1, 0, -1, -1, -1]


CELLS = st.lists(st.tuples(st.integers(-1, 3), st.integers(-1, 1), st.integers(-1, 1)), min_size=1, max_size=20)


@given(rows=CELLS, at=st.integers(0, 20))
@settings(deadline=None, max_examples=40)
def test_merging_parts_is_adding_all_and_state_is_kept(rows: list[tuple[int, int, int]], at: int) -> None:
    of = RankedTokensOf(2, 1, ("z",), False, True, 0.0, 1)

    def coded(part: list[tuple[int, int, int]]) -> list[Coded]:
        columns = np.array(part, dtype=np.int64).reshape(-1, 3).T
        return [Coded(c, v) for c, v in zip(columns, (["a", "b", "c", "d"], [0, 1], ["k", "l"]), strict=True)]

    whole, left, right, again = (of.create() for _ in range(4))
    whole.add_columns(coded(rows))
    left.add_columns(coded(rows[:at]))
    right.add_columns(coded(rows[at:]))
    right.merge(left)
    again.restore(right.state())
    tokens = whole.result()["tokens"]
    assert isinstance(tokens, n.Tokens)
    assert [getattr(state.result()["tokens"], "values") for state in (right, again)] == [tokens.values] * 2  # noqa: B009


def test_a_list_and_a_file(tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    file.write_text("c\na\né\n", encoding="utf-8")
    assert ids(lambda x: tt.lookup(x["word"], file=file)) == [1, -1, 1, 0, -1, -1, 1, -1, -1, -1]
    assert ids(lambda x: tt.lookup(x["code"], [5, 1], num_oov_buckets=1)) == [1, 2, 1, 2, 2, 2, 1, 2, 0, 0]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read: No such file"),
        (b"\xff\n", "not UTF-8"),
        (b"", "must be distinct"),
        (b"a\na\n", "distinct"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, content: bytes | None, says: str) -> None:
    file = tmp_path / "words.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(TransformError, match=says) as caught:
        out(lambda x: tt.lookup(x["flag"], file=file))
    assert str(caught.value.where["line"]).startswith(__file__)


def test_a_file_of_integers_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "codes").write_text("1\ntwo\n")
    with pytest.raises(TransformError, match="is of integers"):
        out(lambda x: tt.lookup(x["rides"], file=tmp_path / "codes"))


def test_a_column_null_throughout_has_an_empty_vocabulary() -> None:
    table = pa.table({name: pa.nulls(3) for name in ("word", "code", "weight", "tongue", "good")})
    for op in (
        lambda x: tt.vocabulary(x["word"], num_oov_buckets=3),
        lambda x: tt.vocabulary(x["word"], label=x["good"], num_oov_buckets=1),
        lambda x: tt.length(x["word"]),
    ):
        graph = tt.analyze(
            lambda x, op=op: {"out": op(x), "w": x["weight"]},  # type: ignore[misc]
            SCHEMA,
            lambda columns: iter(table.select(columns).cast(_arrow(columns)).to_batches()),
        )
        assert graph.feature_matrix(TABLE).shape == (10, 2)
    graph = tt.analyze(
        lambda x: {"bag": tt.bag_of_words(tt.tokens(x["word"])), "w": x["weight"]},
        SCHEMA,
        lambda columns: iter(table.select(columns).cast(_arrow(columns)).to_batches()),
    )
    assert graph.feature_names == ("w",)


def _arrow(columns: list[str] | None) -> pa.Schema:
    whole = SCHEMA.arrow_schema()
    return pa.schema([whole.field(name) for name in columns or []])
