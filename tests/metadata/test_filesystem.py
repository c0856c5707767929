from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from treadle.errors import DatabaseError
from treadle.metadata import Database, _database
from treadle.metadata._filesystem import network_kind

LINE = "36 35 98:0 / {place} rw,noatime shared:1 - {kind} server:/x rw\n"


def mounts(tmp_path: Path, *places: tuple[str, str]) -> Path:
    file = tmp_path / "mountinfo"
    file.write_text("".join(LINE.format(place=place, kind=kind) for place, kind in places))
    return file


def test_the_nearest_mount_counts(tmp_path: Path) -> None:
    file = mounts(
        tmp_path, ("/", "ext4"), ("/net", "nfs4"), ("/net/my\\040disk", "xfs"), ("/cover", "ext4"), ("/cover", "cifs")
    )
    kinds = {
        place: network_kind(Path(place), mounts=file)
        for place in ("/a", "/net", "/net/b", "/net/my disk/c", "/network", "/cover/x")
    }
    assert kinds == {
        "/a": None,
        "/net": "nfs4",
        "/net/b": "nfs4",
        "/net/my disk/c": None,
        "/network": None,
        "/cover/x": "cifs",
    }
    assert network_kind(Path("/net"), mounts=tmp_path / "none") is None


def test_sqlite_on_a_network_file_system_points_at_postgresql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = mounts(tmp_path, ("/", "ext4"), (str(tmp_path), "nfs"))
    monkeypatch.setattr(_database, "network_kind", lambda folder: network_kind(folder, mounts=file))
    with pytest.raises(DatabaseError, match="PostgreSQL"):
        Database(tmp_path / "x.sqlite", ["CREATE TABLE a (b)"])
    assert not (tmp_path / "x.sqlite").exists()


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    """A folder that rclone keeps elsewhere: a real file system of the kind that is refused."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "probe").write_text("x")
    place = tmp_path / "mounted"
    place.mkdir()
    if shutil.which("rclone") is None or shutil.which("fusermount3") is None or not os.access("/dev/fuse", os.W_OK):
        pytest.skip("a real network file system is not tested: rclone, fuse3 or /dev/fuse is missing")
    command = ["rclone", "mount", tmp_path / "elsewhere", place, "--config", "", "--vfs-cache-mode", "writes"]
    process = subprocess.Popen([*command, "--cache-dir", tmp_path / "cache"], stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 30
        while not os.path.ismount(place) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        if not os.path.ismount(place):
            process.kill()
            pytest.skip(
                f"a real network file system is not tested: it may not be mounted here: {process.stderr.read()}"
            )
        yield place
    finally:
        subprocess.run(["fusermount3", "-uz", place], capture_output=True)
        process.terminate()
        process.communicate(timeout=30)


@pytest.mark.engines
def test_a_real_network_file_system_is_refused(mounted: Path, tmp_path: Path) -> None:
    assert (mounted / "probe").read_text() == "x", "it is mounted"
    flow = tmp_path / "flow.py"
    flow.write_text(
        "from treadle import component, pipeline\n"
        "@component\ndef one() -> int:\n    return 1\n"
        "@pipeline\ndef main():\n    one()\n"
    )
    run = [sys.executable, "-m", "treadle", "run", flow]
    done = subprocess.run(run, env={**os.environ, "TREADLE_HOME": str(mounted)}, capture_output=True, text=True)
    assert done.returncode == 2
    assert "network file system (fuse.rclone)" in done.stderr
    assert "PostgreSQL" in done.stderr
    assert not list(mounted.glob("*.sqlite*"))
    local = subprocess.run(run, env={**os.environ, "TREADLE_HOME": str(tmp_path / "local")}, capture_output=True)
    assert local.returncode == 0
