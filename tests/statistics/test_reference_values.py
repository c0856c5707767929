"""Every statistic that TFDV computed of these files, computed here (docs/statistics.md lists what differs and why)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest
from reference import DATA, compared_fields, differences, load

from treadle.ingest import scan
from treadle.schema import Feature, Schema
from treadle.statistics import ColumnSource, Statistics, generate

FLIGHTS = Path(__file__).parents[2] / "build" / "flights" / "flights.csv"


@pytest.fixture(scope="module")
def flights() -> ColumnSource:
    if not FLIGHTS.exists():
        pytest.skip("The flights are not here: make test-engines fetches them (tools/build_flights_data.py).")
    # TFDV saw the hour of departure as text
    return scan(FLIGHTS, Schema({"time_hour": Feature(name="time_hour", type="string")}))


def test_every_field_of_the_reference_is_compared() -> None:
    # one value a row in these files: lists are tested elsewhere
    lengths = {"min_num_values", "max_num_values", "avg_num_values", "rank_values"}
    for name in ("tiny", "flights"):
        for fields in load(name)["features"].values():
            assert set(fields) - lengths <= compared_fields()


def test_a_table_that_can_be_checked_by_hand() -> None:
    assert list(differences(generate(scan(DATA / "tiny.csv")), load("tiny"))) == []


def test_the_comparison_sees_a_difference() -> None:
    reference: dict[str, Any] = load("tiny")
    reference["features"]["i"]["mean"] += 1e-9
    reference["features"]["s"]["top_values"][0][1] += 1
    reference["features"]["f"]["quantiles_histogram"][3][2] += 0.5
    found = list(differences(generate(scan(DATA / "tiny.csv")), reference))
    assert [line.split(":")[0] for line in found] == ["i.mean", "f.quantiles_histogram", "s.top_values"]


@pytest.mark.engines
def test_a_year_of_flights(flights: ColumnSource) -> None:
    assert list(differences(generate(flights), load("flights"))) == []


@pytest.mark.engines
def test_january_against_july(flights: ColumnSource) -> None:
    from treadle.validation import drift

    months = {month: Statistics() for month in (1, 7)}
    for batch in flights.batches():
        for month, statistics in months.items():
            statistics.add(batch.filter(pc.equal(batch["month"], month)))
    found = drift(months[1], months[7], histogram="standard")
    for key, expected in load("flights")["drift_january_july"].items():
        name, measure = key.split("|")
        distance = found[name]
        if measure == "L_INFTY":
            assert distance.l_infinity == pytest.approx(expected, rel=1e-12), key
        else:
            strings = months[1].features[name].type == "string"
            # numbers are compared by histograms, TFDV's from a sketch
            assert distance.jensen_shannon == pytest.approx(expected, rel=1e-12 if strings else 0.02), key
