"""What counts of numbers say about ranks: quantiles, cumulated counts, histograms.

Exact counts give exact answers. Counts of intervals are taken as spread evenly over their interval, so a quantile
is off by less than the width of the interval it lies in.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np

from treadle.statistics._distribution import Distribution
from treadle.statistics._keys import Floats, Ints

Method: TypeAlias = Literal["linear", "element"]


def quantiles(distribution: Distribution, shares: Sequence[float], method: Method = "linear") -> list[float]:
    """The values at the given shares, 0 to 1.

    Args:
        distribution: Counts of numbers.
        shares: Where, 0 to 1.
        method: ``linear``: between two ranks, linear (as ``numpy.quantile`` by default); ``element``: the value of
            rank ``floor(share * total)``, always one of the values (as TensorFlow Data Validation).

    Returns:
        One float per share; empty without values.
    """
    counts = distribution.counts
    if not len(counts):
        return []
    last = np.cumsum(counts)  # ranks 0 .. last[0] - 1 lie in the first interval, and so on
    total = int(last[-1])
    if method == "element":
        # the tiny part on top keeps 0.3 * 10 from being rank 2
        return [_value_at(distribution, last, min(math.floor(share * total + 1e-9), total - 1)) for share in shares]
    return [_at(distribution, last, share * (total - 1)) for share in shares]


def count_up_to(distribution: Distribution, points: Floats) -> Floats:
    """How many values are less than or equal to each point."""
    low, high = distribution.intervals()
    counts = distribution.counts.astype(np.float64)
    before = np.concatenate([[0.0], np.cumsum(counts)])
    if not len(counts):
        return np.zeros(len(points))
    place = np.searchsorted(low, points, side="right") - 1  # the last interval that begins at or before the point
    inside = np.clip(place, 0, None)
    width = high[inside] - low[inside]
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        part = np.where(width > 0, (points - low[inside]) / width, 1.0)
    share = np.clip(np.nan_to_num(part, nan=1.0), 0.0, 1.0)
    return np.asarray(np.where(place < 0, 0.0, before[inside] + counts[inside] * share))


def equal_width(distribution: Distribution, buckets: int = 10) -> list[tuple[float, float, int]]:
    """The histogram of equal widths from the least to the largest value.

    Returns:
        ``(low, high, count)`` per bucket; a value on an edge belongs to the bucket below it, and the least value to
        the first bucket. A single bucket if all values are equal; empty without values.
    """
    least, most = distribution.extremes()
    if math.isnan(least):
        return []
    if least == most:
        return [(least, most, distribution.total)]
    scale = 2.0 if max(abs(least), abs(most)) > 1e300 else 1.0  # the width itself may be beyond the largest float
    edges = np.linspace(least / scale, most / scale, buckets + 1) * scale
    cumulated = np.rint(count_up_to(distribution, edges)).astype(np.int64)
    cumulated[0], cumulated[-1] = 0, distribution.total
    ends = edges.tolist()
    return list(zip(ends[:-1], ends[1:], np.diff(cumulated).tolist(), strict=True))


def equal_mass(distribution: Distribution, buckets: int = 10) -> list[tuple[float, float, float]]:
    """The histogram of about equal counts, bounded by quantiles that are values of the data.

    A value on an edge belongs to the bucket below it, and the least value to the first bucket. Buckets with one upper
    edge (a value so frequent that it holds several) share what lies in them evenly. This is the definition of
    TensorFlow Data Validation's quantile histograms.

    Returns:
        ``(low, high, count)`` per bucket; empty without values.
    """
    edges = quantiles(distribution, [part / buckets for part in range(buckets + 1)], "element")
    if not edges:
        return []
    lows, highs = edges[:-1], edges[1:]
    distinct = sorted(set(highs))
    cumulated = np.rint(count_up_to(distribution, np.array(distinct)))
    masses = dict(zip(distinct, np.diff(cumulated, prepend=0.0).tolist(), strict=True))
    shared = Counter(highs)
    return [(low, high, masses[high] / shared[high]) for low, high in zip(lows, highs, strict=True)]


def _at(distribution: Distribution, last: Ints, rank: float) -> float:
    below, above = math.floor(rank), math.ceil(rank)
    first, second = _value_at(distribution, last, below), _value_at(distribution, last, above)
    part = rank - below
    if first == second:
        return first
    return second - (second - first) * (1 - part) if part >= 0.5 else first + (second - first) * part


def _value_at(distribution: Distribution, last: Ints, rank: int) -> float:
    if rank in (0, int(last[-1]) - 1):
        return distribution.extremes()[rank > 0]
    place = int(np.searchsorted(last, rank, side="right"))
    low, high = (float(ends[place]) for ends in distribution.intervals())
    if low == high:
        return low
    count = int(distribution.counts[place])
    return low + (high - low) * ((rank - (int(last[place]) - count) + 0.5) / count)
