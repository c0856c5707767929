from __future__ import annotations

import re
from html.parser import HTMLParser

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.statistics import Statistics, generate
from treadle.statistics.measures import in_words

TABLE = pa.table(
    {
        "whole": [1, 2, None, 400],
        "float": [0.5, float("nan"), float("inf"), None],
        "text": ["<script>alert(1)</script>", "b", "b", ""],
        "flag": [True, False, None, True],
        "when": pa.array([0, 86_400_000_000, None, 5], pa.timestamp("us")),
        "raw": [b"\x00\xff", b"", None, b"a"],
        "tags": [[1, 2], [], None, [3]],
        "home": [{"city": "Ulm"}, None, {"city": None}, {"city": "Bonn"}],
        "nothing": pa.nulls(4),
        'a "name" & <more>': [1, 1, 1, 1],
    }
)
_VOID = {"meta", "input", "rect", "path"}


class _Balance(HTMLParser):
    """Fails where a tag closes another than the last one opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "action")]
        if tag not in {"meta", "input"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def checked(text: str) -> _Balance:
    parser = _Balance()
    parser.feed(text)
    parser.close()
    assert parser.open == []
    assert parser.links == []  # nothing is fetched
    assert "nan" not in re.findall(r'(?:x|y|width|height)="([^"]*)"', text)
    assert all(float(number) >= 0 for number in re.findall(r'(?:width|height)="([^"]*)"', text))
    return parser


def test_a_page_shows_every_column_and_trusts_no_text() -> None:
    text = generate(TABLE).to_html(name="<data>")
    parser = checked(text)
    assert "svg" in parser.seen
    assert text.count("<script") == 1
    assert text.count('class="card"') == 12  # ten columns, the items and the field
    assert "&lt;script&gt;" in text
    assert "&lt;data&gt;" in text
    assert "<data>" not in text
    assert "http" not in text


def test_two_data_sets_stand_side_by_side() -> None:
    other = generate(TABLE.drop_columns(["whole"]).slice(0, 2))
    text = generate(TABLE).to_html(name="new", compare={"old": other}, distances={"text": 0.25, "flag": None})
    checked(text)
    assert "not in old" in text
    assert "distance 0.2500" in text
    assert 'value="distance"' in text
    assert text.count("<b>") == 2


@pytest.mark.parametrize(
    "table", [pa.table({}), pa.table({"a": pa.array([], pa.int64())}), pa.table({"a": pa.nulls(3)})]
)
def test_nothing_has_a_page(table: pa.Table) -> None:
    statistics = generate(table)
    checked(statistics.to_html())
    checked(statistics.to_html(compare={"other": generate(TABLE)}))
    checked(statistics._repr_html_())


def test_a_notebook_gets_the_cards_and_not_thousands_of_them() -> None:
    text = generate(pa.table({f"x{number}": [number] for number in range(60)}))._repr_html_()
    parser = checked(text)
    assert "script" not in parser.seen
    assert text.count('class="card"') == 50
    assert "10 more columns" in text


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.floats() | st.none(), max_size=8), st.lists(st.integers(-(2**63), 2**63 - 1) | st.none(), max_size=8)
)
def test_any_numbers_can_be_drawn(floats: list[float | None], ints: list[int | None]) -> None:
    sides: list[Statistics] = []
    for values in (floats, list(reversed(floats))[:3]):
        sides.append(generate(pa.table({"x": pa.array(values, pa.float64())})))
    checked(sides[0].to_html(compare={"other": sides[1]}))
    checked(generate(pa.table({"x": pa.array(ints, pa.int64())})).to_html())


def test_what_else_was_measured_stands_on_the_card() -> None:
    rows = pa.table({"comment": ["a <b> good car", "a <b> bad car"] * 60, "other": ["x", "y"] * 60})
    first = generate(rows, measures={"comment": ["text"]})
    text = first.to_html(name="may", compare={"june": generate(rows)})
    assert "<caption>text</caption>" in text
    assert "<tr><th>words</th><td>480</td><td>-</td></tr>" in text
    assert "&lt;b&gt; (120)" in text
    assert "<caption>text</caption>" in first._repr_html_()
    assert "<caption>" not in generate(rows).to_html()


def test_a_measure_of_anybody_is_told_by_the_shape_of_its_json() -> None:
    found = {"is_it": False, "none": None, "empty": [], "share": 0.25, "rows": 1200, "deciles": [1, 2, 2, 3, 9]}
    found |= {"top": [["a", 3]] * 9, "kinds": {"png": 2000}, "same": [4, 4, 4]}
    assert in_words(found) == {
        "is it": "no",
        "share": "0.25",
        "rows": "1,200",
        "deciles": "1 … 2 … 9",
        "top": "a (3), a (3), a (3), a (3), a (3)",
        "kinds": "png (2,000)",
        "same": "4",
    }
