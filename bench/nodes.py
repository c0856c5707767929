"""Ten trivial nodes in a chain, whole command, cold and fully cached, against an interpreter that does nothing."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from processes import measure

PIPELINE = """
import treadle

@treadle.component
def plus_one(x: int) -> int:
    return x + 1

@treadle.pipeline
def chain():
    x = 0
    for _ in range({count}):
        x = plus_one(x)
"""
MANY = 50
"""Nodes, enough that what one more adds is not lost in what a command takes more or less from time to time."""


def run() -> list[dict]:
    nothing = measure([sys.executable, "-c", "pass"])
    with tempfile.TemporaryDirectory() as folder:
        costs = {}
        for count in (1, 10, MANY):
            file = Path(folder) / f"chain{count}.py"
            file.write_text(PIPELINE.format(count=count))
            command = [sys.executable, "-m", "treadle", "run", str(file)]
            cold = []
            for _ in range(5):  # each cold run has a store of its own
                store = {"TREADLE_HOME": str(Path(folder) / f"store-{time.monotonic_ns()}")}
                cold.append(measure(command, rounds=1, environment=store))
            costs[count] = (sorted(cold)[2], measure(command, environment=store))
    (one, _), (ten, cached), (many, _) = costs.values()
    against = f"python -c pass ({nothing.wall * 1000:.0f} ms)"
    return [
        {
            "name": name,
            "value": wall * 1000,
            "unit": "ms wall",
            "against": against,
            "reference": nothing.wall * 1000,
            "ratio": wall / nothing.wall,
        }
        for name, wall in (
            ("ten nodes cold", ten.wall),
            ("ten nodes cached", cached.wall),
            ("added per node", (many.wall - one.wall) / (MANY - 1)),
        )
    ]
