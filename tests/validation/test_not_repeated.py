"""What TFDV is known for getting wrong (docs/adr/0037 has the table), and how often drift alarms falsely."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from treadle.ingest import scan
from treadle.schema import diff, from_tfx
from treadle.statistics import generate
from treadle.validation import drift, infer_schema, validate

HERE = Path(__file__).parent


def test_the_schema_they_infer_of_a_table_checked_by_hand() -> None:
    theirs = from_tfx((HERE / "data" / "tfdv_tiny_schema.pbtxt").read_text())
    ours = infer_schema(generate(scan(HERE.parent / "statistics" / "data" / "tiny.csv")))
    assert theirs.notes == ()
    # one value seen is no demand for one (drafts say what was always there), and 0 and 1 are integers until told
    assert [str(change) for change in diff(theirs.schema, ours)] == [
        "f: min_count 1 -> (not set)",
        "s: min_count 1 -> (not set)",
        "z: values (0, 1) -> (not set)",
    ]


@pytest.mark.parametrize("values", [[1, 1, 1], [0, 1, 0], [1.0, 1.0]])
def test_ones_are_not_taken_for_truth_values(values: list[float]) -> None:
    schema = infer_schema(generate(pa.table({"x": values})))
    assert (schema.features["x"].type, schema.features["x"].values) == (
        "int" if type(values[0]) is int else "float",
        None,
    )
    later = validate(generate(pa.table({"x": [type(values[0])(2)]})), schema)
    assert later.anomalies == ()


def test_a_rare_class_is_an_anomaly_without_being_asked_for() -> None:
    data = generate(pa.table({"y": ["no"] * 99 + ["yes"]}))
    schema = infer_schema(data)
    (found,) = validate(data, type(schema)(schema.features, label="y")).anomalies
    assert (found.reason.value, found.details["shares"]) == ("CLASS_IMBALANCE", [["yes", 0.01]])


def test_no_mass_is_invented_in_buckets_that_are_nearly_empty() -> None:
    numbers = np.concatenate([np.random.default_rng(0).normal(size=100_000), [1000.0]])
    statistics = generate(pa.table({"x": numbers}))
    counts = [count for _, _, count in statistics.features["x"].histogram()]
    assert counts == [100_000, *[0] * 8, 1]
    assert drift(statistics, statistics, histogram="standard")["x"].jensen_shannon == 0


def test_false_alarms_on_real_months_against_themselves(capsys: pytest.CaptureFixture[str]) -> None:
    file = HERE.parents[1] / "bench" / "drift.py"
    spec = importlib.util.spec_from_file_location("bench_drift", file)
    assert spec is not None
    assert spec.loader is not None
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    months = [pq.read_table(path) for path in sorted(bench.DATA.glob("*.parquet"))[::6]]
    alarms, compared = bench.false_alarms(months, 500, 1)
    rates = {name: alarms[name] / compared for name in bench.RULES}
    with capsys.disabled():
        shown = ", ".join(
            f"{name}: {100 * rate:.1f} %" for name, rate in rates.items() if "and p" in name or "Jen" in name
        )
        print(f"\nfalse alarms of {compared} comparisons: {shown}")
    assert rates["Jensen-Shannon > 0.005"] > 0.1  # the effect alone is no judge of 500 rows
    assert rates["Jensen-Shannon > 0.005 and p < 0.001"] == 0
    assert rates["Kolmogorov-Smirnov > 0.05 and p < 0.001"] == 0
