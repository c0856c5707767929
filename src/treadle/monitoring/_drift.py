"""Drift of live traffic against the statistics the model was trained on, made by the same accumulators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from treadle.schema import Schema
from treadle.statistics import Statistics, generate
from treadle.validation import MEASURES, Distance, drift, exceeded


@dataclass(frozen=True, slots=True)
class DriftReport:
    """How far the features of one window are from the baseline."""

    rows: int
    """Rows in the window."""
    distances: Mapping[str, Distance]
    """Feature, or the path of a field inside one, to its distances; one that is undefined is ``None``, with a note."""
    drifted: Mapping[str, Mapping[str, float]]
    """Feature to the measures that crossed their thresholds, with the distances."""


def measure_drift(traffic: pa.Table, baseline: Statistics, schema: Schema) -> DriftReport:
    """Compare the features in ``traffic`` with ``baseline``, by the drift thresholds of ``schema``.

    Args:
        traffic: Rows of the request log of one window.
        baseline: Statistics of the training data, as a servable carries them.
        schema: The serving schema; features without a threshold are measured and never drift.
    """
    names = [name for name in schema.features if name in traffic.column_names and name in baseline.features]
    statistics = generate(traffic.select(names).to_batches(), schema=schema)
    features = {path: chain[-1] for path, chain in schema.chains.items() if chain[0].name in names}
    distances = {path: distance for path, distance in drift(baseline, statistics).items() if path in features}
    drifted = {}
    for name, distance in distances.items():
        feature = features[name]
        thresholds = {measure: getattr(feature, measure) for measure in MEASURES}
        crossed = {
            measure: float(getattr(distance, measure)) for measure in exceeded(distance, thresholds, feature.p_value)
        }
        if crossed:
            drifted[name] = crossed
    return DriftReport(traffic.num_rows, distances, drifted)
