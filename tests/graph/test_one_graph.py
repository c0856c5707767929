"""The promise of the one graph: bulk, the served graph, and one request row at a time give the same bits."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ops import OPS, SCHEMA, everything, many_rows, tables

from treadle import transform as tt
from treadle.graph import InputSpec, Session, encode_rows, encode_table, serialize

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]


def analyzed(preprocess: Callable[[Any], dict[str, tt.Column]], table: pa.Table) -> tt.TransformGraph:
    return tt.analyze(preprocess, SCHEMA, lambda columns: iter(table.select(columns).to_batches()))


def specs_of(session: Session) -> list[InputSpec]:
    return [InputSpec(name, SCHEMA.features[name].type, tensor) for name, tensor in session.inputs.items()]


def request_rows(table: pa.Table) -> list[dict[str, Any]]:
    """Rows as requests bring them: through JSON text, except that infinities cannot be written there."""
    rows = table.to_pylist()
    for row in rows:
        for name, value in row.items():
            if isinstance(value, bytes):
                row[name] = value.decode()
            if isinstance(value, float):
                continue
            row[name] = msgspec.json.decode(msgspec.json.encode(row[name]))
    return rows


def check(graph: tt.TransformGraph, table: pa.Table, session: Session | None = None) -> None:
    session = session or Session(serialize(graph.feature_model()))
    specs = specs_of(session)
    bulk = graph.feature_matrix(table)
    served = session.run(encode_table(specs, table))[0]
    rows = [session.run(encode_rows(specs, [row]))[0] for row in request_rows(table)]
    assert bulk.shape == (table.num_rows, len(graph.feature_names))
    assert bulk.dtype == served.dtype == np.float32
    for column, name in enumerate(graph.feature_names):
        np.testing.assert_array_equal(served[:, column], bulk[:, column], err_msg=name)
        np.testing.assert_array_equal(np.concatenate(rows)[:, column], bulk[:, column], err_msg=name)


@pytest.mark.parametrize("name", OPS)
@given(table=tables())
@settings(max_examples=3, deadline=None, suppress_health_check=QUIET)
def test_each_operation_analyzed_on_few_rows_is_the_same_in_bulk_and_alone(name: str, table: pa.Table) -> None:
    check(analyzed(lambda x: {"out": OPS[name](x), "f": x["f"]}, table), table)


def beside_a_number(op: Callable[[Any], tt.Column], table: pa.Table) -> tuple[tt.TransformGraph, Session]:
    """An operation, analyzed and loaded: to be done once, since it is nearly all of what an example costs."""
    graph = analyzed(lambda x: {"out": op(x), "f": x["f"]}, table)
    return graph, Session(serialize(graph.feature_model()))


@cache
def of_many_rows(name: str) -> tuple[tt.TransformGraph, Session]:
    return beside_a_number(OPS[name], many_rows(300))


@pytest.mark.parametrize("name", OPS)
@given(data=st.data())
@settings(max_examples=12, deadline=None, suppress_health_check=QUIET)
def test_each_operation_is_the_same_in_bulk_and_one_row_at_a_time(name: str, data: st.DataObject) -> None:
    graph, session = of_many_rows(name)
    check(graph, data.draw(tables(names=session.inputs)), session)


@given(table=tables(), other=tables())
@settings(max_examples=15, deadline=None, suppress_health_check=QUIET)
def test_all_operations_together_are_the_same_also_on_data_not_analyzed(table: pa.Table, other: pa.Table) -> None:
    check(analyzed(everything, table), other)


def test_fused_operations_are_what_they_are_alone() -> None:
    table = many_rows(400)
    together = analyzed(everything, table)
    found = together.feature_matrix(table)
    for name, op in OPS.items():
        alone = analyzed(lambda x, op=op: {"out": op(x)}, table)  # type: ignore[misc]
        columns = [together.feature_names.index(column) for column in together.columns_of(name)]
        np.testing.assert_array_equal(alone.feature_matrix(table), found[:, columns], err_msg=name)


def test_many_rows_are_the_same_as_each_alone() -> None:
    check(analyzed(everything, many_rows(3000)), many_rows(300, seed=1))


def test_no_rows_are_no_rows() -> None:
    table = many_rows(10)
    graph = analyzed(everything, table)
    assert graph.feature_matrix(table.slice(0, 0)).shape == (0, len(graph.feature_names))
    assert graph.transform(table.slice(0, 0)).num_rows == 0


def test_a_saved_graph_is_the_same_graph(tmp_path: Any) -> None:
    table = many_rows(200)
    graph = analyzed(everything, table)
    graph.save(tmp_path)
    loaded = tt.TransformGraph.load(tmp_path)
    assert loaded.feature_names == graph.feature_names
    assert serialize(loaded.feature_model()) == serialize(graph.feature_model())
    np.testing.assert_array_equal(loaded.feature_matrix(table), graph.feature_matrix(table))


def test_the_same_data_gives_the_same_bytes(tmp_path: Any) -> None:
    models = []
    for name in ("a", "b"):
        graph = analyzed(everything, many_rows(500))
        (tmp_path / name).mkdir()
        graph.save(tmp_path / name)
        models.append((serialize(graph.feature_model()), (tmp_path / name / "graph.json").read_bytes()))
    assert models[0] == models[1]
