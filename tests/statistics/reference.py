"""Values computed by TensorFlow Data Validation, compared with ours field by field."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from treadle.statistics import FeatureStatistics, Statistics

DATA = Path(__file__).parent / "data"
# TFDV builds its histograms of equal width from a sketch, which invents mass in nearly empty buckets.
WRONG_BUCKET = 0.003


def load(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((DATA / f"tfdv_{name}.json").read_text())
    return content


def differences(statistics: Statistics, reference: dict[str, Any]) -> Iterator[str]:
    """What is not as TFDV has it, in words; nothing if all is."""
    if statistics.num_rows != reference["num_examples"]:
        yield f"rows: {statistics.num_rows}"
    for name, theirs in reference["features"].items():
        ours = statistics.features[name]
        for field, expected in theirs.items():
            if field in _FIELDS and not _FIELDS[field](ours, expected):
                yield f"{name}.{field}: expected {expected!r}"


def compared_fields() -> set[str]:
    return set(_FIELDS)


def _near(name: str, tolerance: float) -> Callable[[FeatureStatistics, float], bool]:
    return lambda ours, expected: getattr(ours, name) == pytest.approx(expected, rel=tolerance)


def _top(ours: FeatureStatistics, expected: list[list[Any]]) -> bool:
    """The same counts, and each value with its count. Ties fall in another order, so the last may differ."""
    found, counts = ours.top_values, ours.value_counts()
    assert found is not None
    assert counts is not None
    least = expected[-1][1]
    return (
        [count for _, count in found] == [count for _, count in expected]
        and all(counts[value] == count for value, count in expected)
        and {value for value, count in found if count > least} == {v for v, count in expected if count > least}
    )


def _rank_mass(ours: FeatureStatistics, expected: float | None) -> bool:
    """TFDV keeps the 1,000 most frequent values; the sum of their counts."""
    counts = ours.value_counts()
    assert counts is not None
    return expected is None or sum(sorted(counts.values(), reverse=True)[:1000]) == expected


def _standard(ours: FeatureStatistics, expected: list[list[float]]) -> bool:
    found = ours.histogram()
    edges = [edge for low, high, _ in found for edge in (low, high)]
    if edges != pytest.approx([edge for low, high, _ in expected for edge in (low, high)], rel=1e-12):
        return False
    moved = sum(abs(mine[2] - theirs[2]) for mine, theirs in zip(found, expected, strict=True)) / 2
    return moved <= WRONG_BUCKET * ours.count


def _quantile_buckets(ours: FeatureStatistics, expected: list[list[float]]) -> bool:
    found = ours.quantile_histogram()
    return [list(bucket) for bucket in found] == [pytest.approx(bucket, rel=1e-12) for bucket in expected]


_FIELDS: dict[str, Callable[[FeatureStatistics, Any], bool]] = {
    "type": lambda ours, expected: ours.type == expected.lower(),
    "num_non_missing": lambda ours, expected: ours.count == expected,
    "num_missing": lambda ours, expected: ours.missing == expected,
    "tot_num_values": lambda ours, expected: ours.count == expected,
    "mean": _near("mean", 1e-14),
    "std_dev": _near("std_dev", 1e-12),
    "min": lambda ours, expected: ours.min == expected,
    "median": lambda ours, expected: ours.quantiles([0.5], method="element") == [expected],
    "max": lambda ours, expected: ours.max == expected,
    "num_zeros": lambda ours, expected: ours.zeros == expected,
    "unique": lambda ours, expected: ours.unique == expected,
    "avg_length": _near("avg_length", 1e-6),  # a float32 there
    "top_values": _top,
    "rank_mass": _rank_mass,
    "standard_histogram": _standard,
    "quantiles_histogram": _quantile_buckets,
}
