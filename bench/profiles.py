"""Statistics of 336,776 flights in a CSV: Treadle and its peers, whole commands in environments of their own."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

from environments import SCRIPTS, python, settings
from processes import measure_with_memory

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "build" / "flights" / "flights.csv"
ROWS = 336_776
LIMIT = 1.5
DUCKDB = (
    "import sys, duckdb; duckdb.sql(f\"SUMMARIZE SELECT * FROM read_csv('{sys.argv[1]}', nullstr='NA')\").fetchall()"
)


def run() -> list[dict]:
    if not FILE.exists():
        subprocess.run([sys.executable, str(ROOT / "tools" / "build_flights_data.py")], check=True)
    commands = {"duckdb summarize": [sys.executable, "-c", DUCKDB, str(FILE)]}
    if importlib.util.find_spec("pandas"):
        commands["pandas"] = [sys.executable, str(SCRIPTS / "pandas_stats.py"), str(FILE), str(ROWS)]
    for peer in ("whylogs", "ydata", "evidently", "tfdv"):
        if (interpreter := python(peer)) is None:
            print(f"{peer} is not installed: `make peers` does it", file=sys.stderr)
        else:
            commands[peer] = [str(interpreter), str(SCRIPTS / f"{peer}_stats.py"), str(FILE), str(ROWS)]
    ours = measure_with_memory([sys.executable, "-m", "treadle", "stats", str(FILE), "--json"])
    found = {"treadle stats": ours}
    with tempfile.TemporaryDirectory() as home:
        for name, command in commands.items():
            found[name] = measure_with_memory(command, environment=settings(Path(home)))
    limits = [
        {
            "name": "treadle stats of a CSV, whole command",
            "value": ours.wall,
            "unit": "s wall",
            "against": f"limit: {LIMIT} s",
            "reference": LIMIT,
            "ratio": ours.wall / LIMIT,
        }
    ]
    return limits + [
        {
            "name": f"profile of a CSV, {name}",
            "value": used.wall,
            "unit": f"s wall ({used.cpu:.1f} s CPU, {used.megabytes:.0f} MB)",
            "against": f"treadle stats ({ours.wall:.2f} s)",
            "reference": ours.wall,
            "ratio": used.wall / ours.wall,
        }
        for name, used in found.items()
    ]
