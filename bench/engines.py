"""The same statistics of 10.1 million flights by threads, Spark and Ray on this machine, as ratios to threads.

Each engine in a process of its own: what its start costs, the first statistics (its workers start too) and the second.
An engine that is not installed is said and left out: ``pip install 'treadle[spark,ray]'``; Spark needs Java.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

FILES = [sys.executable, str(Path(__file__).with_name("large_files.py"))]
NEEDS = {"local": None, "spark": "pyspark", "ray": "ray"}
WORK = """
import hashlib, json, sys, time
from treadle.engine import open_engine
from treadle.ingest import scan
from treadle.statistics import generate
source = scan(sys.argv[2])
seconds = []
def timed(work):
    began = time.perf_counter()
    found = work()
    seconds.append(time.perf_counter() - began)
    return found
with timed(lambda: open_engine(sys.argv[1])) as engine:
    for _ in range(2):
        found = timed(lambda: generate(source, engine=engine))
print(json.dumps([*seconds, hashlib.sha256(found.to_bytes()).hexdigest()]))
"""


def run() -> list[dict]:
    file = subprocess.run(FILES, check=True, capture_output=True, text=True).stdout.split("\n")[0]
    rows: list[dict] = []
    found = {}
    for name, library in NEEDS.items():
        if (library and importlib.util.find_spec(library) is None) or (
            name == "spark" and shutil.which("java") is None
        ):
            print(f"engines: {name} is not installed and left out", file=sys.stderr)
            continue
        out = subprocess.run(
            [sys.executable, "-c", WORK, name, file], check=True, capture_output=True, text=True
        ).stdout
        start, first, second, digest = json.loads(out.splitlines()[-1])
        found[name] = digest
        threads = rows[2]["value"] if rows else second
        rows.append({"name": f"{name}: start", "value": start, "unit": "s"})
        rows += [
            {
                "name": f"{name}: {which} statistics",
                "value": value,
                "unit": "s",
                "against": f"threads ({threads:.2f} s)",
                "reference": threads,
                "ratio": value / threads,
            }
            for which, value in (("first", first), ("second", second))
        ]
    if len(set(found.values())) > 1:
        raise AssertionError(f"the engines disagree: {found}")
    return rows
