"""Measures of how far two sides are from each other that know how many rows there are; definitions: docs/adr/0022."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from treadle.statistics import Distribution
from treadle.validation.distances._measures import Masses
from treadle.validation.distances._special import chi_squared_tail, kolmogorov_tail

_LEAST_EXPECTED = 5.0


@dataclass(frozen=True, slots=True)
class ChiSquared:
    """A test that two sides mix the same categories."""

    statistic: float
    degrees: int
    p_value: float
    cramers_v: float
    """The effect, 0 to 1, whatever the number of rows."""


def chi_squared(base: Masses, new: Masses) -> ChiSquared:
    """Pearson's test of homogeneity (Pearson 1900); categories that are too rare to count are pooled.

    A category whose expected count is below 5 on a side goes into a common rest (Cochran 1954).

    Args:
        base: Counts of the categories on one side; not all zero.
        new: The same on the other side; not all zero.
    """
    sides = np.stack([base, new])
    sides = sides[:, sides.sum(axis=0) > 0]
    totals = sides.sum(axis=1, keepdims=True)
    expected = totals * sides.sum(axis=0) / totals.sum()
    rare = expected.min(axis=0) < _LEAST_EXPECTED
    if rare.any():
        sides = np.concatenate([sides[:, ~rare], sides[:, rare].sum(axis=1, keepdims=True)], axis=1)
        expected = totals * sides.sum(axis=0) / totals.sum()
    statistic = float(((sides - expected) ** 2 / expected).sum())
    degrees = sides.shape[1] - 1
    effect = math.sqrt(min(1.0, statistic / float(totals.sum())))
    return ChiSquared(statistic, degrees, chi_squared_tail(statistic, degrees), effect)


def stability_index(base: Masses, new: Masses) -> float:
    """The population stability index: the sum of ``(q - p) ln(q / p)`` over groups (Lewis 1994).

    Half a row is added to every group, so that an empty one is finite. Groups that are rare on both sides are pooled as
    in :func:`chi_squared`: each would add noise for its emptiness.
    """
    sides = np.stack([base, new])
    sides = sides[:, sides.sum(axis=0) > 0]
    totals = sides.sum(axis=1, keepdims=True)
    rare = sides.max(axis=0) < _LEAST_EXPECTED
    if rare.any():
        sides = np.concatenate([sides[:, ~rare], sides[:, rare].sum(axis=1, keepdims=True)], axis=1)
    p, q = (sides + 0.5) / (totals + 0.5 * sides.shape[1])
    return float(((q - p) * np.log(q / p)).sum())


def kolmogorov_smirnov(base: Masses, new: Masses) -> tuple[float, float]:
    """The largest gap of the two cumulated shares, and its p-value (Smirnov 1939, asymptotic; Stephens 1970).

    Among values that repeat the test is conservative: it says too seldom, never too often, that sides differ.

    Args:
        base: Counts of the values in their order on one side; not all zero.
        new: The same values on the other side; not all zero.
    """
    rows = (float(base.sum()), float(new.sum()))
    gap = float(np.abs(np.cumsum(base) / rows[0] - np.cumsum(new) / rows[1]).max())
    root = math.sqrt(rows[0] * rows[1] / (rows[0] + rows[1]))
    return gap, kolmogorov_tail((root + 0.12 + 0.11 / root) * gap)


def wasserstein(base: Distribution, new: Distribution) -> float | None:
    """How far the mass has to be moved, in standard deviations of the base; ``None`` if the base does not vary.

    The first Wasserstein distance (Vallender 1974). Values known by their interval count at its middle.
    """
    spread = base.summary().std_dev
    points, shares = [], []
    for side, sign in ((base, 1.0), (new, -1.0)):
        low, high = side.intervals()
        points.append(low + (high - low) / 2)
        shares.append(sign * side.counts / side.counts.sum())
    values, weights = np.concatenate(points), np.concatenate(shares)
    order = np.argsort(values, kind="stable")
    with np.errstate(over="ignore"):
        moved = float(np.sum(np.abs(np.cumsum(weights[order]))[:-1] * np.diff(values[order])))
    if not math.isfinite(moved) or spread is None or not math.isfinite(spread):
        return None
    if spread == 0:
        return 0.0 if moved == 0 else None
    return moved / spread
