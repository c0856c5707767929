"""Windows and lags: each row sees what was before it and nothing else, in bulk as online, over any cut into spans."""

from __future__ import annotations

import functools
import json
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from treadle import transform as tt
from treadle.errors import InputColumnError, ModelFormatError, TransformError
from treadle.graph import InputSpec, Session, encode_rows, serialize
from treadle.schema import Schema

SCHEMA = Schema.loads("""
[features.customer]
type = "string"
[features.shop]
type = "int"
[features.time]
type = "timestamp"
[features.amount]
type = "float"
[features.count]
type = "int"
[features.merchant]
type = "string"
[features.fraud]
type = "bool"
not_in = ["SERVING"]
""")
ARROW = SCHEMA.arrow_schema()
START = datetime(2020, 1, 1)
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]
Rows = list[dict[str, Any]]


def preprocess(x: Any) -> dict[str, Any]:
    by, when = x["customer"], x["time"]
    last = tt.window(x["amount"], by=by, order=when, rows=3)
    hour = tt.window(x["amount"], by=by, order=when, seconds=10, size=4)
    both = tt.window(x["count"], by=(by, x["shop"]), order=when, rows=2, current=True)
    return {
        "amount": x["amount"],
        "before": tt.lag(x["amount"], by=by, order=when),
        "third": tt.lag(x["amount"], by=by, order=when, n=3),
        "change": x["amount"] - tt.lag(x["amount"], by=by, order=when),
        "mean": last.mean(),
        "rows": last.length(),
        "sum": hour.sum(),
        "most": hour.max(),
        "recent": hour.length(),
        "counts": tt.window(x["count"], by=by, order=when, seconds=10, size=4).max(),
        "both": both.sum(),
        "both rows": both.length(),
        "since": when - tt.lag(when, by=by, order=when),
        "same": tt.lag(x["merchant"], by=by, order=when) == x["merchant"],
        "merchants": tt.multi_hot(tt.window(x["merchant"], by=by, order=when, rows=3), ["a", "b"]),
        "frauds": tt.window(x["fraud"], by=by, order=when, rows=4).sum(),
        "scaled": tt.scale_to_z_score(tt.fill_missing(last.mean(), 0)),
    }


@st.composite
def some_rows(draw: st.DrawFn) -> Rows:
    """Few customers and moments, so that rows meet; missing keys, times and values."""
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["x", "x", "y", None]),
                st.sampled_from([1, 2, None]),
                st.none() | st.integers(0, 25),
                st.none() | st.integers(-9, 9),
                st.sampled_from(["a", "b", "c", None]),
                st.none() | st.booleans(),
            ),
            min_size=1,
            max_size=14,
        )
    )
    return [
        {
            "customer": customer,
            "shop": shop,
            "time": None if second is None else START + timedelta(seconds=second),
            "amount": None if value is None else value / 4,
            "count": value,
            "merchant": merchant,
            "fraud": fraud,
        }
        for customer, shop, second, value, merchant, fraud in rows
    ]


def table_of(rows: Rows) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=ARROW)


def before(rows: Rows, row: dict[str, Any], by: list[str]) -> Rows:
    """The rows before one, by the definition."""
    if row["time"] is None or any(row[name] is None for name in by):
        return []
    same = [each for each in rows if each["time"] is not None and all(each[name] == row[name] for name in by)]
    return sorted((each for each in same if each["time"] < row["time"]), key=lambda each: each["time"])


def expected(rows: Rows, row: dict[str, Any]) -> dict[str, Any]:
    """Some of the features, by the definition, in Python."""
    past = before(rows, row, ["customer"])
    known = row["customer"] is not None and row["time"] is not None
    nan = float("nan")

    def values(found: Rows, name: str) -> list[Any]:
        return [each[name] for each in found if each[name] is not None]

    amounts = values(past[-3:], "amount")
    hour = [each for each in past if each["time"] >= row["time"] - timedelta(seconds=10)][-4:]
    third = past[-3]["amount"] if len(past) > 2 else None
    pair = before(rows, row, ["customer", "shop"])
    of_pair = known and row["shop"] is not None
    return {
        "before": nan if not past or past[-1]["amount"] is None else past[-1]["amount"],
        "third": nan if third is None else third,
        "mean": sum(amounts) / len(amounts) if amounts else nan,
        "rows": len(past[-3:]) if known else nan,
        "sum": sum(values(hour, "amount")) if known else nan,
        "most": max(values(hour, "amount"), default=nan),
        "recent": len(hour) if known else nan,
        "counts": max(values(hour, "count"), default=nan),
        "both": sum(values([*pair[-2:], row], "count")) if of_pair else nan,
        "both rows": len(pair[-2:]) + 1 if of_pair else nan,
        "since": (row["time"] - past[-1]["time"]).total_seconds() if past else nan,
        "same": bool(past) and row["merchant"] is not None and past[-1]["merchant"] == row["merchant"],
        "merchants=a": "a" in values(past[-3:], "merchant"),
        "frauds": sum(values(past[-4:], "fraud")) if known else nan,
    }


def graph_of(table: pa.Table) -> tt.TransformGraph:
    return tt.analyze(preprocess, SCHEMA, lambda columns: iter(table.select(columns).to_batches()))


@functools.cache
def a_graph() -> tt.TransformGraph:
    """One graph for all rows: only the scale comes from data, and no test asks which it is."""
    row = {"customer": "x", "shop": 1, "merchant": "a", "fraud": True}
    rows = [{**row, "time": START + timedelta(seconds=n), "amount": n * n / 4, "count": n} for n in range(5)]
    return graph_of(history().add(table_of(rows)))


@functools.cache
def a_session() -> Session:
    return Session(serialize(a_graph().feature_model()))


def history() -> tt.History:
    return tt.History.of(preprocess, SCHEMA)


def online(session: Session, row: dict[str, Any]) -> Any:
    """A request: the row and the lists of its past, without what a request does not have."""
    types = {name: SCHEMA.features[name.split("@")[0]].type for name in session.inputs}
    specs = [InputSpec(name, types[name], tensor) for name, tensor in session.inputs.items()]
    return session.run(encode_rows(specs, [{name: value for name, value in row.items() if name != "fraud"}]))[0][0]


def same(left: Any, right: Any, message: str = "") -> None:
    np.testing.assert_array_equal(np.float32(left), np.float32(right), err_msg=message)


@given(rows=some_rows())
@settings(max_examples=60, deadline=None, suppress_health_check=QUIET)
def test_each_row_sees_what_the_definition_says(rows: Rows) -> None:
    table = history().add(table_of(rows))
    got = a_graph().transform(table).to_pylist()
    for row, features in zip(rows, got, strict=True):
        for name, value in expected(rows, row).items():
            np.testing.assert_allclose(features[name], np.float32(value), rtol=1e-6, err_msg=name)


@given(rows=some_rows(), cuts=st.lists(st.integers(0, 14), max_size=3))
@settings(max_examples=40, deadline=None, suppress_health_check=QUIET)
def test_a_row_of_bulk_is_the_request_with_its_past_and_spans_do_not_show(rows: Rows, cuts: list[int]) -> None:
    rows = sorted(rows, key=lambda row: row["time"] or START)
    table = history().add(table_of(rows))
    graph, session = a_graph(), a_session()
    bulk = graph.feature_matrix(table)
    # in spans, the state carried from one to the next through files
    edges = sorted({0, len(rows), *(min(cut, len(rows)) for cut in cuts)})
    carried, parts = history(), []
    for start, end in pairwise(edges):
        parts.append(carried.add(table_of(rows[start:end])))
    same(graph.feature_matrix(pa.concat_tables(parts)), bulk)
    # one at a time
    recent = tt.Recent(history())
    for index, row in enumerate(rows):
        same(online(session, row | recent.before(row)), bulk[index], f"row {index}: {row}")
        recent.see(row)
    # from what the spans kept
    later = {**rows[-1], "time": START + timedelta(seconds=30), "customer": "x", "shop": 1}
    continued = tt.Recent(carried).before(later)
    assert continued == recent.before(later)


@given(rows=some_rows(), data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=QUIET)
def test_nothing_of_the_present_and_the_future_is_in_a_row(rows: Rows, data: st.DataObject) -> None:
    """Changing a row changes nothing of the past, of its own moment, and of its own windows of the past."""
    graph = a_graph()
    at = data.draw(st.integers(0, len(rows) - 1))
    changed = [dict(row) for row in rows]
    changed[at] |= {"amount": 1000.0, "count": 1000, "merchant": "zzz", "fraud": True}
    bulk, other = (graph.feature_matrix(history().add(table_of(each))) for each in (rows, changed))
    own = {"amount", "change", "same", "both"}
    for index, row in enumerate(rows):
        if row["time"] is None or rows[at]["time"] is None or row["time"] <= rows[at]["time"]:
            columns = [i for i, name in enumerate(graph.feature_names) if index != at or name not in own]
            same(bulk[index, columns], other[index, columns], f"row {index} changed with row {at}")


def test_the_order_of_the_rows_in_a_table_does_not_matter() -> None:
    random = np.random.default_rng(0)
    rows = [
        {
            "customer": f"c{random.integers(5)}",
            "shop": int(random.integers(2)),
            "time": START + timedelta(seconds=second),
            "amount": float(random.normal()),
            "count": second,
            "merchant": "ab"[second % 2],
            "fraud": False,
        }
        for second in range(200)
    ]
    table = history().add(table_of(rows))
    shuffled = random.permutation(200)
    other = history().add(table_of([rows[i] for i in shuffled]))
    graph = graph_of(table)
    same(graph.feature_matrix(other), graph.feature_matrix(table)[shuffled])


def test_a_history_is_saved_and_goes_on(tmp_path: Path) -> None:
    rows = [
        {"customer": "x", "shop": 1, "time": START + timedelta(seconds=s), "amount": float(s), "count": s}
        for s in range(9)
    ]
    whole, first = history(), history()
    first.add(table_of(rows[:5]))
    first.save(tmp_path)
    loaded = tt.History.load(tmp_path)
    assert loaded.timelines == first.timelines
    expected_ = whole.add(table_of(rows)).slice(5)
    assert loaded.add(table_of(rows[5:])).to_pylist() == expected_.to_pylist()
    kept = loaded.kept(loaded.timelines[0])
    assert kept is not None
    assert kept["amount"].to_pylist() == [4.0, 5.0, 6.0, 7.0, 8.0]  # four before the last moment, and that
    assert history().continued(tt.History.load(tmp_path)).add(table_of(rows[5:])).to_pylist() == expected_.to_pylist()
    once = (tmp_path / "timeline-0.parquet").read_bytes()
    tt.History.load(tmp_path).save(tmp_path)
    assert (tmp_path / "timeline-0.parquet").read_bytes() == once


def test_a_history_of_nothing_is_a_history(tmp_path: Path) -> None:
    empty = history()
    table = empty.add(table_of([]))
    assert table.num_rows == 0
    assert "amount@customer" in table.column_names
    empty.save(tmp_path)
    row = {"customer": "x", "shop": 1, "time": START, "amount": 1.0, "count": 1, "merchant": "a", "fraud": None}
    assert all(past == [] for past in tt.Recent(tt.History.load(tmp_path)).before(row).values())
    assert tt.Recent(empty).before({**row, "customer": None})["amount@customer"] is None
    without = tt.History.of(lambda x: {"amount": x["amount"]}, SCHEMA)
    assert without.timelines == ()
    assert without.add(table_of([row])).column_names == ARROW.names


def test_a_broken_history_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelFormatError, match="no history here"):
        tt.History.load(tmp_path)
    history().save(tmp_path)
    document = json.loads((tmp_path / "history.json").read_text())
    (tmp_path / "history.json").write_text(json.dumps(document | {"format": "treadle.history/9"}))
    with pytest.raises(ModelFormatError, match="history/9"):
        tt.History.load(tmp_path)
    for entry in document["timelines"]:
        entry["kept"] = True
    (tmp_path / "history.json").write_text(json.dumps(document))
    with pytest.raises(ModelFormatError, match="no history here"):
        tt.History.load(tmp_path)


def test_rows_without_their_past_are_refused_and_not_taken_for_new() -> None:
    row = {"customer": "x", "shop": 1, "time": START, "amount": 1.0, "count": 1, "merchant": "a", "fraud": None}
    table = history().add(table_of([row]))
    graph = graph_of(table)
    with pytest.raises(InputColumnError, match="@"):
        graph.transform(table_of([row]))
    with pytest.raises(InputColumnError, match="customer"):
        history().add(table_of([row]).drop_columns(["customer"]))
    following = history()
    following.add(table_of([row]))
    with pytest.raises(TransformError, match="other types"):
        following.add(table_of([row]).set_column(1, "shop", pa.array(["1"])))


def test_a_request_that_brings_the_future_does_not_see_it() -> None:
    """Rows of a window of seconds that are not before this one are left out by the graph itself."""
    table = history().add(table_of([]))
    session = Session(serialize(graph_of(table).feature_model()))
    names = graph_of(table).feature_names
    row = {"customer": "x", "shop": 1, "time": START, "amount": 1.0, "count": 1, "merchant": "a"}
    past = tt.Recent(history()).before(row)
    bad = past | {"amount@customer": [5.0, 7.0], "count@customer": [5, 7]}
    bad |= {"time@customer": [START - timedelta(seconds=1), START + timedelta(seconds=1)]}
    found = dict(zip(names, online(session, row | bad).tolist(), strict=True))
    assert (found["sum"], found["most"], found["recent"], found["counts"]) == (5.0, 5.0, 1.0, 5.0)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda x: tt.window(x["amount"], by=x["customer"], order=x["time"]), "so many rows or of so many seconds"),
        (lambda x: tt.window(x["amount"], by=x["customer"], order=x["time"], rows=2, seconds=3), "so many rows or"),
        (lambda x: tt.window(x["amount"], by=x["customer"], order=x["time"], seconds=3), "at most is not known"),
        (lambda x: tt.window(x["amount"], by=x["customer"], order=x["time"], rows=0), "1 to 4096 rows"),
        (lambda x: tt.window(x["amount"], by=x["customer"], order=x["time"], rows=2, size=2), "size is for"),
        (lambda x: tt.window(x["amount"], by=x["customer"], order=x["time"], seconds=-1, size=2), "above 0"),
        (lambda x: tt.window(x["amount"], by=x["customer"], order=x["count"], seconds=9, size=2), "a timestamp"),
        (lambda x: tt.window(x["amount"], by=x["customer"], order=x["merchant"], rows=2), "a timestamp or a number"),
        (lambda x: tt.window(x["amount"] + 1, by=x["customer"], order=x["time"], rows=2), "a feature as it is"),
        (lambda x: tt.window(x["amount"], by="customer", order=x["time"], rows=2), "a feature as it is"),
        (lambda x: tt.window(x["amount"], by=(), order=x["time"], rows=2), "needs a key"),
        (lambda x: tt.lag(x["amount"], by=x["customer"], order=x["time"], n=0), "n must be"),
        (lambda x: tt.window(x["merchant"], by=x["customer"], order=x["time"], rows=2).mean(), "numbers are needed"),
        (
            lambda x: tt.bag_of_words(
                tt.window(x["merchant"], by=x["customer"], order=x["time"], rows=2, current=True)
            ),
            "as they come",
        ),
    ],
)
def test_what_a_window_cannot_be_is_said_with_the_line(make: Any, said: str) -> None:
    with pytest.raises(TransformError, match=said) as caught:
        tt.analyze(lambda x: {"out": make(x)}, SCHEMA, lambda _: iter([]))
    assert "test_windows.py" in str(caught.value.where["line"])


def test_a_key_has_one_order() -> None:
    def two(x: Any) -> dict[str, Any]:
        return {name: tt.lag(x["amount"], by=x["customer"], order=x[name]) for name in ("time", "count")}

    with pytest.raises(TransformError, match="order"):
        tt.History.of(two, SCHEMA)
