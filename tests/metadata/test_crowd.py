"""Sixteen processes write to one store at once. The long form is a drill; `make bench` measures it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from treadle.metadata import MetadataStore

WRITER = """
import sys
from treadle.metadata import ArtifactRecord, Attempt, MetadataStore
path, me, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
shared = ArtifactRecord("sha256:" + "a" * 64, "Examples")
with MetadataStore(path) as store:
    store.begin_run(f"w{me}", pipeline="w", ir={})
    for n in range(count // 2):
        attempt = Attempt(f"w{me}", f"n{n}", "m:f", "because", fingerprint=f"f{n}", inputs={"x": [shared]})
        execution = store.start_execution(attempt)
        store.finish_execution(execution, "ran", outputs={"model": ArtifactRecord(f"sha256:{me:0>32}{n:032}", "Model")})
"""


@pytest.mark.parametrize(
    ("processes", "commits"), [(16, 160), pytest.param(16, 4_000, marks=pytest.mark.drill)], ids=["short", "long"]
)
def test_a_crowd_loses_nothing(tmp_path: Path, processes: int, commits: int) -> None:
    path = tmp_path / "metadata.sqlite"  # made by whoever is first: the migrators race too
    command = [sys.executable, "-c", WRITER, str(path)]
    crowd = [subprocess.Popen([*command, str(n), str(commits // processes)]) for n in range(processes)]
    assert [process.wait() for process in crowd] == [0] * processes
    with MetadataStore(path) as store:
        made = store.lineage.artifacts(type_name="Model", limit=commits)
        assert len(made) == commits // 2
        assert len(store.lineage.descendants("sha256:" + "a" * 64)) == commits // 2
    print(f"{processes} processes, {commits} commits, 0 errors")
