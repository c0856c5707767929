"""The value convention: bulk, rows and columns make the same tensors, and what cannot be held is refused."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import treadle.graph
from treadle.errors import InputColumnError, InputValueError
from treadle.graph import MISSING_INT, MISSING_TEXT, InputSpec, dictionary, encode_columns, encode_rows, encode_table

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8).filter(lambda text: text != MISSING_TEXT)
VALUES: dict[str, tuple[str, st.SearchStrategy[Any], pa.DataType]] = {
    "float": ("float64", st.floats(allow_nan=False, allow_infinity=False), pa.float64()),
    "bool": ("float64", st.booleans(), pa.bool_()),
    "int": ("float64", st.integers(-(2**53) + 1, 2**53 - 1), pa.int64()),
    "key": ("int64", st.integers(-(2**63) + 1, 2**63 - 1), pa.int64()),
    "string": ("string", TEXT, pa.string()),
    "timestamp": ("int64", st.datetimes(), pa.timestamp("us")),
    "bytes": ("string", TEXT, pa.binary()),
}


def spec(kind: str, *, required: bool = True) -> InputSpec:
    return InputSpec("x", "int" if kind == "key" else kind, VALUES[kind][0], required)


def as_json(kind: str, values: list[Any]) -> list[Any]:
    """The values as a request brings them: through JSON text and back."""
    if kind == "timestamp":
        values = [value and value.isoformat() for value in values]
    decoded: list[Any] = msgspec.json.decode(msgspec.json.encode(values))
    return decoded


@pytest.mark.parametrize("kind", VALUES)
@given(data=st.data())
@settings(deadline=None)
def test_bulk_rows_and_columns_make_the_same_tensor(kind: str, data: st.DataObject) -> None:
    _, strategy, arrow = VALUES[kind]
    values = data.draw(st.lists(st.none() | strategy, max_size=6))
    stored = [value.encode() if kind == "bytes" and value is not None else value for value in values]
    before, behind = data.draw(st.tuples(st.integers(0, 9), st.integers(0, 2)))
    around = pa.array([*stored[:1] * before, *stored, *[None] * behind], arrow)  # a part of a longer column
    bulk = encode_table([spec(kind)], pa.table({"x": around}).slice(len(stored[:1]) * before, len(stored)))["x"]
    columns = encode_columns([spec(kind)], {"x": as_json(kind, values)})["x"]
    rows = encode_rows([spec(kind)], [{"x": value} for value in as_json(kind, values)])["x"]
    assert bulk.dtype == columns.dtype == rows.dtype
    assert bulk.shape == (len(values), 1)
    for other in (columns, rows):
        if bulk.dtype == object:
            assert bulk.tolist() == other.tolist()
        else:
            np.testing.assert_array_equal(bulk, other)


@pytest.mark.parametrize(
    ("kind", "missing"),
    [
        ("float", np.nan),
        ("bool", np.nan),
        ("int", np.nan),
        ("key", MISSING_INT),
        ("timestamp", MISSING_INT),
        ("string", MISSING_TEXT),
        ("bytes", MISSING_TEXT),
    ],
)
def test_null_has_one_mark(kind: str, missing: object) -> None:
    typed = pa.table({"x": pa.array([None], VALUES[kind][2])})
    untyped = pa.table({"x": pa.nulls(1)})
    for feed in (
        encode_table([spec(kind)], typed),
        encode_table([spec(kind)], untyped),
        encode_table([spec(kind, required=False)], pa.table({"y": [1]})),
        encode_columns([spec(kind)], {"x": [None]}),
        encode_columns([spec(kind, required=False)], {"y": [1]}),
        encode_rows([spec(kind, required=False)], [{}]),
    ):
        assert repr(feed["x"][0, 0]) == repr(np.array([missing], dtype=feed["x"].dtype)[0])


def test_empty_text_is_not_missing() -> None:
    feed = encode_table([spec("string")], pa.table({"x": ["", None]}))
    assert feed["x"].tolist() == [[""], [MISSING_TEXT]]


def test_integers_with_gaps_read_as_floats() -> None:
    for kind, expected in (("int", np.nan), ("key", MISSING_INT)):
        feed = encode_table([spec(kind)], pa.table({"x": [1.0, float("nan")]}))
        np.testing.assert_array_equal(feed["x"][:, 0], [1, expected])


@pytest.mark.parametrize(
    "column",
    [
        pa.chunked_array([[b"a"], [None, b"b"]], pa.large_binary()),
        pa.array(["a", None, "b"]).dictionary_encode(),
        pa.array(["a", None, "b"], pa.large_string()),
        pa.array(["a", None, "b"], pa.string_view()),
        pa.chunked_array([["a", None, "b"], []], pa.string()),
    ],
)
def test_text_of_any_layout(column: Any) -> None:
    for kind in ("string", "bytes"):
        feed = encode_table([spec(kind)], pa.table({"x": column}))
        assert feed["x"].tolist() == [["a"], [MISSING_TEXT], ["b"]]


def test_times_of_any_unit_are_floored_to_microseconds() -> None:
    for unit, ticks, micros in (("s", -1, -1_000_000), ("ms", -1, -1000), ("us", -1, -1), ("ns", -1, -1)):
        table = pa.table({"x": pa.array([ticks], pa.timestamp(unit))})
        assert encode_table([spec("timestamp")], table)["x"].tolist() == [[micros]], unit
    days = pa.table({"x": pa.array([date(1969, 12, 31)])})
    assert encode_table([spec("timestamp")], days)["x"].tolist() == [[-86_400_000_000]]
    text = pa.table({"x": ["1969-12-31 23:59:59"]})
    assert encode_table([spec("timestamp")], text)["x"].tolist() == [[-1_000_000]]


@pytest.mark.parametrize("kind", ["float", "int", "key"])
@given(data=st.data())
@settings(deadline=None)
def test_numbers_of_any_width(kind: str, data: st.DataObject) -> None:
    widths = [*(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)), "halffloat", "float", "double"]
    width = data.draw(st.sampled_from(widths))
    values = data.draw(st.lists(st.none() | st.integers(0 if width.startswith("u") else -100, 100), max_size=20))
    start = data.draw(st.integers(0, len(values)))
    column = pa.array(values, pa.int64()).cast(pa.type_for_alias(width)).slice(start)
    feed = encode_table([spec(kind)], pa.table({"x": column}))["x"]
    expected = encode_columns([spec(kind)], {"x": values[start:]})["x"]
    assert feed.dtype == expected.dtype
    np.testing.assert_array_equal(feed, expected)


def test_a_mark_within_a_text_is_a_character() -> None:
    texts = pa.array(["a", f"b{MISSING_TEXT}"])
    assert encode_table([spec("string")], pa.table({"x": texts}))["x"].tolist() == [["a"], [f"b{MISSING_TEXT}"]]


@pytest.mark.parametrize("count", [127, 128, 200])
def test_codes_as_narrow_as_they_come(count: int) -> None:
    """The missing value's code is one more than the column's own integers may hold."""
    texts = [f"{i}" for i in range(count)]
    codes = pa.array([*range(count), None], pa.uint8() if count > 128 else pa.int8())
    table = pa.table({"x": pa.DictionaryArray.from_arrays(codes, texts)})
    found, values = dictionary(spec("string"), table)
    assert values[found].tolist() == [*texts, MISSING_TEXT]


def test_decimals_are_numbers() -> None:
    assert encode_table([spec("float")], pa.table({"x": [Decimal("1.25")]}))["x"].tolist() == [[1.25]]


@pytest.mark.parametrize(
    ("kind", "value", "says"),
    [
        ("float", "12.5", "is text"),
        ("float", True, "is a truth value"),
        ("float", 10**400, "beyond what a float can hold"),
        ("float", [1.0], "is a list"),
        ("bool", 1, "is an integer"),
        ("int", 1.5, "is a number with a fraction"),
        ("int", "1", "is text"),
        ("int", True, "is a truth value"),
        ("int", 2**53, "beyond 2**53"),
        ("key", 2**63, "does not fit into 64 bits"),
        ("key", MISSING_INT, "does not fit into 64 bits"),
        ("string", 1, "is an integer"),
        ("string", "\ud800", "half of a surrogate pair"),
        ("string", MISSING_TEXT, "mark of a missing text"),
        ("bytes", b"\xff", "not UTF-8"),
        ("bytes", {"b64": "!"}, "is not base64"),
        ("bytes", {"b64": "/w=="}, "not UTF-8"),
        ("timestamp", "yesterday", "not an ISO 8601 time"),
        ("timestamp", "2018-01-01T00:00:00Z", "names a zone"),
        ("timestamp", datetime(2018, 1, 1, tzinfo=UTC), "names a zone"),
        ("timestamp", 1514764800, "is an integer"),
    ],
)
def test_what_cannot_be_held_is_refused_with_its_place(kind: str, value: object, says: str) -> None:
    good = {"float": 1.0, "bool": True, "int": 1, "key": 1, "string": "a", "bytes": "a", "timestamp": None}[kind]
    with pytest.raises(InputValueError, match=says.replace("*", r"\*")) as caught:
        encode_columns([spec(kind)], {"x": [good, value]})
    assert caught.value.where == {"column": "x", "row": 1}
    with pytest.raises(InputValueError) as in_rows:
        encode_rows([spec(kind)], [{"x": good}, {"x": value}])
    assert str(in_rows.value) == str(caught.value)


@pytest.mark.parametrize(
    ("kind", "column", "says"),
    [
        ("float", pa.array(["1"]), "holds string, which cannot be read as float"),
        ("bool", pa.array([1]), "holds int64"),
        ("int", pa.array([True]), "holds bool"),
        ("int", pa.array([1.0, 1.5]), "is a number with a fraction"),
        ("int", pa.array([1, 2**53]), "beyond 2"),
        ("key", pa.array([1, MISSING_INT]), "64 bits"),
        ("key", pa.array([1, 2**63], pa.uint64()), "64 bits"),
        ("string", pa.array([1]), "holds int64"),
        ("string", pa.array(["a", MISSING_TEXT]), "mark of a missing text"),
        ("bytes", pa.array([b"a", b"\xff"]), "not UTF-8"),
        ("timestamp", pa.array([1]), "holds int64"),
        ("timestamp", pa.array([0], pa.timestamp("us", "UTC")), "without a zone"),
        ("timestamp", pa.array([0, 2**62], pa.timestamp("s")), "too far from 1970"),
    ],
)
def test_what_cannot_be_held_is_refused_in_bulk(kind: str, column: Any, says: str) -> None:
    with pytest.raises(InputValueError, match=says) as caught:
        encode_table([spec(kind)], pa.table({"x": column}))
    if len(column) > 1:
        assert caught.value.where["row"] == 1


def test_text_that_is_not_utf8_in_a_string_column_is_refused() -> None:
    broken = pa.Array.from_buffers(
        pa.string(), 2, [None, pa.py_buffer(np.array([0, 1, 2], np.int32)), pa.py_buffer(b"a\xff")]
    )
    with pytest.raises(InputValueError, match="not UTF-8") as caught:
        encode_table([spec("string")], pa.table({"x": broken}))
    assert caught.value.where == {"column": "x", "row": 1}


def test_a_required_feature_must_be_there() -> None:
    with pytest.raises(InputColumnError, match="not among the columns"):
        encode_table([spec("float")], pa.table({"y": [1]}))
    with pytest.raises(InputColumnError, match="not among the columns"):
        encode_columns([spec("float")], {"y": [1]})
    with pytest.raises(InputColumnError, match="not in the row") as caught:
        encode_rows([spec("float")], [{"x": 1}, {}])
    assert caught.value.where == {"column": "x", "row": 1}


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(InputValueError, match="differ in length"):
        encode_columns([spec("float")], {"x": [1.0], "y": [1, 2]})


def test_nothing_goes_into_a_graph_but_through_the_boundary() -> None:
    """ONNX Runtime is opened in one module, and what feeds it is made by the functions above."""
    source = Path(treadle.graph.__file__).parents[1]
    texts = {file.relative_to(source).as_posix(): file.read_text() for file in source.rglob("*.py")}
    assert {name for name, text in texts.items() if "InferenceSession(" in text} == {"graph/_session.py"}
    users = {name for name, text in texts.items() if re.search(r"from treadle.graph.* import .*\bSession\b", text)}
    fed = {name for name in users if re.search(r"encode_(table|columns|rows)", texts[name])}
    # These two run a user's body: on three rows, and on rows that were encoded when they were kept.
    assert users - fed - {"graph/__init__.py"} <= {
        "transform/analysis/_agreement.py",
        "transform/fitted/_numpy_function.py",
    }
