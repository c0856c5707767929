"""`treadle stats` on 360,000 real rides, whole command, against a pyarrow scan of the same file."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from processes import measure

DATA = Path(__file__).parents[1] / "examples" / "taxi" / "data"
SCAN = "import sys, pyarrow.parquet as pq; pq.read_table(sys.argv[1])"


def run() -> list[dict]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rides.parquet"
        pq.write_table(pa.concat_tables([pq.read_table(path) for path in sorted(DATA.glob("*.parquet"))]), file)
        scan = measure([sys.executable, "-c", SCAN, str(file)])
        stats = measure([sys.executable, "-m", "treadle", "stats", str(file), "--json"])
    return [
        {
            "name": f"treadle stats, 360,000 rows x 18, {kind}",
            "value": ours,
            "unit": "s",
            "against": f"pyarrow scan, whole command ({theirs:.2f} s)",
            "reference": theirs,
            "ratio": ours / theirs,
        }
        for kind, ours, theirs in (("wall", stats.wall, scan.wall), ("CPU", stats.cpu, scan.cpu))
    ]
