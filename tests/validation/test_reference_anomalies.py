"""The anomalies that TFDV 1.16.1 raised of changed flights, under the schema that it inferred of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from treadle.ingest import scan
from treadle.schema import Feature, Schema, from_tfx
from treadle.statistics import generate
from treadle.validation import Reason, infer_schema, validate

FLIGHTS = Path(__file__).parents[2] / "build" / "flights" / "flights.csv"
THEIRS = Path(__file__).parent / "data" / "tfdv_flights_schema.pbtxt"


@pytest.fixture(scope="module")
def flights() -> pa.Table:
    if not FLIGHTS.exists():
        pytest.skip("The flights are not here: make test-engines fetches them (tools/build_flights_data.py).")
    text = Schema({name: Feature(name=name, type="string") for name in ("time_hour",)})
    table = pa.Table.from_batches(scan(FLIGHTS, text).batches())
    return table.select([name for name in from_tfx(THEIRS.read_text()).schema.features if name in table.column_names])


def reasons(table: pa.Table) -> list[tuple[str | None, Reason]]:
    schema = from_tfx(THEIRS.read_text()).schema
    return [(anomaly.feature, anomaly.reason) for anomaly in validate(generate(table), schema).errors]


def test_their_schema_is_read_without_a_loss() -> None:
    found = from_tfx(THEIRS.read_text())
    assert found.notes == ()
    assert len(found.schema.features) == 19
    assert found.schema.features["origin"].values == ("EWR", "JFK", "LGA")
    assert found.schema.features["dep_time"].min_count == 1


@pytest.mark.engines
def test_unchanged_flights_are_clean_and_our_schema_is_theirs(flights: pa.Table) -> None:
    assert reasons(flights) == []
    ours, theirs = infer_schema(generate(flights)).features, from_tfx(THEIRS.read_text()).schema.features
    for name, feature in theirs.items():
        if name in ours:
            assert (ours[name].type, ours[name].min_fraction) == (feature.type, feature.min_fraction)
            assert ours[name].values == (feature.values and tuple(sorted(feature.values)))


@pytest.mark.engines
def test_each_change_raises_what_theirs_raises(flights: pa.Table) -> None:
    assert reasons(flights.drop_columns("tailnum")) == [("tailnum", Reason.MISSING_COLUMN)]
    first = pa.array(np.arange(len(flights)) < 200)
    place = flights.column_names.index("carrier")
    strange = flights.set_column(place, "carrier", pc.if_else(first, "ZZ", flights["carrier"].cast(pa.string())))
    assert reasons(strange) == [("carrier", Reason.OUT_OF_DOMAIN)]
    place = flights.column_names.index("distance")
    floats = flights.set_column(place, "distance", flights["distance"].cast(pa.float64()))
    assert reasons(floats) == [("distance", Reason.WRONG_TYPE)]
