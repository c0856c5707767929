"""How much a feature says about a label: Pearson, Spearman, ANOVA's F, chi-squared, mutual information.

All leave out the rows where the feature or the label is missing, and are 0 where nothing varies.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_BINS = 10
_FEW = 20


def pearson(x: Floats, y: Floats) -> float:
    """The absolute linear correlation."""
    x, y = x - x.mean(), y - y.mean()
    spread = float(np.sqrt((x @ x) * (y @ y)))
    return abs(float(x @ y)) / spread if spread else 0.0


def spearman(x: Floats, y: Floats) -> float:
    """The absolute linear correlation of ranks; equal values share their mean rank."""
    return pearson(_ranks(x), _ranks(y))


def anova_f(x: Floats, y: Floats) -> float:
    """The variance of ``x`` between the labels' groups over that within them; infinite without any within."""
    _, group = np.unique(y, return_inverse=True)
    sizes = np.bincount(group)
    between_freedom, within_freedom = len(sizes) - 1, len(x) - len(sizes)
    if between_freedom < 1 or within_freedom < 1:
        return 0.0
    means = np.bincount(group, x) / sizes
    between = float(sizes @ (means - x.mean()) ** 2)
    within = float(((x - means[group]) ** 2).sum())
    if not within:
        return float("inf") if between else 0.0
    return (between / between_freedom) / (within / within_freedom)


def chi_squared(x: Floats, y: Floats) -> float:
    """Pearson's statistic of independence over :func:`bins` of both."""
    table = _contingency(x, y)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return float(((table - expected) ** 2 / expected).sum())


def mutual_information(x: Floats, y: Floats) -> float:
    """The mutual information in nats over :func:`bins` of both."""
    share = _contingency(x, y) / len(x)
    independent = np.outer(share.sum(axis=1), share.sum(axis=0))
    there = share > 0
    return max(0.0, float((share[there] * np.log(share[there] / independent[there])).sum()))


def bins(x: Floats) -> npt.NDArray[np.int64]:
    """The distinct values while there are at most 20, else the deciles a value lies in."""
    values, codes = np.unique(x, return_inverse=True)
    if len(values) <= _FEW:
        return codes
    edges = np.quantile(x, np.arange(1, _BINS) / _BINS)
    return np.unique(np.searchsorted(edges, x, side="right"), return_inverse=True)[1]


def _contingency(x: Floats, y: Floats) -> Floats:
    rows, columns = bins(x), bins(y)
    table = np.zeros((int(rows.max()) + 1, int(columns.max()) + 1))
    np.add.at(table, (rows, columns), 1.0)
    return table


def _ranks(x: Floats) -> Floats:
    _, codes, counts = np.unique(x, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[codes], np.float64)


FILTERS: dict[str, Callable[[Floats, Floats], float]] = {
    "pearson": pearson,
    "spearman": spearman,
    "anova_f": anova_f,
    "chi_squared": chi_squared,
    "mutual_information": mutual_information,
}
