"""Features that are lists: the meaning of each operation, and the same bits in bulk, as served, and row by row."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ops_lists import ARROW, ITEMS, OPS, ROWS, SCHEMA, SIZE, TYPES, many_rows, tables
from test_one_graph import QUIET

from treadle import transform as tt
from treadle.errors import InputColumnError, InputValueError, ModelFormatError, TransformError
from treadle.graph import InputSpec, Ragged, Session, encode_columns, encode_rows, encode_table, serialize


def analyzed(preprocess: Any, table: pa.Table) -> tt.TransformGraph:
    return tt.analyze(preprocess, SCHEMA, lambda columns: iter(table.select(columns).to_batches()))


def specs_of(session: Session) -> list[InputSpec]:
    return [InputSpec(name, SCHEMA.features[name].type, tensor) for name, tensor in session.inputs.items()]


def request_rows(table: pa.Table) -> list[dict[str, Any]]:
    """Rows as requests bring them: lists of texts and integers through JSON."""
    rows = table.to_pylist()
    for row in rows:
        for name in ("i", "s", "b", "t"):
            row[name] = msgspec.json.decode(msgspec.json.encode(row[name]))
    return rows


def check(graph: tt.TransformGraph, table: pa.Table) -> None:
    session = Session(serialize(graph.feature_model()))
    specs = specs_of(session)
    bulk = graph.feature_matrix(table)
    served = session.run(encode_table(specs, table))[0]
    rows = np.concatenate([session.run(encode_rows(specs, [row]))[0] for row in request_rows(table)])
    for column, name in enumerate(graph.feature_names):
        np.testing.assert_array_equal(served[:, column], bulk[:, column], err_msg=name)
        np.testing.assert_array_equal(rows[:, column], bulk[:, column], err_msg=name)


def everything(x: Any) -> dict[str, Any]:
    return {"f": x["f"]} | {name: op(x) for name, (op, _) in OPS.items()}


@pytest.mark.parametrize("name", OPS)
def test_an_operation_on_lists_means_what_python_says(name: str) -> None:
    op, expected = OPS[name]
    got = analyzed(lambda x: {"out": op(x)}, ROWS).feature_matrix(ROWS)
    wanted = np.asarray(expected(), dtype=np.float64).reshape(len(got), -1)
    np.testing.assert_allclose(got, wanted, rtol=3e-7, atol=1e-6 if name in ("std_dev", "seconds") else 1e-15)


@given(table=tables(), other=tables())
@settings(max_examples=25, deadline=None, suppress_health_check=QUIET)
def test_lists_are_the_same_in_bulk_and_one_row_at_a_time(table: pa.Table, other: pa.Table) -> None:
    check(analyzed(everything, table), other)


def test_many_lists_are_the_same_as_each_alone_also_from_a_saved_graph(tmp_path: Any) -> None:
    graph = analyzed(everything, ROWS)
    graph.save(tmp_path)
    loaded = tt.TransformGraph.load(tmp_path)
    assert serialize(loaded.feature_model()) == serialize(graph.feature_model())
    check(loaded, many_rows(200, seed=5))
    assert loaded.feature_matrix(ROWS.slice(0, 0)).shape == (0, len(loaded.feature_names))


def test_each_alone_is_what_it_is_beside_the_others() -> None:
    together = analyzed(everything, ROWS)
    for name, (op, _) in OPS.items():
        alone = analyzed(lambda x, op=op: {"out": op(x)}, ROWS)  # type: ignore[misc]
        columns = [together.feature_names.index(column) for column in together.columns_of(name)]
        np.testing.assert_array_equal(
            alone.feature_matrix(ROWS), together.feature_matrix(ROWS)[:, columns], err_msg=name
        )


@given(data=st.data(), kind=st.sampled_from(sorted(TYPES)))
@settings(max_examples=60, deadline=None)
def test_lists_enter_alike_from_arrow_rows_and_columns(data: st.DataObject, kind: str) -> None:
    rows = data.draw(st.lists(st.none() | st.lists(ITEMS[kind], max_size=5), min_size=1, max_size=5))
    tensor = {"n": "float64[]", "b": "float64[]", "i": "int64[]", "t": "int64[]"}.get(kind, "string[]")
    spec = InputSpec(kind, TYPES[kind], tensor)
    table = pa.table({kind: pa.array(rows, ARROW.field(kind).type, from_pandas=False)})
    feeds = [
        encode_table([spec], table)[kind],
        encode_table([spec], pa.table({kind: table[kind].cast(pa.large_list(ARROW.field(kind).type.value_type))}))[
            kind
        ],
        encode_table([spec], pa.concat_tables([table, table]).slice(len(rows)))[kind],
        encode_columns([spec], {kind: rows})[kind],
        encode_rows([spec], [{kind: row} for row in rows])[kind],
    ]
    for feed in feeds[1:]:
        assert isinstance(feed, Ragged)
        first = feeds[0]
        assert isinstance(first, Ragged)
        assert feed.values.dtype == first.values.dtype
        np.testing.assert_array_equal(feed.values, first.values)
        np.testing.assert_array_equal(feed.offsets - feed.offsets[0], first.offsets)
        np.testing.assert_array_equal(feed.missing, first.missing)


def test_a_list_that_need_not_be_there_is_missing() -> None:
    schema = type(SCHEMA).loads(
        '[features.n]\ntype = "float"\nlist = true\nmax_items = 2\nrequired = false\n[features.f]\ntype = "float"\n'
    )
    graph = tt.analyze(lambda x: {"f": x["f"], "n": x["n"], "long": x["n"].length()}, schema, lambda _: iter([]))
    got = graph.transform(pa.table({"f": [1.0]})).to_pylist()
    assert str(got) == "[{'f': 1.0, 'n[0]': nan, 'n[1]': nan, 'long': nan}]"


@pytest.mark.parametrize(
    ("name", "rows", "wanted"),
    [
        ("n", [[1.0], "no"], {"column": "n", "row": 1}),
        ("n", [None, [1.0, "x"]], {"column": "n", "row": 1, "item": 1}),
        ("n", [[], [1.0], [True]], {"column": "n", "row": 2, "item": 0}),
        ("i", [[1], [2, 1.5]], {"column": "i", "row": 1, "item": 1}),
        ("i", [[2**63]], {"column": "i", "row": 0, "item": 0}),
        ("s", [["a"], [3]], {"column": "s", "row": 1, "item": 0}),
        ("s", [["a", "\U0010ffff"]], {"column": "s", "row": 0, "item": 1}),
        ("s", [["\ud800"]], {"column": "s", "row": 0, "item": 0}),
        ("t", [["2018-01-01", "soon"]], {"column": "t", "row": 0, "item": 1}),
        ("n", [{"a": 1}], {"column": "n", "row": 0}),
    ],
)
def test_a_wrong_list_or_item_is_named(name: str, rows: list[Any], wanted: dict[str, Any]) -> None:
    tensors = {"n": "float64[]", "i": "int64[]", "s": "string[]", "t": "int64[]"}
    with pytest.raises(InputValueError) as caught:
        encode_columns([InputSpec(name, TYPES[name], tensors[name])], {name: rows})
    assert caught.value.where == wanted


def test_a_wrong_column_of_lists_is_named() -> None:
    spec = InputSpec("n", "float", "float64[]")
    for array in (pa.array([1.0]), pa.array([["a"]])):
        with pytest.raises(InputValueError, match="'n'"):
            encode_table([spec], pa.table({"n": array}))
    with pytest.raises(InputColumnError, match="'n'"):
        encode_table([spec], pa.table({"m": [1]}))
    broken = pa.array([["a"], [b"\xff"]], pa.list_(pa.binary()))
    with pytest.raises(InputValueError, match="UTF-8") as caught:
        encode_table([InputSpec("y", "bytes", "string[]")], pa.table({"y": broken}))
    assert caught.value.where["row"] == 1


def test_an_integer_beyond_a_number_is_an_error_where_it_is_one_and_exact_where_it_is_a_category() -> None:
    table = pa.table({"i": pa.array([[1], [2, 2**53 + 1]], pa.list_(pa.int64()))})
    exact = analyzed(lambda x: {"hot": tt.multi_hot(x["i"], [2**53, 2**53 + 1])}, table)
    assert exact.feature_matrix(table).tolist() == [[0, 0], [0, 1]]
    with pytest.raises(InputValueError, match=r"2\*\*53") as caught:
        analyzed(lambda x: {"sum": x["i"].sum()}, table).feature_matrix(table)
    assert caught.value.where["row"] == 1


@pytest.mark.parametrize(
    ("preprocess", "said"),
    [
        (lambda x: {"a": x["s"]}, "numbers are needed"),
        (lambda x: {"a": x["s"].mean()}, "numbers are needed"),
        (lambda x: {"a": tt.multi_hot(x["n"], [1])}, "Tokens are text or integers"),
        (lambda x: {"a": tt.multi_hot(x["i"], ["1"])}, "of type int"),
        (lambda x: {"a": x["n"][SIZE]}, "no item 4 among 4"),
        (lambda x: {"a": x["n"][-1]}, "no item -1"),
        (lambda x: {"a": x["n"].contains("a")}, "cannot be among items of type float"),
        (lambda x: {"a": x["i"].contains(True)}, "cannot be among items"),
        (lambda x: {"a": tt.items(x["n"], size=0)}, "size must be"),
        (lambda x: {"a": tt.items(x["n"], size=5000)}, "size must be"),
        (lambda x: {"a": tt.items(x["n"], size=2, keep="middle")}, "keep is"),
        (lambda x: {"a": tt.items(x["f"], size=2)}, "a list is needed"),
        (lambda x: {"a": tt.log1p(x["n"])}, "a number is needed, and this is the list 'n'"),
        (lambda x: {"a": x["f"] + x["n"]}, "this is the list 'n'"),
        (lambda x: {"a": tt.vocabulary(x["s"])}, "the list 's'"),
    ],
)
def test_what_a_list_cannot_do_is_said_with_the_line(preprocess: Any, said: str) -> None:
    with pytest.raises(TransformError, match=said) as caught:
        analyzed(preprocess, ROWS)
    assert "test_lists.py" in str(caught.value.where["line"])


def test_a_list_without_a_known_size_says_how_to_give_one() -> None:
    schema = type(SCHEMA).loads('[features.n]\ntype = "float"\nlist = true\n')
    with pytest.raises(TransformError, match="not known") as caught:
        tt.analyze(lambda x: {"n": x["n"].mean()}, schema, lambda _: iter([]))
    assert "tt.items(x['n'], size=16)" in str(caught.value)
    graph = tt.analyze(lambda x: {"n": x["n"].length()}, schema, lambda _: iter([]))
    assert graph.transform(pa.table({"n": [[1.0] * 70_000]})).to_pylist() == [{"n": 70_000.0}]


def test_a_model_with_unknown_steps_over_lists_is_refused() -> None:
    model = analyzed(lambda x: {"n": x["n"]}, ROWS).feature_model()
    entry = model.metadata_props[0]
    assert entry.key == "treadle.lists"
    for text in (entry.value.replace('"pad"', '"fold"'), entry.value.replace('["pad"', '["fold"],["pad"'), "[1]"):
        entry.value = text
        with pytest.raises(ModelFormatError, match=r"does not know|cannot be read"):
            Session(serialize(model))
