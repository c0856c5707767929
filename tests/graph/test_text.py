"""Text, dates, hashes and places: the meaning of each, and the same bits in bulk, as served, and one row at a time."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ops import SCHEMA, many_rows, tables
from ops_text import OPS, ROWS, blake
from test_one_graph import QUIET, analyzed, beside_a_number, check

from treadle import transform as tt
from treadle.graph import Session


def everything(x: Any) -> dict[str, tt.Column]:
    return {name: op(x) for name, (op, _) in OPS.items()}


@cache
def alone(name: str) -> Any:
    """What an operation makes of the rows, with nothing beside it."""
    op, _ = OPS[name]
    return analyzed(lambda x: {"out": op(x)}, ROWS).feature_matrix(ROWS)


@cache
def of_the_rows(name: str) -> tuple[tt.TransformGraph, Session]:
    op, _ = OPS[name]
    return beside_a_number(op, ROWS)


@pytest.mark.parametrize("name", OPS)
def test_an_operation_means_what_python_says(name: str) -> None:
    _, expected = OPS[name]
    got = alone(name)
    wanted = np.asarray(expected(), dtype=np.float64).reshape(len(got), -1)
    np.testing.assert_allclose(got, wanted, rtol=3e-7, atol=1e-6 if name == "haversine" else 1e-15)


@pytest.mark.parametrize("name", OPS)
@given(table=tables())
@settings(max_examples=2, deadline=None, suppress_health_check=QUIET)
def test_an_operation_analyzed_on_few_rows_is_the_same_in_bulk_and_alone(name: str, table: pa.Table) -> None:
    check(analyzed(lambda x: {"out": OPS[name][0](x), "f": x["f"]}, table), table)


@pytest.mark.parametrize("name", OPS)
@given(data=st.data())
@settings(max_examples=8, deadline=None, suppress_health_check=QUIET)
def test_an_operation_is_the_same_in_bulk_and_one_row_at_a_time(name: str, data: st.DataObject) -> None:
    graph, session = of_the_rows(name)
    check(graph, data.draw(tables(names=session.inputs)), session)


@given(table=tables(), other=tables())
@settings(max_examples=10, deadline=None, suppress_health_check=QUIET)
def test_all_together_are_the_same_also_on_data_not_analyzed(table: pa.Table, other: pa.Table) -> None:
    check(analyzed(everything, table), other)


def test_fused_they_are_what_they_are_alone(tmp_path: Any) -> None:
    together = analyzed(everything, ROWS)
    together.save(tmp_path)
    together = tt.TransformGraph.load(tmp_path)
    found = together.feature_matrix(ROWS)
    for name in OPS:
        columns = [together.feature_names.index(column) for column in together.columns_of(name)]
        np.testing.assert_array_equal(alone(name), found[:, columns], err_msg=name)
    assert together.feature_matrix(many_rows(9).slice(0, 0)).shape == (0, len(together.feature_names))


def test_every_plane_of_unicode_passes_through(tmp_path: Any) -> None:
    points = [*range(0, 0xD800, 97), *range(0xE000, 0x10FFFF, 997), 0, 0xFFFE, 0xFFFF, 0x1F600, 0x10FFFE]
    texts = [f"a{chr(point)}B" for point in points]
    table = pa.table({"s": texts, "r": [text.encode().lower().decode() for text in texts]})
    schema = SCHEMA
    graph = tt.analyze(
        lambda x: {
            "lower": tt.lower(x["s"]) == x["r"],
            "full": tt.matches(x["s"], "(?s)a.B"),
            "joined": tt.ends_with(tt.concat(x["s"], x["r"]), "b"),
            "has": tt.contains(x["s"], "\U0001f600"),
            "length": tt.length(x["s"]),
            "hash": tt.hash_buckets(x["s"], 2**20),
            "letters": tt.multi_hot(tt.tokens(x["s"], pattern="(?s)."), ["\U0001f600", "\x00", "B"]),
        },
        schema,
        lambda columns: iter([]),
    )
    found = graph.transform(table).to_pydict()
    assert set(found["length"]) == {3}
    assert found["hash"] == [blake(text) % 2**20 for text in texts]
    assert found["letters=\U0001f600"] == found["has"]
    assert found["letters=\x00"] == [float("\x00" in text) for text in texts]
    assert min(found["letters=B"]) == 1
    assert min(found["lower"]) == min(found["full"]) == min(found["joined"]) == 1
    assert [text for text, has in zip(texts, found["has"], strict=True) if has] == ["a\U0001f600B"]


def test_a_century_of_days_is_dated_as_python_dates_it() -> None:
    days = np.arange("1899-12-25", "2001-01-10", dtype="datetime64[D]").astype("datetime64[us]")
    table = pa.table({"t": days})
    graph = analyzed(
        lambda x: {
            "week": tt.week_of_year(x["t"]),
            "year": tt.year(x["t"]),
            "day": tt.day_of_year(x["t"]),
        },
        table,
    )
    got = graph.feature_matrix(table).astype(int).tolist()
    assert got == [[d.isocalendar().week, d.year, d.timetuple().tm_yday] for d in days.tolist()]


def test_years_are_right_at_the_ends_of_time() -> None:
    micros = [-(2**63) + 1, -1, 0, 2**63 - 1, -62_135_596_800_000_001]
    table = pa.table({"t": pa.array(micros, pa.timestamp("us"))})
    got = analyzed(lambda x: {"year": tt.year(x["t"])}, table).feature_matrix(table)[:, 0]
    years = np.array(micros, "datetime64[us]").astype("datetime64[Y]").astype(int) + 1970
    assert got.tolist() == years.tolist()


def test_places_at_the_poles_and_opposite_each_other() -> None:
    rows = {"f": [90.0, 0.0, 0.0, 10.0, 51.4775, None], "g": [0.0, 0.0, 0.0, 20.0, -0.4614, 1.0]}
    table = pa.table({**rows, "i": [-90, 0, 0, 10, 40, 1], "k": [0, 180, 0, 20, -73, 1]})
    graph = analyzed(lambda x: {"km": tt.haversine(x["f"], x["g"], x["i"], x["k"] * 1)}, table)
    got = graph.feature_matrix(table)[:, 0]
    half_way = np.pi * 6371.0088
    np.testing.assert_allclose(got[:4], [half_way, half_way, 0, 0], rtol=1e-7)
    assert 5500 < got[4] < 5620
    assert np.isnan(got[5])
