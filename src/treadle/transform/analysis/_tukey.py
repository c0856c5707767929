"""The Tukey HH distribution by L-moments (Headrick and Pant 2012).

``X = location + scale * T(Z)`` with ``Z`` standard normal and ``T(z) = z exp(h z^2 / 2)``, where ``h`` is ``left``
below 0 and ``right`` above. A sample's L-skewness and L-kurtosis determine the two ``h`` in [0, 1), its first two
L-moments then location and scale. Where the kurtosis is not above the normal's, or there are fewer than four values,
both ``h`` are 0; where the skewness is beyond what the kurtosis allows, the shorter tail's is. The L-moments of
``T`` are integrals, taken here by Gauss-Legendre quadrature.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import erfc, sqrt

import numpy as np
import numpy.typing as npt

from treadle.graph import nodes as n
from treadle.transform.analysis._quantiles import CountedNumbers

Floats = npt.NDArray[np.float64]
_MOST = 0.95  # beyond it the mean is hardly finite
_END = 37.0  # exp(h z^2 / 2) phi(z) is 0 there for every h below
_STEPS = 32  # halves [0, 1) to 2e-10


@dataclass(frozen=True, slots=True)
class TukeyOf:
    """``location``, ``scale``, ``left``, ``right``; over fewer than two distinct values the z-score's, with no h."""

    def create(self) -> _TukeyState:
        return _TukeyState()


class _TukeyState(CountedNumbers):
    def result(self) -> Mapping[str, n.Node]:
        low, _ = self.values.intervals()
        location, scale, left, right = parameters(l_moments(low, self.values.counts))
        return {
            "location": n.Number(location),
            "scale": n.Number(scale),
            "left": n.Number(left),
            "right": n.Number(right),
        }


def l_moments(values: Floats, counts: npt.NDArray[np.int64]) -> tuple[float, float, float, float]:
    """The first four unbiased sample L-moments (Hosking 1990) of ascending values that occur several times."""
    total = float(counts.sum())
    if not total:
        return 0.0, 0.0, 0.0, 0.0
    ends = np.cumsum(counts).astype(np.float64)
    starts = ends - counts
    known = 4 if total >= 4 else 2  # fewer values have no third and fourth
    weighted = []
    for r in range(known):
        # The sum of C(j - 1, r) / (total C(total - 1, r)) over the ranks j of a value telescopes.
        whole = (r + 1) * _binomial(total, r + 1)
        share = (_binomial(ends, r + 1) - _binomial(starts, r + 1)) / whole if whole else np.zeros(len(values))
        weighted.append(float(np.dot(values, share)))
    if known == 2:
        return weighted[0], 2 * weighted[1] - weighted[0], 0.0, 0.0
    return _from_weighted(*weighted)


def parameters(moments: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """Location, scale, left and right ``h`` of the distribution with these L-moments."""
    mean, spread, third, fourth = moments
    if not spread > 0:
        return mean, 1.0, 0.0, 0.0
    left, right = _solve(third / spread, fourth / spread)
    of_t = theoretical(left, right)
    scale = spread / of_t[1]
    return mean - scale * of_t[0], scale, left, right


def theoretical(left: float, right: float) -> tuple[float, float, float, float]:
    """The L-moments of ``T(Z)``."""
    z, weights, below = _grid()
    t = z * np.exp(np.where(z < 0, left, right) * z * z / 2)
    return _from_weighted(*(float(np.dot(weights, t * below**r)) for r in range(4)))


def _solve(skewness: float, kurtosis: float) -> tuple[float, float]:
    """The two ``h`` by nested bisection: kurtosis grows with both, skewness with the right less the left."""
    _, normal, _, fourth = theoretical(0.0, 0.0)
    if kurtosis <= fourth / normal:
        return 0.0, 0.0
    mirrored = skewness < 0
    low, high = 0.0, _MOST
    short = long = 0.0
    for _ in range(_STEPS):
        # The longer tail for a shorter one that would give the kurtosis ...
        short = (low + high) / 2
        long = _tail(short, kurtosis)
        _, spread, third, _ = theoretical(short, long)
        # ... and the shorter one for the skewness.
        low, high = (short, high) if third / spread > abs(skewness) else (low, short)
    if low == 0.0:
        short, long = 0.0, _tail(0.0, kurtosis)
    return (long, short) if mirrored else (short, long)


def _tail(short: float, kurtosis: float) -> float:
    low, high = short, _MOST
    for _ in range(_STEPS):
        long = (low + high) / 2
        _, spread, _, fourth = theoretical(short, long)
        low, high = (long, high) if fourth / spread < kurtosis else (low, long)
    return low if low > short else short


def _from_weighted(b0: float, b1: float, b2: float, b3: float) -> tuple[float, float, float, float]:
    return b0, 2 * b1 - b0, 6 * b2 - 6 * b1 + b0, 20 * b3 - 30 * b2 + 12 * b1 - b0


def _binomial(of: Floats | float, r: int) -> Floats | float:
    """``of`` over ``r`` as a float, for r from 1 to 4."""
    product: Floats | float = 1.0
    for k in range(r):
        product = product * (of - k) / (k + 1)
    return product


@cache
def _grid() -> tuple[Floats, Floats, Floats]:
    """Points, weights times the normal density, and the normal distribution there."""
    points, weights = np.polynomial.legendre.leggauss(400)
    half = (points + 1) * _END / 2
    z = np.concatenate([-half[::-1], half])
    weight = np.concatenate([weights[::-1], weights]) * _END / 2 * np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
    below = np.array([erfc(-value / sqrt(2)) / 2 for value in z.tolist()])
    return z, weight, below
