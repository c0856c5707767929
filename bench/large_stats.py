"""`treadle stats` on ten million rows, whole command, against a pyarrow scan of the same file in the same run.

The scan reads every column, row group by row group, with pyarrow's own threads. Limits on two cores: 1.5 times the scan
for whole numbers and strings of few values, 4 times for floats that are all distinct, 500 MB resident.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from processes import measure_with_memory

# Built by a process of its own: a child's largest resident size begins with that of the process that started it.
FILES = [sys.executable, str(Path(__file__).with_name("large_files.py"))]

SCAN = """
import sys, pyarrow.parquet as pq
file = pq.ParquetFile(sys.argv[1])
for group in range(file.num_row_groups): file.read_row_group(group)
"""


LIMITS = {"flights 10.1 M x 19": 1.5, "floats 10 M x 19": 4.0}
"""Times the scan."""
MEGABYTES = 500


def run() -> list[dict]:
    rows = []
    files = subprocess.run(FILES, check=True, capture_output=True, text=True).stdout.split()
    for (name, limit), file in zip(LIMITS.items(), files, strict=True):
        scan = measure_with_memory([sys.executable, "-c", SCAN, file])
        stats = measure_with_memory([sys.executable, "-m", "treadle", "stats", file, "--json"])
        rows += [
            {
                "name": f"treadle stats, {name}, {kind}",
                "value": ours,
                "unit": "s",
                "against": f"limit: {limit} x the pyarrow scan of {theirs:.2f} s",
                "reference": limit * theirs,
                "ratio": ours / (limit * theirs),
            }
            for kind, ours, theirs in (("wall", stats.wall, scan.wall), ("CPU", stats.cpu, scan.cpu))
        ]
        rows.append(
            {
                "name": f"treadle stats, {name}, largest resident size",
                "value": stats.megabytes,
                "unit": "MB",
                "against": f"limit: {MEGABYTES} MB",
                "reference": MEGABYTES,
                "ratio": stats.megabytes / MEGABYTES,
            }
        )
    return rows
