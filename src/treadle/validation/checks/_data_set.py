"""The checks of a whole data set: how many rows, in themselves and against the baseline."""

from __future__ import annotations

from collections.abc import Iterator

from treadle.schema import Schema
from treadle.statistics import Statistics
from treadle.validation._anomaly import Reason
from treadle.validation._finding import Finding


def check_rows_count(statistics: Statistics, schema: Schema, baseline: Statistics | None) -> Iterator[Finding]:
    """Neither too few nor too many rows."""
    rows, limits = statistics.num_rows, schema.rows
    if not rows:
        yield Finding(Reason.NO_ROWS, "There are no rows.", {})
    if limits.min is not None and rows < limits.min:
        details = {"rows": rows, "min": limits.min}
        yield Finding(Reason.FEW_ROWS, f"{rows:,} rows; the schema wants at least {limits.min:,}.", details)
    if limits.max is not None and rows > limits.max:
        details = {"rows": rows, "max": limits.max}
        yield Finding(Reason.MANY_ROWS, f"{rows:,} rows; the schema wants at most {limits.max:,}.", details)
    if limits.min_ratio is None and limits.max_ratio is None:
        return
    if baseline is None or not baseline.num_rows:
        what = "There is no baseline" if baseline is None else "The baseline has no rows"
        yield Finding(Reason.NOT_MEASURED, f"{what}, so the number of rows is not compared.", {"constraint": "rows"})
        return
    ratio = rows / baseline.num_rows
    ratios: dict[str, float] = {"rows": rows, "baseline_rows": baseline.num_rows, "ratio": ratio}
    words = f"{rows:,} rows are {ratio:.3g} times those of the baseline ({baseline.num_rows:,})"
    if limits.min_ratio is not None and ratio < limits.min_ratio:
        yield Finding(Reason.ROWS_SHRANK, f"{words}; the schema wants at least {limits.min_ratio:g} times.", ratios)
    if limits.max_ratio is not None and ratio > limits.max_ratio:
        yield Finding(Reason.ROWS_GREW, f"{words}; the schema wants at most {limits.max_ratio:g} times.", ratios)
