"""`treadle stats` on 50, 250 and 500 columns: what a further column costs does not grow with their number.

Whole commands, in CPU seconds. The first fifty columns carry the start of the program with them, so columns are
compared by what was added: 250 columns beside the first 250, and 200 beside the first 50. The rows are many
enough to be read in several batches however many columns there are: one batch, of few columns, saves merging.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from processes import measure

COLUMNS = (50, 250, 500)
ROWS = 200_000
LIMIT = 1.25
"""How much more one of many columns may cost than one of few."""


def run() -> list[dict]:
    with tempfile.TemporaryDirectory() as folder:
        costs = [
            measure(
                [sys.executable, "-m", "treadle", "stats", str(wide(Path(folder), columns)), "--json"], rounds=2
            ).cpu
            for columns in COLUMNS
        ]
    few, many = ((costs[place + 1] - costs[place]) / (COLUMNS[place + 1] - COLUMNS[place]) * 1000 for place in range(2))
    rows = [
        {"name": f"treadle stats, {columns} columns x {ROWS:,} rows", "value": cost, "unit": "CPU s"}
        for columns, cost in zip(COLUMNS, costs, strict=True)
    ]
    further = {
        "name": "a further column, 250 to 500",
        "value": many,
        "unit": "CPU ms",
        "against": f"limit: {LIMIT} x one of 50 to 250 ({few:.2f} ms)",
        "reference": LIMIT * few,
        "ratio": many / (LIMIT * few),
    }
    return [*rows, further]


def wide(folder: Path, columns: int) -> Path:
    """A file of floats, whole numbers and strings in turn, the same in every run."""
    random = np.random.default_rng(columns)
    makers = (
        lambda: random.normal(100, 15, ROWS).round(2),
        lambda: random.integers(0, 1000, ROWS),
        lambda: np.array([f"value {code:03}" for code in range(200)])[random.integers(0, 200, ROWS)],
        lambda: random.normal(size=ROWS),
    )
    file = folder / f"{columns}.parquet"
    pq.write_table(pa.table({f"c{place:03}": makers[place % len(makers)]() for place in range(columns)}), file)
    return file
