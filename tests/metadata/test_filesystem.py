from __future__ import annotations

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
