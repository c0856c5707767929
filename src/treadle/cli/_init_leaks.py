"""How well a column alone tells the label: what is written after the fact tells it too well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa

_BINS = 64


def alone(column: pa.ChunkedArray, truth: npt.NDArray[np.float64]) -> float | None:
    """How well one column ranks the label: AUC of its bins' rates, learned on even rows and measured on odd ones.

    None where either half lacks a yes or a no.
    """
    from treadle.evaluation import binary_metrics

    bins = _bins(column)
    known = ~np.isnan(truth)
    bins, truth = bins[known], truth[known]
    total = np.bincount(bins[::2], minlength=bins.max(initial=0) + 1)
    yes = np.bincount(bins[::2], weights=truth[::2], minlength=len(total))
    if not len(truth) or not 0 < truth[::2].mean() < 1 or not 0 < truth[1::2].mean() < 1:
        return None
    rate = (yes + truth[::2].mean()) / (total + 1)  # one row of the average: an unseen value says nothing
    metrics = binary_metrics(truth[1::2], rate[bins[1::2]])[0]
    return metrics["auc"]


def alone_in_rank(column: pa.ChunkedArray, truth: npt.NDArray[np.float64]) -> float | None:
    """How well one column tells a number's rank: R2 of its bins' means, learned on even rows and measured on odd ones.

    Ranks, because a label with a long tail would hide what tells all but its largest values. None with fewer than ten
    rows, or labels that are all alike.
    """
    from treadle.evaluation import regression_metrics

    # a bin needs rows: with few of them the average's weight would hide what the column tells
    bins = _bins(column, min(_BINS, max(2, len(truth) // 20)))
    known = ~np.isnan(truth)
    bins, truth = bins[known], truth[known]
    values, places = np.unique(truth, return_inverse=True)
    if len(truth) < 10 or len(values) < 2:
        return None
    counts = np.bincount(places)
    ranks = (np.cumsum(counts) - counts / 2)[places] / len(truth)  # rows of one value share a rank
    total = np.bincount(bins[::2], minlength=bins.max() + 1)
    told = np.bincount(bins[::2], weights=ranks[::2], minlength=len(total))
    mean = (told + ranks[::2].mean() / 4) / (total + 0.25)  # a little of the average: an unseen value says nothing
    r2 = regression_metrics(ranks[1::2], mean[bins[1::2]])[0]["r2"]
    return None if r2 is None else float(r2)


def _bins(column: pa.ChunkedArray, count: int = _BINS) -> npt.NDArray[np.intp]:
    """A number of each row's value: its own for text, that of a quantile for numbers; missing is a value."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_string(column.type):
        codes = column.combine_chunks().dictionary_encode().indices.fill_null(-1)
        return np.asarray(codes.to_numpy(zero_copy_only=False) + 1, dtype=np.intp)
    plain = pc.cast(column, pa.int64()) if pa.types.is_timestamp(column.type) else column
    numbers = pc.cast(plain, pa.float64(), safe=False).to_numpy().astype(np.float64)
    present = numbers[~np.isnan(numbers)]
    edges = np.unique(np.quantile(present, np.linspace(0, 1, count))) if len(present) else np.zeros(0)
    places = np.searchsorted(edges, numbers) + 1
    places[np.isnan(numbers)] = 0
    return np.asarray(places, dtype=np.intp)
