"""The notebook of the taxi example, executed by a real kernel as Jupyter would."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.engines

TAXI = Path(__file__).parents[2] / "examples" / "taxi"
NOTEBOOK = TAXI / "explore.ipynb"


def execute(notebook: Any, folder: Path) -> None:
    """Execute all cells in a folder; an error of a cell is raised."""
    from nbclient import NotebookClient

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the client's own libraries
        NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    pytest.importorskip("nbclient", reason="nbclient is not installed (make test-engines installs it)")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed (make test-engines installs it)")
    (tmp_path / "schema.toml").write_text((TAXI / "schema.toml").read_text())
    (tmp_path / "data").symlink_to(TAXI / "data")
    monkeypatch.setenv("TREADLE_HOME", str(tmp_path / ".treadle"))
    return tmp_path


def html_of(cell: Any) -> str:
    return "".join(output.get("data", {}).get("text/html", "") for output in cell.outputs)


def test_the_example_runs_shows_everything_and_its_export_reuses_all(folder: Path) -> None:
    import nbformat

    notebook = nbformat.read(NOTEBOOK, 4)
    execute(notebook, folder)
    cells = {line: html_of(cell) for cell in notebook.cells if cell.cell_type == "code" for line in [last(cell)]}
    assert "11,264" in cells["rides"]
    assert "pickup_datetime" in cells["rides"]
    assert "<iframe" in cells["measured.statistics"]
    assert "Nothing disagrees" in cells["session.run(step.validate, measured.statistics, schema=SCHEMA).anomalies"]
    assert "4 features" in cells["features.graph"]
    assert "the first rows of train" in cells["features.transformed"]
    assert "auc &gt;= 0.55" in cells["scores.verdict"]
    assert "2 slices" in cells["scores.evaluation"]
    assert "largest difference" in cells["servable.servable"]
    assert "5 steps" in cells["explore"]
    assert cells["session.plan(explore)"].count(">cached<") == 7
    assert cells["session.run(explore)"].count("cached") >= 14
    everything = "".join(cells.values())
    assert "\x1b[" not in everything
    assert "cannot be shown" not in everything
    done = subprocess.run(
        [sys.executable, "-m", "treadle", "run", "explore.py", "--json"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
    )
    nodes = json.loads(done.stdout.splitlines()[-1])["nodes"]
    assert {node["state"] for node in nodes.values()} == {"cached"}


def last(cell: Any) -> str:
    return str(cell.source.splitlines()[-1])


def test_the_example_is_kept_without_outputs() -> None:
    kept = json.loads(NOTEBOOK.read_text())
    for cell in kept["cells"]:
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None
    assert "widgets" not in kept["metadata"]


CELLS = [
    "import treadle, time\nfrom treadle.notebook import Session\nsession = Session('live')",
    "%%time\nOFFSET = 1",
    "def helper(x):\n    return x + OFFSET",
    """
@treadle.component
def shout(x: int) -> int:
    print("working on", x)
    return helper(x)
first = session.run(shout, 1)
first.value, first.result.state
""",
    "session.run(shout, 1).result.state",
    "def helper(x):\n    return x + OFFSET + 10",
    "session.run(shout, 1)",
    "STEP = 3\nsession.run(shout, STEP).value\nSTEP = 4",
    "def helper(x):\n    raise ValueError('broken here')",
]


def test_what_is_printed_and_what_fails_is_shown_and_a_changed_helper_reruns(folder: Path) -> None:
    import nbformat
    from nbclient.exceptions import CellExecutionError

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell.strip()) for cell in CELLS])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    execute(notebook, folder)
    first, again, changed = notebook.cells[3], notebook.cells[4], notebook.cells[6]
    assert first.outputs[-1]["data"]["text/plain"] == "(2, 'ran')"
    assert "working on 1" in html_of(first)
    assert len([output for output in first.outputs if output["output_type"] == "display_data"]) == 1
    assert again.outputs[-1]["data"]["text/plain"] == "'cached'"
    assert re.search("ran.*code live.helper", html_of(changed).replace("\n", " "))
    notebook.cells.append(nbformat.v4.new_code_cell("session.run(shout, 2)"))
    with pytest.raises(CellExecutionError, match="shout raised ValueError: broken here") as caught:
        execute(notebook, folder)
    assert "NODE_FAILED" in str(caught.value)
    printed = "".join(output.get("text", "") for output in notebook.cells[-1].outputs)
    assert "raise ValueError('broken here')" in printed
