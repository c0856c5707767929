"""A whole pipeline, ingest to push, on 20,000 real rides: cold, and again with nothing changed; whole commands.

TFX took 110 s and 27 s for a pipeline of the same parts on 20,000 rows (Python 3.10, its own environment, two cores);
it cannot be installed on the Python versions Treadle supports, so that it is not measured in the same run.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from processes import Cost, measure

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "taxi" / "pipeline.py"
ROUNDS = 3


def run() -> list[dict]:
    nothing = measure([sys.executable, "-c", "pass"])
    cold = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS):
            command, store = _command(Path(folder) / str(number))
            cold.append(measure(command, rounds=1, environment=store))
        cached = measure(command, rounds=ROUNDS, environment=store)
    first = sorted(cold)[ROUNDS // 2]
    return [_row("cold", first, nothing), _row("cached", cached, nothing)]


def _command(folder: Path) -> tuple[list[str], dict[str, str]]:
    months = ["--set", "first=2018-01", "--set", "last=2018-02", "--set", f"serving={folder / 'serving'}"]
    command = [sys.executable, "-m", "treadle", "run", str(EXAMPLE), *months]
    return command, {"TREADLE_HOME": str(folder / "store")}


def _row(name: str, cost: Cost, nothing: Cost) -> dict:
    return {
        "name": f"ingest to push, 20,000 rides, {name}",
        "value": cost.wall,
        "unit": f"s wall ({cost.cpu:.1f} s CPU)",
        "against": f"python -c pass ({nothing.wall * 1000:.0f} ms)",
        "reference": nothing.wall,
        "ratio": cost.wall / nothing.wall,
    }
