"""The README's pipeline, run as a reader would run it: the file it says, on months of real rides."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from treadle.cli._main import COMMANDS

ROOT = Path(__file__).parents[1]
TAXI = ROOT / "examples" / "taxi"


def test_the_pipeline_of_the_front_page_runs_and_pushes(tmp_path):
    block = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)[1]
    assert len(block.splitlines()) <= 45
    (tmp_path / "pipeline.py").write_text(block)
    (tmp_path / "data").mkdir()
    shutil.copy(TAXI / "schema.toml", tmp_path)
    for month in ("2018-01", "2018-02"):
        shutil.copy(
            TAXI / "data" / f"yellow_tripdata_sample_{month}.parquet", tmp_path / "data" / f"rides_{month}.parquet"
        )
    done = subprocess.run(
        [sys.executable, "-m", "treadle", "run", "pipeline.py", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "TREADLE_HOME": "", "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert {node["state"] for node in result["nodes"].values()} == {"ran"}
    assert (tmp_path / "serving" / "taxi" / "champion").read_text() == "1\n"


def test_the_table_of_commands_names_each_command():
    table = (ROOT / "README.md").read_text().split("## Commands")[1].split("\n\n")[1]
    named = re.findall(r"`([a-z]+)", "".join(line.split("|")[1] for line in table.splitlines()[2:]))
    assert sorted(named) == sorted(COMMANDS)
