"""Errors and deaths at every step of publishing and committing; the long forms are drills."""

from __future__ import annotations

import builtins
import errno
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from three_nodes import assert_nothing_lost, work

from treadle.artifact import Artifact
from treadle.metadata import MetadataStore, Pins, Retention, collect, export_run, import_run
from treadle.storage import ArtifactStore

SCRIPT = Path(__file__).with_name("three_nodes.py")
CALLS = ("open", "rename", "fsync", "fchmod", "mkdir", "scandir", "rmdir", "unlink")


@contextmanager
def failing(nth: int, code: int) -> Iterator[list[int]]:
    """The n-th call to the operating system fails; the count of calls comes back."""
    count = [0]
    originals: dict[tuple[Any, str], Callable[..., Any]] = {(os, name): getattr(os, name) for name in CALLS}
    originals[builtins, "open"] = builtins.open

    def faulty(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            count[0] += 1
            if count[0] == nth:
                raise OSError(code, os.strerror(code))
            return original(*args, **kwargs)

        return call

    try:
        for (place, name), original in originals.items():
            setattr(place, name, faulty(original))
        yield count
    finally:
        for (place, name), original in originals.items():
            setattr(place, name, original)


LONG = [pytest.param(code, 1, marks=pytest.mark.drill) for code in (errno.EIO, errno.ENOSPC, errno.EROFS)]


@pytest.mark.parametrize(("code", "step"), [(errno.EIO, 5), *LONG])
def test_the_nth_error_while_publishing_and_committing(tmp_path: Path, code: int, step: int) -> None:
    for nth in range(1, 1000, step):
        folder = tmp_path / str(nth)
        folder.mkdir()
        MetadataStore(folder / "metadata.sqlite").close()
        failed = False
        with failing(nth, code) as count:
            try:
                work(folder)
            except OSError:
                failed = True
        assert_nothing_lost(folder, done=not failed)
        work(folder)
        assert_nothing_lost(folder, done=True)
        if count[0] < nth:
            break
    print(f"{(nth - 1) // step} errors {errno.errorcode[code]}: 0 lost, 0 doubled")
    assert nth > 40


@pytest.mark.parametrize("step", [3, pytest.param(1, marks=pytest.mark.drill)], ids=["short", "long"])
def test_the_nth_error_while_collecting(tmp_path: Path, step: int) -> None:
    for nth in range(1, 1000, step):
        folder = tmp_path / str(nth)
        work(folder)
        store = ArtifactStore(folder)
        (store.stage() / "litter").write_text("x")
        orphan = store.stage()
        (orphan / "x").write_text("orphan")
        store.publish(orphan, Artifact)
        policy = Retention(unknown_days=0)
        with MetadataStore(folder / "metadata.sqlite") as metadata:
            with failing(nth, errno.EIO) as count, suppress(OSError):
                collect(metadata, store, policy, pins=Pins, clock=lambda: 2e10)
            collect(metadata, store, policy, pins=Pins, clock=lambda: 2e10)
        assert_nothing_lost(folder, done=True)
        assert os.listdir(folder / "staging") == []
        if count[0] < nth:
            break
    print(f"{(nth - 1) // step} errors while collecting: 0 lost")


@pytest.mark.parametrize("step", [3, pytest.param(1, marks=pytest.mark.drill)], ids=["short", "long"])
def test_the_nth_error_while_a_run_travels(tmp_path: Path, step: int) -> None:
    work(tmp_path / "here")
    errors = 0
    with MetadataStore(tmp_path / "here" / "metadata.sqlite") as metadata:
        run = metadata.runs()[0].id
        store = ArtifactStore(tmp_path / "here")
        export_run(metadata, store, run, tmp_path / "run.tar")
        for nth in range(1, 1000, step):
            with failing(nth, errno.EIO) as count, suppress(OSError):
                export_run(metadata, store, run, tmp_path / "again.tar")
            if (tmp_path / "again.tar").exists():
                assert (tmp_path / "again.tar").read_bytes() == (tmp_path / "run.tar").read_bytes()
                (tmp_path / "again.tar").unlink()
            if count[0] < nth:
                break
            errors += 1
    for nth in range(1, 1000, step):
        folder = tmp_path / f"there{nth}"
        with MetadataStore(folder / "metadata.sqlite") as metadata:
            with failing(nth, errno.EIO) as count:
                try:
                    import_run(metadata, ArtifactStore(folder), tmp_path / "run.tar", trust=True)
                except OSError:
                    assert metadata.runs() == []
            import_run(metadata, ArtifactStore(folder), tmp_path / "run.tar", trust=True)
        assert_nothing_lost(folder, done=True)
        if count[0] < nth:
            break
        errors += 1
    assert sorted(path.name for path in tmp_path.glob("*.tar")) == ["run.tar"]
    print(f"{errors} errors on the way to another store: 0 half there")


def strace() -> str:
    """The tracer, where it may be used."""
    found = shutil.which("strace")
    if found is None or subprocess.run([found, "-o", os.devnull, "true"], capture_output=True).returncode != 0:
        pytest.skip("deaths at system calls are not tested: strace is missing or may not trace here")
    return found


WRITES = ("rename", "fsync", "fdatasync", "pwrite64", "write", "ftruncate", "fchmod", "unlink", "mkdir")


def die_at(folder: Path, call: str, nth: int) -> bool:
    """Work, and be killed at the n-th system call of a kind; whether there were so many."""
    inject = ["-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={nth}"]
    done = subprocess.run(
        [strace(), "-f", "-o", os.devnull, *inject, sys.executable, "-B", SCRIPT, folder], capture_output=True
    )
    return done.returncode != 0


@pytest.mark.parametrize("step", [9, pytest.param(1, marks=pytest.mark.drill)], ids=["short", "long"])
def test_a_death_at_any_write(tmp_path: Path, step: int) -> None:
    deaths = 0
    for call in WRITES:  # the tracer counts each kind of call by itself
        for nth in range(1, 2000, step):
            folder = tmp_path / f"{call}-{nth}"
            folder.mkdir()
            died = die_at(folder, call, nth)
            deaths += died
            assert_nothing_lost(folder, done=not died)
            work(folder)
            assert_nothing_lost(folder, done=True)
            connection = sqlite3.connect(folder / "metadata.sqlite")
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            connection.close()
            if not died:
                break
    print(f"{deaths} deaths at write system calls: 0 lost, 0 doubled")
    assert deaths > 2


ROOM = [0, *(2**n for n in range(9))]
"""What is left on a disk, in KiB, until there is enough."""


@pytest.mark.parametrize("rooms", [ROOM, pytest.param(range(257), marks=pytest.mark.drill)], ids=["short", "long"])
def test_a_full_disk(tmp_path: Path, rooms: Sequence[int]) -> None:
    """A small file system of its own: the run fails with the system's word, and goes on when there is room."""
    mount = f"mount -t tmpfs -o size=400k none {tmp_path}"
    if subprocess.run(["unshare", "-rm", "sh", "-c", mount], capture_output=True).returncode != 0:
        pytest.skip("a full disk is not tested: no file systems may be mounted here")
    steps = f"""
        {mount}
        mkdir {tmp_path}/store
        for room in {" ".join(map(str, rooms))}; do
            dd if=/dev/zero of={tmp_path}/full bs=1k count=400 2>/dev/null
            truncate -s -${{room}}k {tmp_path}/full
            {sys.executable} -B {SCRIPT} {tmp_path}/store 2>{tmp_path}/../error && exit 0
            echo refused
            rm {tmp_path}/full
            cd {SCRIPT.parent}
            {sys.executable} -B -c "
from pathlib import Path; from three_nodes import assert_nothing_lost
assert_nothing_lost(Path('{tmp_path}/store'), done=False)" || exit 9
        done
        {sys.executable} -B {SCRIPT} {tmp_path}/store
    """
    done = subprocess.run(["unshare", "-rm", "bash", "-c", steps], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = (tmp_path.parent / "error").read_text()
    assert told == "" or "Error" in told
    refused = done.stdout.count("refused")
    print(f"{refused} full disks, each with a little more room: 0 lost, 0 doubled")
    assert refused > 2
