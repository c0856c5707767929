"""The steps that look at examples: what stands on both sides, what was set aside, and the card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from treadle.components import check_leakage, check_quarantine, data_card, ingest
from treadle.ingest import missing_properties
from treadle.pipeline import pipeline
from treadle.runner import NodeResult, Selection, run

SCHEMA = """
format = "treadle.schema/1"
[features.customer]
type = "int"
[features.spent]
type = "float"
required = false
"""
ABOUT = """
format = "treadle.about/1"
name = "customers"
description = "Who bought what."
creator = "The shop"
url = "https://example.org/customers"
published = 2026-01-31
[[sources]]
name = "till"
licence = "CC0-1.0"
collection = "Rung up."
purpose = "Accounts."
consent = "Contract."
"""


@pipeline
def looked_at(
    data: str,
    schema: str,
    about: str,
    key: list[str] | None = None,
    max_duplicates: float | None = None,
    max_same_key: float | None = None,
    max_rows: int | None = None,
    max_share: float | None = None,
    reasons: dict[str, int] | None = None,
    complete: bool = True,
) -> None:
    examples = ingest(pattern=data, schema=schema, splits={"train": 1, "eval": 1}, quarantine=0.5)
    check_leakage(examples, key=key, max_duplicates=max_duplicates, max_same_key=max_same_key)
    check_quarantine(examples, max_rows=max_rows, max_share=max_share, reasons=reasons)
    data_card(examples, about=about, schema=schema, complete=complete)


class Desk:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "schema.toml").write_text(SCHEMA)
        (folder / "about.toml").write_text(ABOUT)

    def look(self, lines: list[str], node: str, **parameters: Any) -> NodeResult:
        (self.folder / "a.csv").write_text("\n".join(["customer,spent", *lines]) + "\n")
        given = {name: str(self.folder / file) for name, file in
                 {"data": "a.csv", "schema": "schema.toml", "about": "about.toml"}.items()}  # fmt: skip
        part = Selection(to=(node,))
        return run(looked_at, {**given, **parameters}, home=self.folder / "home", selection=part).nodes[node]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for all tests: the same rows are ingested once."""
    return tmp_path_factory.mktemp("desk")


@pytest.fixture
def desk(place: Path) -> Desk:
    return Desk(place)


COPIES = [f"{customer},1.5" for customer in range(20) for _ in range(4)]
APART = [f"{customer},{customer / 7}" for customer in range(80)]


def test_rows_on_both_sides_are_reported(desk: Desk) -> None:
    node = desk.look(COPIES, "check_leakage", key=["customer"])
    assert node.state == "ran", node.error
    told = node.outputs["leakage"].properties
    assert told["found"] is True
    assert told["duplicates"] == told["same_key"] > 10
    report = json.loads((node.outputs["leakage"].path / "leakage.json").read_bytes())
    assert report["format"] == "treadle.leakage/1"
    assert report["pairs"][0]["row_ids"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"max_duplicates": 0.1}, "rows ("),
        ({"key": ["customer"], "max_same_key": 0}, "of one customer"),
        ({"max_same_key": 0.5}, "needs the key"),
        ({"max_duplicates": 7}, "not a number from 0 to 1"),
        ({"key": ["gone"]}, "no column 'gone'"),
    ],
)
def test_too_many_on_both_sides_stop_the_run(desk: Desk, options: dict[str, Any], told: str) -> None:
    node = desk.look(COPIES, "check_leakage", **options)
    assert node.state == "failed"
    assert told in str(node.error)


def test_splits_that_share_nothing_pass(desk: Desk) -> None:
    node = desk.look(APART, "check_leakage", key=["customer"], max_duplicates=0, max_same_key=0)
    assert node.state == "ran", node.error
    assert node.outputs["leakage"].properties["found"] is False


FAULTY = ["1,2.5", "2,ten", "3", "4,1.0", "five,1.0", "6,0", "7,0"]


def test_rows_set_aside_are_listed_with_their_reasons(desk: Desk) -> None:
    node = desk.look(FAULTY, "check_quarantine", max_rows=3, reasons={"ragged": 1})
    assert node.state == "ran", node.error
    counts = {"rows_read": 7, "set_aside": 3, "reasons": {"ragged": 1, "wrong-type": 2}}
    assert dict(node.outputs["rows"].properties) == counts
    table = pq.read_table(node.outputs["rows"].path / "quarantine.parquet")
    assert table.select(["row", "reason", "column", "text"]).to_pylist() == [
        {"row": 3, "reason": "wrong-type", "column": "spent", "text": "ten"},
        {"row": 4, "reason": "ragged", "column": None, "text": "3"},
        {"row": 6, "reason": "wrong-type", "column": "customer", "text": "five"},
    ]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"max_rows": 2}, "3 rows were set aside, and 2 may be"),
        ({"max_share": 0.25}, "42.86% of 7 rows"),
        ({"reasons": {"wrong-type": 1}}, "2 rows were set aside as wrong-type, and 1 may be"),
        ({"max_rows": -1}, "limit max_rows is -1"),
        ({"max_share": 1.5}, "limit max_share is 1.5"),
    ],
)
def test_too_many_rows_set_aside_stop_the_run(desk: Desk, options: dict[str, Any], told: str) -> None:
    node = desk.look(FAULTY, "check_quarantine", **options)
    assert node.state == "failed"
    assert told in str(node.error)


def test_nothing_set_aside_is_an_empty_list(desk: Desk) -> None:
    node = desk.look(APART, "check_quarantine", max_rows=0, max_share=0)
    assert node.state == "ran", node.error
    assert pq.read_table(node.outputs["rows"].path / "quarantine.parquet").num_rows == 0


def test_the_card_is_about_exactly_these_examples(desk: Desk) -> None:
    node = desk.look(APART, "data_card")
    assert node.state == "ran", node.error
    card = node.outputs["card"]
    metadata = json.loads((card.path / "croissant.json").read_bytes())
    assert missing_properties(metadata) == ()
    assert metadata["version"].startswith("sha256:")
    text = (card.path / "card.md").read_text()
    assert f"Version `{metadata['version']}`." in text
    assert "* Consent: Contract." in text
    assert card.properties["missing"] == []
    assert desk.look(APART, "data_card").state == "cached"


def test_a_card_that_must_be_complete(desk: Desk) -> None:
    said = ABOUT.replace('consent = "Contract."\n', "").replace("published = 2026-01-31\n", "")
    (desk.folder / "about.toml").write_text(said)
    node = desk.look(APART, "data_card")
    assert node.state == "failed"
    assert "datePublished, source till: consent" in str(node.error)
    node = desk.look(APART, "data_card", complete=False)
    assert node.outputs["card"].properties["missing"] == ["datePublished", "source till: consent"]
