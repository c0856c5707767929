from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from treadle.statistics import generate
from treadle.validation import advise

TAXI = Path(__file__).parents[2] / "examples" / "taxi" / "data"
RANDOM = np.random.default_rng(0)


def hunches(values: Any, **options: Any) -> list[str]:
    return [advice.hunch.value for advice in advise(generate(pa.table({"x": values})), **options)]


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([1] * 60, ["CONSTANT"]),
        ([None] * 95 + [1, 2, 3, 4, 5], ["MOSTLY_MISSING"]),
        (list(range(200)), ["IDENTIFIER"]),
        ([f"id{n}" for n in range(200)], ["IDENTIFIER"]),
        # metres above the sea of a mountain range, and what was not measured
        (np.concatenate([np.zeros(20), RANDOM.normal(2900, 200, 2000)]), ["STAND_IN"]),
        (np.concatenate([np.full(20, -999.0), RANDOM.normal(0, 1, 2000)]), ["STAND_IN"]),
        # two thermometers
        (np.concatenate([RANDOM.normal(20, 3, 500), RANDOM.normal(20, 3, 500) * 1.8 + 50]), ["MIXED_UNITS"]),
        (RANDOM.normal(20, 3, 1000), []),
        (RANDOM.exponential(5, 1000), []),
        (RANDOM.integers(0, 5, 1000), []),
        (["NY", "ny ", "LA"] * 40, ["MIXED_SPELLING"]),
        (["1", "2.5", "-3"] * 40, ["NUMBERS_AS_TEXT"]),
        (["a", "b"] * 40, []),
        ([True, False] * 40, []),
        ([1, 2, 3], []),
    ],
)
def test_what_deserves_a_look(values: Any, found: list[str]) -> None:
    assert hunches(values) == found


def test_rows_that_repeat_and_columns_that_give_the_label_away() -> None:
    label = RANDOM.integers(0, 2, 500)
    table = pa.table(
        {
            "label": label,
            "after": np.where(label, 3.5, 7.25),
            "amount": label * 100 + RANDOM.normal(0, 1, 500),
            "fair": RANDOM.normal(0, 1, 500),
            "id": [f"r{n}" for n in range(500)],
            "some": pa.array(["y" if n else None for n in label]),
        }
    )
    found = advise(generate(table), rows=table, label="label")
    assert {advice.feature for advice in found if advice.hunch == "LEAKAGE"} == {"after", "amount", "some"}
    twice = pa.concat_tables([table, table.slice(0, 3)])
    (repeated,) = [a for a in advise(generate(twice), rows=twice) if a.hunch == "DUPLICATE_ROWS"]
    assert repeated.details == {"count": 3}
    json.dumps([advice.to_json() for advice in found])
    rare = pa.table({"label": [1] + [0] * 99, "x": [1] + [0] * 99})
    assert not [a for a in advise(generate(rare), rows=rare, label="label") if a.hunch == "LEAKAGE"]


def test_the_taxi_rides() -> None:
    table = pq.read_table(TAXI / "yellow_tripdata_sample_2018-01.parquet")
    found = {(advice.feature, advice.hunch.value) for advice in advise(generate(table), rows=table)}
    assert ("congestion_surcharge", "MOSTLY_MISSING") in found
    assert len(found) <= 2  # advice that is always there is not read


def test_odd_tables() -> None:
    empty = pa.table({"x": pa.array([], pa.int64()), "label": pa.array([], pa.int64())})
    assert advise(generate(empty), rows=empty, label="label") == ()
    nothing = pa.table({"x": pa.nulls(60), "l": [[1]] * 60, "n": [float("nan")] * 60, "i": [float("inf")] * 60})
    assert {a.hunch.value for a in advise(generate(nothing), rows=nothing, label="l")} <= {
        "MOSTLY_MISSING",
        "CONSTANT",
        "DUPLICATE_ROWS",
    }
