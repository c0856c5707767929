"""JSON and checker agree: what one accepts as objects the other accepts as text, in every spelling."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.errors import MalformedRequestError, RequestError
from treadle.schema import Feature, Schema
from treadle.serving.http._codec import Codec
from treadle.validation import RequestChecker

TYPES = {"n": "int", "x": "float", "s": "string", "t": "timestamp", "b": "bool", "raw": "bytes"}
CHECKER = RequestChecker(
    Schema(
        {
            name: Feature(name=name, type=kind, required=name not in ("b", "raw"))  # type: ignore[arg-type]
            for name, kind in TYPES.items()
        }
    )
)
CODEC = Codec(CHECKER)

rows = st.fixed_dictionaries(
    {
        "n": st.none() | st.integers(-(2**63), 2**63 - 1),
        "x": st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**60), 2**60),
        "s": st.none() | st.text(st.characters(exclude_categories=["Cs"])),
        "t": st.none() | st.datetimes().map(lambda moment: moment.isoformat()),
    },
    optional={"b": st.none() | st.booleans(), "raw": st.none() | st.just({"b64": "aGk="})},
)


def spelled(value: Any, data: st.DataObject) -> bytes:
    """The value as JSON, in one of the spellings that mean the same."""
    text = json.dumps(
        value,
        ensure_ascii=data.draw(st.booleans()),
        indent=data.draw(st.none() | st.integers(0, 2)),
        separators=data.draw(st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")])),
    )
    return text.encode()


@given(instances=st.lists(rows, min_size=1, max_size=4), data=st.data())
def test_any_spelling_of_rows_gives_the_checkers_rows(instances: list[dict[str, Any]], data: st.DataObject) -> None:
    request = CODEC.decode(spelled({"instances": instances}, data))
    assert request.rows == CHECKER.check_rows(instances)
    assert (request.ids, request.by_column) == (None, False)


@given(instances=st.lists(rows, min_size=1, max_size=4), data=st.data())
def test_columns_give_the_same_rows(instances: list[dict[str, Any]], data: st.DataObject) -> None:
    columns = {name: [row.get(name) for row in instances] for name in TYPES}
    ids = [f"id {i}" for i in range(len(instances))]
    request = CODEC.decode(spelled({"ids": ids, "inputs": columns}, data))
    assert request.rows == CHECKER.check_rows(instances)
    assert (request.ids, request.by_column) == (ids, True)


@given(row=rows, data=st.data())
def test_a_repeated_name_is_found_in_any_spelling(row: dict[str, Any], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(row)))
    pairs = [(key, spelled(value, data).decode()) for key, value in [*row.items(), (name, row[name])]]
    colon = data.draw(st.sampled_from([":", " :", ": ", "\n:\t"]))
    escaped = data.draw(st.booleans())
    keys = [f"\\u{ord(key[0]):04x}{key[1:]}" if escaped else key for key, _ in pairs]
    fields = ",".join(f'"{key}"{colon}{value}' for key, (_, value) in zip(keys, pairs, strict=True))
    with pytest.raises(MalformedRequestError, match="stands twice"):
        CODEC.decode(f'{{"instances":[{{{fields}}}]}}'.encode())


@given(body=st.binary(max_size=60) | st.text(alphabet='{}[]":, instancepu01.eE-\\nul', max_size=60).map(str.encode))
def test_any_bytes_are_a_request_or_an_error_of_ours(body: bytes) -> None:
    with contextlib.suppress(RequestError):
        CODEC.decode(body)
