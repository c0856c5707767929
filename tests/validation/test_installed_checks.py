"""Checks and measures of a package that is really installed: a distribution with entry points on the path."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from treadle.errors import SchemaError, UserCodeError
from treadle.schema import Schema
from treadle.statistics import Statistics, generate
from treadle.validation import validate

CODE = """
import json

def more_than_two_rows(statistics):
    return None if statistics.num_rows > 2 else f"Only {statistics.num_rows} rows."

def broken(statistics):
    raise RuntimeError("no idea")

class Vowels:
    def __init__(self): self.count = 0
    def add(self, column): self.count += sum(letter in "aeiou" for text in column.to_pylist() for letter in text)
    def merge(self, other): self.count += other.count
    def to_json(self): return {"vowels": self.count}
    def state(self): return {"count": self.count}
    def restore(self, state): self.count = int(state["count"])
"""
SCHEMA = """
[features.city]
type = "string"
[rules.enough]
check = "{check}"
severity = "{severity}"
"""
CITIES = pa.table({"city": ["Ulm", "Bonn"]})


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "team_checks.py").write_text(CODE)
    info = tmp_path / "team_checks-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: team-checks\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[treadle.checks]\nenough_rows = team_checks:more_than_two_rows\nbroken = team_checks:broken\n"
        "[treadle.statistics]\nvowels = team_checks:Vowels\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))


def schema(check: str = "enough_rows", severity: str = "error") -> Schema:
    return Schema.loads(SCHEMA.format(check=check, severity=severity))


@pytest.mark.usefixtures("package")
def test_a_rule_names_a_check_of_the_package():
    (anomaly,) = validate(generate(CITIES), schema(severity="warning")).anomalies
    assert (anomaly.reason, anomaly.severity, anomaly.message) == ("RULE", "warning", "Only 2 rows.")
    assert not validate(generate(pa.concat_tables([CITIES] * 2)), schema()).anomalies
    assert Schema.loads(schema().dumps()) == schema()


@pytest.mark.usefixtures("package")
def test_a_check_that_raises_is_the_users_error():
    with pytest.raises(UserCodeError, match="no idea"):
        validate(generate(CITIES), schema("broken"))


def test_a_check_that_nobody_offers_is_named():
    with pytest.raises(SchemaError, match="no installed package offers the check 'enough_rows'"):
        validate(generate(CITIES), schema())


@pytest.mark.usefixtures("package")
def test_an_accumulator_of_the_package_is_measured_merged_and_saved():
    parts = [generate(CITIES.slice(place, 1), measures={"city": ["vowels"]}) for place in (0, 1)]
    parts[0].merge(parts[1])
    again = Statistics.from_bytes(parts[0].to_bytes())
    assert again.to_json()["features"]["city"]["measures"] == {"vowels": {"vowels": 1}}
    assert json.loads(again.to_bytes())["measures"]["city"]["vowels"] == {"count": 1}


def test_a_notebook_shows_reports_and_schemas_without_letting_data_become_markup():
    found = Schema.loads('[features."<b>"]\ntype = "string"\nvalues = ["<i>"]\n[rules.r]\nrows = "1 < 2"')
    report = validate(generate(pa.table({"<b>": ["<script>"]})), found)
    good = validate(generate(CITIES), Schema.loads('[features.city]\ntype = "string"'))
    for text in (found._repr_html_(), report._repr_html_(), good._repr_html_()):
        assert text.startswith("<div>")
        assert "<script>" not in text
        assert "<i>" not in text
    assert "&lt;script&gt;" in report._repr_html_()
    assert "OUT_OF_DOMAIN" in report._repr_html_()
