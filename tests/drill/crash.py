"""A run that is killed, starved or refused at some moment, and what must hold after it was resumed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from treadle.artifact import digest_tree
from treadle.metadata import MetadataStore

PIPELINE = """
from treadle import Output, component, pipeline
from treadle.artifact import Model

@component
def first(x: int) -> int:
    return x + 1

@component
def second(x: int, *, model: Output[Model]) -> None:
    (model.path / "weights").write_text(str(x) * 1000)

@component
def third(model: Model) -> int:
    return len((model.path / "weights").read_text())

@pipeline
def main():
    third(second(first(1)).model)
"""
SUCCESS = {"first": 2, "third": 1000}


def prepare(folder: Path) -> Path:
    """A folder with a pipeline of three nodes."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "flow.py").write_text(PIPELINE)
    return folder


def command() -> list[str]:
    """The command that is put under stress."""
    return [sys.executable, "-P", "-m", "treadle", "run", "flow.py", "--workers", "1", "--json"]


def environment() -> dict[str, str]:
    """Without a store of somebody else's."""
    return {name: value for name, value in os.environ.items() if name != "TREADLE_HOME"}


def kill_after(folder: Path, seconds: float) -> int:
    """Run, and kill the driver after some seconds; its return code."""
    process = subprocess.Popen(
        command(), cwd=folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    return process.wait()


def traced(folder: Path, inject: str) -> int:
    """Run under strace with a fault injected into all of its processes; the return code."""
    strace = shutil.which("strace")
    assert strace is not None
    tracing = [
        strace,
        "-f",
        "-qq",
        "-o",
        os.devnull,
        "-e",
        f"trace={inject.split(':', maxsplit=1)[0]}",
        "-e",
        f"inject={inject}",
    ]
    done = subprocess.run(
        [*tracing, *command()],
        cwd=folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=120,
    )
    return done.returncode


def can_trace() -> bool:
    """Whether strace is there and allowed to trace."""
    if shutil.which("strace") is None:
        return False
    done = subprocess.run(["strace", "-f", "-qq", "-o", os.devnull, "true"], capture_output=True)
    return done.returncode == 0


def resume(folder: Path) -> None:
    """Run to the end; then nothing is lost, doubled, half visible or still claimed."""
    done = subprocess.run(
        [*command(), *(["--resume"] if (folder / ".treadle" / "metadata.sqlite").exists() and _runs(folder) else [])],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    nodes = json.loads(done.stdout.splitlines()[-1])["nodes"]
    assert {name: node["value"] for name, node in nodes.items() if "value" in node} == SUCCESS
    check(folder)


def check(folder: Path) -> None:
    """The store is whole: every artifact visible is what its name says, every one recorded is there, once each."""
    home = folder / ".treadle"
    visible = {}
    for path in (home / "artifacts" / "sha256").glob("*/*"):
        visible[f"sha256:{path.parent.name}{path.name}"] = digest_tree(path)
    assert all(name == digest for name, digest in visible.items())
    with MetadataStore(home / "metadata.sqlite") as metadata:
        runs = metadata.runs(limit=1000)
        assert [run.state for run in runs].count("running") == 0
        ran: dict[str, int] = {}
        for run in runs:
            for execution in metadata.executions(run.id):
                assert execution.state != "running"
                ran[execution.node] = ran.get(execution.node, 0) + (execution.state == "ran")
                for artifact in execution.outputs.values():
                    assert artifact.digest in visible
        assert ran == {"first": 1, "second": 1, "third": 1}
    assert list((home / "staging").iterdir()) == []


def _runs(folder: Path) -> bool:
    with MetadataStore(folder / ".treadle" / "metadata.sqlite") as metadata:
        return bool(metadata.runs())
