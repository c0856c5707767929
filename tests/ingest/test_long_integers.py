"""Integers in JSON that are longer than any: refused in the house's words, with their row."""

from __future__ import annotations

from pathlib import Path

import pytest

from treadle.errors import ColumnTypeError, CorruptFileError
from treadle.ingest import scan

MILLION = "9" * 1_000_000


@pytest.mark.parametrize("name", ["a.jsonl", "a.log", "a.json"])
@pytest.mark.parametrize("value", [MILLION, f"[{MILLION}]", f'{{"b": -{MILLION}}}'], ids=["plain", "list", "object"])
def test_an_integer_of_a_million_digits_is_refused_with_its_row(tmp_path: Path, name: str, value: str) -> None:
    rows = ['{"a": null}', f'{{"a": {value}}}']
    (tmp_path / name).write_text(f"[{', '.join(rows)}]" if name == "a.json" else "\n".join(rows))
    with pytest.raises(CorruptFileError, match=r"an integer has more than [\d,]+ digits\.") as caught:
        scan(tmp_path / name)
    assert "conversion" not in str(caught.value)
    assert caught.value.where == {"file": tmp_path / name, "row": 2}


def test_what_is_wrong_in_an_array_has_a_row(tmp_path: Path) -> None:
    for third, says in (('{"a": 3, "a": 4}', "'a' stands twice"), ('{"a": }', "Expecting value")):
        (tmp_path / "a.json").write_text(f'[{{"a": 1}},\n {{"a": 2}} , {third}]')
        with pytest.raises(CorruptFileError, match=says) as caught:
            scan(tmp_path / "a.json")
        assert caught.value.where == {"file": tmp_path / "a.json", "row": 3}


def test_an_integer_larger_than_any_float_among_floats_has_a_row(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(f'{{"a": 1.5}}\n{{"a": {"9" * 400}}}\n')
    with pytest.raises(ColumnTypeError, match="larger than any float") as caught:
        scan(tmp_path / "a.jsonl")
    assert caught.value.where == {"file": tmp_path / "a.jsonl", "row": 2, "column": "a"}
