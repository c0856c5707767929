"""A run that is killed, starved or refused at some moment, and what must hold after it was resumed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from treadle.artifact import digest_tree
from treadle.metadata import MetadataStore
from treadle.storage import ArtifactStore, clear_litter

PIPELINE = """
import os
import subprocess

from treadle import Output, component, pipeline
from treadle.artifact import Model


def stress(place):
    # The process asks to be traced itself, so that the n-th call is counted in this process and no other.
    asked, _, inject = os.environ.get("STRESS", "").partition(" ")
    if asked != place:
        return
    process = os.getppid() if place == "template" else os.getpid()
    tracer = subprocess.Popen(
        ["strace", "-o", os.environ["STRESS_TOLD"], "-e", "trace=" + inject.partition(":")[0],
         "-e", "inject=" + inject, "-p", str(process)],
        stderr=subprocess.PIPE, start_new_session=True,
    )
    assert b"attached" in tracer.stderr.readline()


@component
def first(x: int) -> int:
    stress("template")
    stress("first")
    return x + 1

@component
def second(x: int, *, model: Output[Model]) -> None:
    stress("second")
    (model.path / "weights").write_text(str(x) * 1000)

@component
def third(model: Model) -> int:
    stress("third")
    return len((model.path / "weights").read_text())

@pipeline
def main():
    third(second(first(1)).model)
"""
PLACES = ("driver", "template", "first", "second", "third")
SUCCESS = {"first": 2, "third": 1000}
WRITES = (
    "write",
    "pwrite64",
    "fsync",
    "fdatasync",
    "rename",
    "ftruncate",
    "unlink",
    "unlinkat",
    "mkdir",
    "rmdir",
    "fchmod",
)
"""The system calls that change a disk; strace counts each kind by itself."""


@dataclass(frozen=True)
class Trial:
    """What came of a run with a fault in it."""

    status: int
    """Of the command: negative for a signal."""
    faults: int
    """How often the fault struck: 0 when the process made fewer calls than that."""


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
    return {name: value for name, value in os.environ.items() if not name.startswith("TREADLE_")}


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


def strike(folder: Path, place: str, inject: str) -> Trial:
    """Run with a fault at a system call of one process.

    Args:
        folder: With the pipeline.
        place: Which process: one of ``PLACES``.
        inject: In strace's words: ``fsync:signal=KILL:when=7``, ``write:error=EIO:when=7``,
            ``write,mkdir:error=ENOSPC:when=7+`` (from the 7th of each on).
    """
    told = folder / "told"
    traced = inject.partition(":")[0]
    tracer = ["strace", "-qq", "-o", str(told), "-e", f"trace={traced}", "-e", f"inject={inject}"]
    stress = {"STRESS": f"{place} {inject}", "STRESS_TOLD": str(told)}
    done = subprocess.run(
        [*tracer, *command()] if place == "driver" else command(),
        cwd=folder,
        env=environment() | ({} if place == "driver" else stress),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=120,
    )
    text = told.read_text() if told.exists() else ""
    return Trial(done.returncode, text.count("(INJECTED)") + text.count("killed by SIGKILL"))


def can_trace() -> bool:
    """Whether strace is there and allowed to trace."""
    if shutil.which("strace") is None:
        return False
    attach = (
        "import os, subprocess as s; p = s.Popen(['sleep', '9']); t = s.Popen(['strace', '-p', str(p.pid)], "
        "stderr=s.PIPE); ok = b'attached' in t.stderr.readline(); p.kill(); raise SystemExit(not ok)"
    )
    return subprocess.run([sys.executable, "-c", attach], capture_output=True).returncode == 0


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
    store = ArtifactStore(home)
    with store.alone():
        clear_litter(store, older_than_seconds=0)  # who died before a run began left an empty folder
    assert list((home / "staging").iterdir()) == []


def _runs(folder: Path) -> bool:
    with MetadataStore(folder / ".treadle" / "metadata.sqlite") as metadata:
        return bool(metadata.runs())
