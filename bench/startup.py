"""`import treadle` and `treadle --help`, against an interpreter that does nothing."""

from __future__ import annotations

import sys

from processes import measure


def run() -> list[dict]:
    nothing = measure([sys.executable, "-c", "pass"], rounds=9)
    rows = []
    for name, command in (
        ("import treadle, CPU", [sys.executable, "-c", "import treadle"]),
        ("treadle --help, CPU", [sys.executable, "-m", "treadle", "--help"]),
    ):
        cost = measure(command, rounds=9)
        rows.append(
            {
                "name": name,
                "value": (cost.cpu - nothing.cpu) * 1000,
                "unit": "ms above python",
                "against": f"python -c pass ({nothing.cpu * 1000:.0f} ms)",
                "reference": nothing.cpu * 1000,
                "ratio": cost.cpu / nothing.cpu,
            }
        )
    return rows
