from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from treadle.errors import SchemaError
from treadle.schema import Feature, RowLimits, Schema
from treadle.statistics import generate
from treadle.validation import validate


def judged(feature: Feature, values: Any, base: Any = None, **options: Any) -> list[tuple[str, str]]:
    baseline = None if base is None else generate(pa.table({"x": base}))
    report = validate(generate(pa.table({"x": values})), Schema({"x": feature}, **options), baseline=baseline)
    return [(anomaly.reason.value, anomaly.severity.value) for anomaly in report.anomalies]


def feature(type: str, **fields: Any) -> Feature:
    return Feature(name="x", type=type, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("declared", "values", "found"),
    [
        (feature("int", min_count=3), [1, None, 2], [("LOW_PRESENCE", "error")]),
        (feature("string", pattern="[a-z]+"), ["a", "B", "B"], [("NO_MATCH", "error")]),
        (feature("string", pattern="[a-z]+", min_domain_mass=0.3), ["a", "B", "B"], []),
        (feature("string", max_length=1), ["a", "bb"], [("WRONG_LENGTH", "error")]),
        (feature("string", min_words=2, max_words=3), ["a b", "a  b c", None], []),
        (feature("string", min_words=2), ["a b", " a ", ""], [("WORD_COUNT", "error")]),
        (feature("string", max_words=2), ["a b c"], [("WORD_COUNT", "error")]),
        (feature("string", max_words=2, min_domain_mass=0.5), ["a b c", "a"], []),
        (feature("string", vocabulary=("good", "day"), min_coverage=0.75), ["good day", "good  tag"], []),
        (
            feature("string", vocabulary=("good",), min_coverage=0.6),
            ["good day", "a good"],
            [("LOW_COVERAGE", "error")],
        ),
        (feature("string", min_word_length=2.5), ["a b", "c d"], [("SHORT_WORDS", "error")]),
        (feature("string", min_word_length=2.5), ["abc de"] * 3, []),
        (feature("string", vocabulary=("x",), min_coverage=0.1), ["", None], []),
        (
            feature("string", vocabulary=("x",), min_coverage=1),
            [str(n) for n in range(20_000)],
            [("NOT_MEASURED", "warning")],
        ),
        (feature("bytes", min_length=2), [b"\xff"], [("WRONG_LENGTH", "error")]),
        (feature("string", semantic="url"), ["http://x", "x"], [("NOT_SEMANTIC", "error")]),
        (feature("string", semantic="time"), ["2024-02-29", "2024-03-01", "2024-02-31"], [("NOT_SEMANTIC", "error")]),
        (feature("string", semantic="time"), ["2024-02-29", "2024-03-01", "12:30"], []),
        (feature("int", semantic="time", format="unix_days"), [18_000, 1_600_000_000], [("NOT_SEMANTIC", "error")]),
        (feature("int", unique=True), [1, 2, 1], [("NOT_UNIQUE", "error")]),
        (feature("int", unique=True), [1, 2, None, None], []),
        (feature("int", min_unique=3), [1, 2], [("FEW_UNIQUE", "error")]),
        (feature("string", max_unique=1), ["a", "b"], [("MANY_UNIQUE", "error")]),
        (feature("int", unique=True), list(range(20_000)), [("NOT_MEASURED", "warning")]),
        (feature("float", list=True, shape=(2,), semantic="embedding"), [[1.0, 2.0], None], []),
        (feature("float", list=True, shape=(2,), semantic="embedding"), [[1.0]], [("FEW_ITEMS", "error")]),
        (
            feature("float", list=True, semantic="embedding", severity={"NOT_FINITE": "error"}),
            [[float("nan")]],
            [("NOT_FINITE", "error")],
        ),
        (feature("string", list=True, semantic="url"), [["http://x", "x"]], [("NOT_SEMANTIC", "error")]),
        (feature("string", max_unique=20_000), [str(n) for n in range(20_000)], [("NOT_MEASURED", "warning")]),
        (feature("string", max_unique=10_000), [str(n) for n in range(20_000)], [("MANY_UNIQUE", "error")]),
        (feature("string", max_unique=30_000), [str(n) for n in range(20_000)], []),
        (feature("string", min_class_share=0.4), ["a"] * 7 + ["b"] * 3, [("CLASS_IMBALANCE", "warning")]),
        (feature("string", min_class_share=0.3), ["a"] * 7 + ["b"] * 3, []),
        (feature("bool", min_class_share=0.1), [True, True], [("CLASS_IMBALANCE", "warning")]),
        (feature("string", values=("a", "b"), min_class_share=0.1), ["a"], [("CLASS_IMBALANCE", "warning")]),
        (feature("int", lifecycle="alpha", min=5), [1], [("OUT_OF_RANGE", "warning")]),
        (feature("int", lifecycle="disabled", min=5), [1], []),
    ],
)
def test_each_constraint(declared: Feature, values: Any, found: list[tuple[str, str]]) -> None:
    assert judged(declared, values) == found


def test_a_stage_that_does_not_stop_need_not_be_there() -> None:
    for stage in ("planned", "alpha", "debug", "deprecated", "disabled"):
        schema = Schema({"x": feature("int", lifecycle=stage, min_fraction=1.0), "y": Feature(name="y", type="int")})
        assert not validate(generate(pa.table({"y": [1]})), schema).anomalies


@pytest.mark.parametrize(
    ("limits", "base", "found"),
    [
        (RowLimits(min=3), None, "FEW_ROWS"),
        (RowLimits(max=1), None, "MANY_ROWS"),
        (RowLimits(min_ratio=0.5), 5, "ROWS_SHRANK"),
        (RowLimits(max_ratio=1.5), 1, "ROWS_GREW"),
        (RowLimits(max_ratio=1.5), None, "NOT_MEASURED"),
        (RowLimits(min_ratio=0.4, max_ratio=1.5, min=1, max=9), 3, None),
    ],
)
def test_the_number_of_rows(limits: RowLimits, base: int | None, found: str | None) -> None:
    reasons = [r for r, _ in judged(feature("int"), [1, 2], None if base is None else [1] * base, rows=limits)]
    assert reasons == ([] if found is None else [found])


def label(positive: float, rows: int = 1000) -> np.ndarray:
    return np.arange(rows) < positive * rows


def test_from_half_and_half_to_seven_and_three_is_a_shift() -> None:
    declared = feature("bool")
    assert judged(declared, label(0.7), label(0.5), label="x") == [("LABEL_SHIFT", "error")]
    assert judged(declared, label(0.52), label(0.5), label="x") == []
    # seven of ten rows say nothing
    assert judged(declared, label(0.7, 10), label(0.5, 10), label="x") == []
    assert judged(declared, label(0.7), label(0.5)) == []
    assert judged(declared, label(0.02), label="x") == [("CLASS_IMBALANCE", "warning")]
    assert judged(feature("bool", l_infinity=0.3), label(0.7), label(0.5), label="x") == []


def test_a_column_of_another_model() -> None:
    declared = Schema({"x": feature("float", produced_by="fraud@sha256:aa")})
    statistics = generate(pa.table({"x": [1.0]}))
    for lineage, found in (({"x": "fraud@sha256:aa"}, []), ({"x": "fraud@sha256:bb"}, ["UPSTREAM_CHANGED"])):
        assert [a.reason.value for a in validate(statistics, declared, lineage=lineage).anomalies] == found
    assert [a.reason.value for a in validate(statistics, declared, lineage={}).anomalies] == ["NOT_MEASURED"]
    assert not validate(statistics, declared).anomalies


def test_a_pattern_that_re2_does_not_know_is_refused() -> None:
    with pytest.raises(SchemaError, match="RE2"):
        judged(feature("string", pattern="(?=a)a"), ["a"])


def test_a_threshold_with_a_p_value_asks_for_both() -> None:
    declared = feature("float", kolmogorov_smirnov=0.1, p_value=0.001)
    few, many = np.arange(10) + 2.0, np.arange(1000) / 1000 + 0.2
    assert judged(declared, few, np.arange(10) + 0.0) == []  # a gap of 0.2 of ten rows may be chance
    assert judged(declared, many, np.arange(1000) / 1000) == [("DRIFT_KOLMOGOROV_SMIRNOV", "error")]
    assert judged(declared, np.arange(1000) / 1000 + 0.05, np.arange(1000) / 1000) == []  # real, and too little


@pytest.mark.parametrize(
    ("measure", "reason"),
    [("psi", "DRIFT_PSI"), ("wasserstein", "DRIFT_WASSERSTEIN"), ("cramers_v", "DRIFT_CRAMERS_V")],
)
def test_each_measure_of_drift_has_its_reason(measure: str, reason: str) -> None:
    before, after = np.arange(1000) / 1000, np.arange(1000) / 1000 + 0.5
    assert judged(feature("float", **{measure: 0.2}), after, before) == [(reason, "error")]
    assert judged(feature("float", **{measure: 0.2}), before, before) == []
