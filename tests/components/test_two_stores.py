"""The same inputs in two stores give the same servable, byte for byte."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from treadle import runner
from treadle.pipeline import load_pipeline

TAXI = Path(__file__).parents[2] / "examples" / "taxi"


@pytest.fixture
def copied(tmp_path):
    """The example in a folder of its own, with two months of data."""

    def copy(name):
        folder = tmp_path / name
        (folder / "data").mkdir(parents=True)
        for file in ("pipeline.py", "schema.toml", *(f"data/{p.name}" for p in (TAXI / "data").glob("*2018-0[12]*"))):
            shutil.copy(TAXI / file, folder / file)
        return folder

    yield copy
    sys.modules.pop("pipeline", None)


def test_two_stores_two_folders_one_digest(copied):
    digests = []
    for name in ("first", "second"):
        folder = copied(name)
        result = runner.run(
            load_pipeline(folder / "pipeline.py"),
            {"first": "2018-01", "last": "2018-02", "serving": str(folder / "serving")},
            home=folder / "store",
        )
        assert result.state == "succeeded", {n: str(node.error) for n, node in result.nodes.items() if node.error}
        assert all(node.state == "ran" for node in result.nodes.values())
        digests.append(
            {
                f"{node}.{output}": artifact.digest
                for node, outcome in result.nodes.items()
                for output, artifact in outcome.outputs.items()
            }
        )
    assert digests[0] == digests[1]
    assert "package.servable" in digests[0]
