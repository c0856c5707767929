"""The lineage store at 1,000,000 artifacts: commits, ten-deep lineage, and 16 processes that write at once."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from treadle.metadata import ArtifactRecord, Attempt, MetadataStore

ARTIFACTS = 1_000_000
DEEP = 10
PROCESSES = 16
COMMITS = 4_000

WRITER = """
import sys
from treadle.metadata import ArtifactRecord, Attempt, MetadataStore
path, me, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
with MetadataStore(path) as store:
    store.begin_run(f"w{me}", pipeline="w", ir={})
    for n in range(count // 2):
        attempt = Attempt(f"w{me}", f"n{n}", "m:f", "because", fingerprint=f"w{me}-{n}", parts={"component": "m:f"})
        execution = store.start_execution(attempt)
        made = ArtifactRecord(f"sha256:{me:0>32}{n:032}", "Model")
        store.finish_execution(execution, "ran", outputs={"model": made})
"""


def digest(n: int) -> str:
    return "sha256:" + hashlib.sha256(str(n).encode()).hexdigest()


def fill(path: Path, artifacts: int) -> None:
    """Runs of ten nodes in a chain, each with one artifact, written past the store's careful one-by-one way."""
    MetadataStore(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous = OFF")
    runs = artifacts // DEEP

    def nodes() -> Iterator[tuple[int, int, int]]:
        return ((1 + run * DEEP + node, run, node) for run in range(runs) for node in range(DEEP))

    with connection:
        connection.executemany(
            "INSERT INTO run (id, pipeline, state, ir, created_at, ordered_at, finished_at)"
            " VALUES (?, 'p', 'succeeded', '{}', ?, ?, ?)",
            ((f"r{n:07}", n, n, n) for n in range(runs)),
        )
        connection.executemany(
            "INSERT INTO fingerprint VALUES (?, '{}')", ((f"f{n}",) for n in range(1, artifacts + 1))
        )
        connection.executemany(
            "INSERT INTO execution (id, run_id, node, component, state, fingerprint, reads, reusable, reason,"
            " started_at, finished_at) VALUES (?, ?, ?, 'm:f', 'ran', ?, '{}', 1, 'because', 0, 1)",
            ((n, f"r{run:07}", f"n{node}", f"f{n}") for n, run, node in nodes()),
        )
        connection.executemany(
            "INSERT INTO artifact VALUES (?, ?, 'Model', '{}', 0)", ((n, digest(n)) for n in range(1, artifacts + 1))
        )
        connection.executemany(
            "INSERT INTO event VALUES (?, ?, 'x', 0, ?)",
            (event for n, _, node in nodes() for event in ([(n, "input", n - 1)] if node else []) + [(n, "output", n)]),
        )
    connection.close()


def middle(times: list[float]) -> float:
    return sorted(times)[len(times) // 2]


def timed(call: Callable[[int], object], rounds: int) -> float:
    """The middle time of a call with different arguments, in milliseconds."""
    times = []
    for n in range(rounds):
        began = time.perf_counter()
        call(n)
        times.append((time.perf_counter() - began) * 1000)
    return middle(times)


def commit(store: MetadataStore, n: int) -> float:
    """One execution, begun and committed with one input and one output; milliseconds of the commit that ends it."""
    attempt = Attempt(
        "bench", f"n{n}", "m:f", "because", fingerprint=f"b{n}", inputs={"x": [ArtifactRecord(digest(n + 1), "Model")]}
    )
    execution = store.start_execution(attempt)
    began = time.perf_counter()
    store.finish_execution(execution, "ran", outputs={"y": ArtifactRecord(digest(-n - 1), "Model")})
    return (time.perf_counter() - began) * 1000


def synced_write(folder: Path) -> float:
    """Milliseconds of appending 4 KiB to a file and syncing it: what one durable commit costs at least."""
    with open(folder / "probe", "wb", buffering=0) as file:
        return timed(lambda _: (file.write(b"x" * 4096), os.fsync(file.fileno())), 200)


def crowd(folder: Path, processes: int = PROCESSES, commits: int = COMMITS) -> tuple[float, int]:
    """Seconds in which so many processes made so many commits in one file, and how many of them failed."""
    path = folder / "crowd.sqlite"
    MetadataStore(path).close()
    began = time.perf_counter()
    command = [sys.executable, "-c", WRITER, str(path)]
    started = [subprocess.Popen([*command, str(n), str(commits // processes)]) for n in range(processes)]
    failed = sum(process.wait() != 0 for process in started)
    seconds = time.perf_counter() - began
    connection = sqlite3.connect(path)
    (done,) = connection.execute("SELECT count(*) FROM execution WHERE state = 'ran'").fetchone()
    connection.close()
    return seconds, failed + (commits // 2 - done)


def run() -> list[dict]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder / "metadata.sqlite", ARTIFACTS)
        least = synced_write(folder)
        with MetadataStore(folder / "metadata.sqlite") as store:
            store.begin_run("bench", pipeline="p", ir={})
            commits = middle([commit(store, n) for n in range(300)])
            last = ARTIFACTS // 2 // DEEP * DEEP
            found = store.lineage.ancestors(digest(last))
            assert len(found) == DEEP - 1, json.dumps([one.to_json() for one in found])
            up = timed(lambda n: store.lineage.ancestors(digest(last - n * DEEP)), 50)
            down = timed(lambda n: store.lineage.descendants(digest(last - DEEP + 1 - n * DEEP)), 50)
            hit = timed(lambda n: store.successes(f"f{n * 977 + 1}"), 200)
        seconds, errors = crowd(folder)
    limit = "the limit"
    return [
        {"name": "commit of an execution", "value": commits, "unit": "ms", "against": f"{limit} 2 ms",
         "reference": 2.0, "ratio": commits / 2},
        {"name": "commit of an execution", "value": commits, "unit": "ms", "against": f"4 KiB synced ({least:.2g} ms)",
         "reference": least, "ratio": commits / least},
        {"name": "ten-deep ancestors", "value": up, "unit": "ms", "against": f"{limit} 50 ms", "reference": 50.0,
         "ratio": up / 50},
        {"name": "ten-deep descendants", "value": down, "unit": "ms", "against": f"{limit} 50 ms", "reference": 50.0,
         "ratio": down / 50},
        {"name": "cache look-up", "value": hit, "unit": "ms"},
        {"name": f"{COMMITS:,} commits by {PROCESSES} processes", "value": COMMITS / seconds, "unit": "commits/s"},
        {"name": f"errors in {COMMITS:,} commits", "value": errors, "unit": "errors"},
    ]  # fmt: skip
