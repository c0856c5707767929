"""Tail probabilities of the two distributions that tests here need; scipy is no dependency of ours.

The incomplete gamma function by its series and its continued fraction (Abramowitz and Stegun 6.5.29 and 6.5.31, the
latter evaluated as Lentz 1976), the distribution of Kolmogorov by its two series (Kolmogorov 1933; Jacobi's identity).
"""

from __future__ import annotations

import math

_TINY = 1e-300
_ROUNDS = 10_000


def chi_squared_tail(statistic: float, degrees: int) -> float:
    """The probability of a chi-squared value above ``statistic``."""
    if statistic < 1e-200 or degrees <= 0:
        return 1.0
    shape, point = degrees / 2, statistic / 2
    scale: float = math.exp(max(-745.0, -point + shape * math.log(point) - math.lgamma(shape)))
    if point < shape + 1:
        return max(0.0, 1.0 - scale * _series(shape, point))
    return float(scale * _fraction(shape, point))


def kolmogorov_tail(distance: float) -> float:
    """The probability of a Kolmogorov value above ``distance`` (a distance times the root of the rows)."""
    if distance < 0.04:  # 1 to the last digit
        return 1.0
    if distance < 1.18:
        step = math.exp(-(math.pi**2) / (8 * distance**2))
        terms = sum(step ** ((2 * k - 1) ** 2) for k in range(1, 6))
        return max(0.0, 1.0 - math.sqrt(2 * math.pi) / distance * terms)
    terms = sum((1 if k % 2 else -1) * math.exp(-2 * (k * distance) ** 2) for k in range(1, 8))
    return max(0.0, 2 * terms)


def _series(shape: float, point: float) -> float:
    term: float = 1 / shape
    total = term
    for round_ in range(1, _ROUNDS):
        term *= point / (shape + round_)
        total += term
        if term < total * 1e-16:
            break
    return total


def _fraction(shape: float, point: float) -> float:
    b = point + 1 - shape
    c, d = 1 / _TINY, 1 / b
    value = d
    for round_ in range(1, _ROUNDS):
        a = -round_ * (round_ - shape)
        b += 2
        d = 1 / (a * d + b or _TINY)
        c = b + a / c or _TINY
        value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return value
