"""Ten trivial nodes in a chain: Treadle and its peers, each a whole command in its own environment, in one run.

What a row says is not the same work for all: Kedro keeps everything in memory in one process and records nothing,
Dagster and Prefect use one process, Metaflow and Treadle a process for each node. TFX cannot be installed on the Python
versions Treadle supports and is not here.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from environments import SCRIPTS, python, settings
from nodes import PIPELINE
from processes import Cost, measure

CHAINS = {"kedro": [], "dagster": [], "prefect": [], "metaflow": ["run"], "zenml": []}
ROUNDS = 3


def run() -> list[dict]:
    with tempfile.TemporaryDirectory() as folder:
        cold, cached = _ours(Path(folder))
        rows = [_row("treadle, cold", cold, cold), _row("treadle, cached", cached, cold)]
        for peer, arguments in CHAINS.items():
            interpreter = python(peer)
            if interpreter is None:
                print(f"{peer} is not installed: `make peers` does it", file=sys.stderr)
                continue
            home = Path(folder) / peer
            home.mkdir()
            command = [str(interpreter), str(SCRIPTS / f"{peer}_chain.py"), *arguments]
            measure(command, rounds=1, environment=settings(home))  # what it makes at its first start is not counted
            rows.append(_row(peer, measure(command, rounds=ROUNDS, environment=settings(home)), cold))
            if peer == "zenml":
                again = [*command, "cached"]
                measure(again, rounds=1, environment=settings(home))
                rows.append(_row("zenml, cached", measure(again, rounds=ROUNDS, environment=settings(home)), cold))
    return rows


def _ours(folder: Path) -> tuple[Cost, Cost]:
    file = folder / "chain.py"
    file.write_text(PIPELINE.format(count=10))
    command = [sys.executable, "-m", "treadle", "run", str(file)]
    cold = []
    for _ in range(ROUNDS):
        store = {"TREADLE_HOME": str(folder / f"store-{time.monotonic_ns()}")}
        cold.append(measure(command, rounds=1, environment=store))
    return sorted(cold)[ROUNDS // 2], measure(command, rounds=ROUNDS, environment=store)


def _row(name: str, cost: Cost, ours: Cost) -> dict:
    return {
        "name": f"ten nodes, {name}",
        "value": cost.wall,
        "unit": f"s wall ({cost.cpu:.1f} s CPU)",
        "against": f"treadle, cold ({ours.wall:.2f} s)",
        "reference": ours.wall,
        "ratio": cost.wall / ours.wall,
    }
