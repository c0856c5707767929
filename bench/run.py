"""All benchmarks: `make bench`. Ratios against a peer or a limit of the same run; absolute times are this machine's.

A benchmark is a module of this folder with ``run() -> list[dict]``; a row has ``name, value, unit`` and, where there is
something to compare with, ``against`` (in words), ``reference`` (its value) and ``ratio``.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

BENCHMARKS = (
    "startup",
    "nodes",
    "metadata",
    "stats",
    "large_stats",
    "wide_stats",
    "threads",
    "engines",
    "features",
    "transform",
    "by_span",
    "drift",
    "requests",
    "serving",
    "whole_pipeline",
    "orchestration",
    "profiles",
)
OUT = Path("build") / "bench.json"


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all; print a table and write ``build/bench.json``."""
    unknown = set(names) - set(BENCHMARKS)
    if unknown:
        print(f"There is no benchmark {min(unknown)!r}; there are {', '.join(BENCHMARKS)}.", file=sys.stderr)
        return 2
    console = Console()
    rows = []
    for name in names or BENCHMARKS:
        began = time.perf_counter()
        with console.status(name):
            found = importlib.import_module(name).run()
        rows += [{"benchmark": name, **row} for row in found]
        console.print(f"{name}: {len(found)} figures in {time.perf_counter() - began:.0f} s")
    table = Table("benchmark", "figure", "value", "against", "ratio", box=None)
    for row in rows:
        ratio = f"{row['ratio']:.2f}" if row.get("ratio") is not None else ""
        table.add_row(
            row["benchmark"], row["name"], f"{row['value']:,.4g} {row['unit']}", row.get("against", ""), ratio
        )
    console.print(table)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(rows, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
