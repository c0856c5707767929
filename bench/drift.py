"""How often drift alarms between two samples of one month of real rides: halves of the 36 months, many times.

Every alarm is false: both halves come from one month, split at random. A row here is the share of comparisons
(month, split, feature) in which a measure is above a threshold that people use, or a p-value below its limit.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from treadle.statistics import generate
from treadle.validation import drift, exceeded

DATA = Path(__file__).parents[1] / "examples" / "taxi" / "data"
RULES: dict[str, tuple[dict[str, float | None], float | None]] = {
    "Jensen-Shannon > 0.005": ({"jensen_shannon": 0.005}, None),
    "PSI > 0.1": ({"psi": 0.1}, None),
    "Kolmogorov-Smirnov > 0.05": ({"kolmogorov_smirnov": 0.05}, None),
    "Wasserstein > 0.1": ({"wasserstein": 0.1}, None),
    "Cramér's V > 0.05": ({"cramers_v": 0.05}, None),
    "L-infinity > 0.05": ({"l_infinity": 0.05}, None),
    "missing > 0.01": ({"missing": 0.01}, None),
    "p < 0.05 alone": ({}, 0.05),
    "p < 0.001 alone": ({}, 0.001),
    "Jensen-Shannon > 0.005 and p < 0.001": ({"jensen_shannon": 0.005}, 0.001),
    "Kolmogorov-Smirnov > 0.05 and p < 0.001": ({"kolmogorov_smirnov": 0.05}, 0.001),
}


def run(rows: tuple[int, ...] = (500, 5000), splits: int = 2) -> list[dict]:
    months = [pq.read_table(path) for path in sorted(DATA.glob("*.parquet"))]
    found = []
    for size in rows:
        alarms, total = false_alarms(months, size, splits)
        neighbours, pairs = true_alarms(months, size)
        for name in RULES:
            found.append(
                {
                    "name": f"{size} rows a side: {name}",
                    "value": 100 * alarms[name] / total,
                    "unit": "% false alarms",
                    "against": f"months a year apart: {100 * neighbours[name] / pairs:.1f} %, of features compared",
                }
            )
    return found


def false_alarms(months: list[pa.Table], rows: int, splits: int) -> tuple[Counter[str], int]:
    alarms: Counter[str] = Counter()
    total = 0
    for number, month in enumerate(months):
        for split in range(splits):
            order = np.random.default_rng((number, split)).permutation(month.num_rows)
            sides = [month.take(pa.array(order[start : start + rows])) for start in (0, rows)]
            total += count(sides, alarms)
    return alarms, total


def true_alarms(months: list[pa.Table], rows: int) -> tuple[Counter[str], int]:
    alarms: Counter[str] = Counter()
    total = 0
    for before, after in zip(months, months[12:], strict=False):
        total += count([before.slice(0, rows), after.slice(0, rows)], alarms)
    return alarms, total


def count(sides: list[pa.Table], alarms: Counter[str]) -> int:
    distances = drift(generate(sides[0]), generate(sides[1]))
    compared = [distance for distance in distances.values() if distance.comparable]
    for distance in compared:
        for name, (thresholds, limit) in RULES.items():
            if thresholds:
                alarms[name] += bool(exceeded(distance, thresholds, limit))
            else:
                alarms[name] += distance.p_value is not None and distance.p_value < (limit or 0)
    return len(compared)


if __name__ == "__main__":
    for row in run():
        print(f"{row['name']:<50} {row['value']:6.2f} {row['unit']}; {row['against']}")
