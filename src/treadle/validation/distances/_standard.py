"""Equal-width histograms of two sides on common boundaries, as TensorFlow Data Validation compares them.

Each side has its own ten buckets, (low, high] with the first closed, counted exactly. The boundaries of both are put
together and each bucket's count is spread evenly over its part of them. A side whose values are all equal is a point
of its own. The default comparison groups by mass instead, because here one outlier stretches the buckets.
"""

from __future__ import annotations

import numpy as np

from treadle.statistics import FeatureStatistics
from treadle.validation.distances._measures import Masses

Bucket = tuple[float, float, int]


def standard_masses(before: FeatureStatistics, after: FeatureStatistics) -> tuple[Masses, Masses]:
    """The masses of both sides over the same buckets, then over the same points."""
    assert before.numbers is not None
    assert after.numbers is not None
    sides = [_buckets(before), _buckets(after)]
    edges = np.unique([edge for side in sides for low, high, _ in side if low < high for edge in (low, high)])
    points = sorted({low for side in sides for low, high, _ in side if low == high})
    masses = [_spread(side, np.asarray(edges, np.float64), points) for side in sides]
    return masses[0], masses[1]


def _buckets(feature: FeatureStatistics) -> list[Bucket]:
    return [(float(low), float(high), count) for low, high, count in feature.histogram(10)]  # type: ignore[arg-type]


def _spread(side: list[Bucket], edges: Masses, points: list[float]) -> Masses:
    mass = np.zeros(max(len(edges) - 1, 0))
    at_points = dict.fromkeys(points, 0.0)
    for low, high, count in side:
        if low == high:
            at_points[low] += count
            continue
        first, last = np.searchsorted(edges, [low, high])
        widths = np.diff(edges[first : last + 1])
        mass[first:last] += count * widths / widths.sum()
    return np.concatenate([mass, np.array(list(at_points.values()))])
