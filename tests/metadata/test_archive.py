"""Runs as archives: there and back, the same bytes, and every hostile entry refused with the store untouched."""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.artifact import Artifact, canonical_json, digest_bytes
from treadle.errors import ArchiveError, ArtifactError, UsageError
from treadle.metadata import ArtifactRecord, Attempt, MetadataStore, export_run, import_run
from treadle.storage import ArtifactStore, check, stored

PARTS = {"component": "m:f", "code m.f": "1"}
FINGERPRINT = digest_bytes(canonical_json(PARTS))


class House:
    def __init__(self, folder: Path) -> None:
        self.store = ArtifactStore(folder)
        self.metadata = MetadataStore(folder / "metadata.sqlite")

    def make_run(self, run: str = "20260101-000000-abcdef") -> str:
        self.metadata.begin_run(run, pipeline="taxi", ir={"name": "taxi"})
        data = self.publish({"rows.txt": "1\n2\n", "deep/er/more": "x" * 2000, "empty": ""}, ["hollow/inside"])
        first = self.metadata.start_execution(Attempt(run, "read", "m:read", "first run"))
        self.metadata.finish_execution(first, "ran", outputs={"data": data})
        long = self.publish({"n" * 120 + "/" + "é" * 100: "long names"})
        attempt = Attempt(run, "train", "m:f", "first\nrun", FINGERPRINT, PARTS, {"data": [data, data]})
        second = self.metadata.start_execution(attempt)
        self.metadata.finish_execution(second, "ran", outputs={"model": long}, reads={"a.csv": None})
        self.metadata.record_unrun(Attempt(run, "push", "m:push", "train failed"), "skipped", error={"what": "no"})
        self.metadata.finish_run(run, "succeeded")
        return run

    def publish(self, files: dict[str, str], folders: list[str] = []) -> ArtifactRecord:  # noqa: B006
        staged = self.store.stage()
        for name, text in files.items():
            (staged / name).parent.mkdir(parents=True, exist_ok=True)
            (staged / name).write_text(text)
        for name in folders:
            (staged / name).mkdir(parents=True)
        return ArtifactRecord(self.store.publish(staged, Artifact).digest, "Artifact", {"rows": 2})

    def state(self) -> tuple[object, ...]:
        staging = self.store.root / "staging"
        return (
            [found.digest for found in stored(self.store)],
            self.metadata.runs(),
            sorted(os.listdir(staging)) if staging.exists() else [],
        )


@pytest.fixture
def here(tmp_path: Path) -> House:
    return House(tmp_path / "here")


@pytest.fixture
def there(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "there")
    yield house
    house.metadata.close()


def test_there_and_back(here: House, there: House, tmp_path: Path) -> None:
    run = here.make_run()
    sent = export_run(here.metadata, here.store, run, tmp_path / "run.tar")
    came = import_run(there.metadata, there.store, tmp_path / "run.tar")
    assert (sent.run, sent.artifacts, sent.size) == (came.run, came.artifacts, came.size) == (run, 2, 2014)
    assert there.metadata.run(run) == here.metadata.run(run)
    assert there.metadata.contents(run).artifacts == here.metadata.contents(run).artifacts
    assert [found.digest for found in stored(there.store)] == [found.digest for found in stored(here.store)]
    export_run(there.metadata, there.store, run, tmp_path / "again.tar")
    untrusted = there.metadata.successes(FINGERPRINT)
    assert untrusted == []
    with tarfile.open(tmp_path / "run.tar") as archive:  # any tar reads it
        assert "treadle-run.json" in archive.getnames()
    before = there.state()
    assert not import_run(there.metadata, there.store, tmp_path / "run.tar").new
    assert there.state() == before


def test_the_same_run_gives_the_same_bytes(here: House, there: House, tmp_path: Path) -> None:
    run = here.make_run()
    for name in ("a.tar", "b.tar"):
        export_run(here.metadata, here.store, run, tmp_path / name)
    import_run(there.metadata, there.store, tmp_path / "a.tar", trust=True)
    export_run(there.metadata, there.store, run, tmp_path / "c.tar")
    first, second, third = ((tmp_path / f"{name}.tar").read_bytes() for name in "abc")
    assert first == second == third
    assert len(there.metadata.successes(FINGERPRINT)) == 1


def test_an_import_brings_back_what_is_damaged(here: House, tmp_path: Path) -> None:
    run = here.make_run()
    export_run(here.metadata, here.store, run, tmp_path / "run.tar")
    digest = next(stored(here.store)).digest
    (here.store.path(digest) / "new").write_text("damage")
    with pytest.raises(ArtifactError):
        export_run(here.metadata, here.store, run, tmp_path / "other.tar")
    assert not (tmp_path / "other.tar").exists()
    import_run(here.metadata, here.store, tmp_path / "run.tar")
    assert check(here.store, digest).state == "whole"


def test_what_cannot_be_exported(here: House, tmp_path: Path) -> None:
    run = here.make_run()
    (tmp_path / "there.tar").write_text("precious")
    with pytest.raises(UsageError):
        export_run(here.metadata, here.store, run, tmp_path / "there.tar")
    with pytest.raises(UsageError):
        export_run(here.metadata, here.store, "none", tmp_path / "x.tar")
    here.metadata.begin_run("running", pipeline="taxi", ir={})
    with pytest.raises(UsageError):
        export_run(here.metadata, here.store, "running", tmp_path / "x.tar")
    assert sorted(os.listdir(tmp_path)) == ["here", "there.tar"]


Entry = tuple[tarfile.TarInfo, bytes]


def unpack(path: Path) -> list[Entry]:
    with tarfile.open(path) as archive:
        return [(member, archive.extractfile(member).read()) for member in archive]  # type: ignore[union-attr]


def pack(path: Path, entries: list[Entry]) -> None:
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for member, data in entries:
            archive.addfile(member, io.BytesIO(data))


def rewritten(change: Callable[[Any], object]) -> Callable[[list[Entry]], object]:
    """Change the manifest, keeping the archive well-formed."""

    def apply(entries: list[Entry]) -> None:
        member, data = entries[0]
        manifest = json.loads(data)
        change(manifest)
        text = json.dumps(manifest).encode()
        member.size = len(text)
        entries[0] = (member, text)

    return apply


def extra(**fields: Any) -> Callable[[list[Entry]], object]:
    def apply(entries: list[Entry]) -> None:
        member = tarfile.TarInfo(fields.pop("name", "artifacts/x"))
        for name, value in fields.items():
            setattr(member, name, value)
        entries.insert(1, (member, b""))

    return apply


def instead(**fields: Any) -> Callable[[list[Entry]], object]:
    def apply(entries: list[Entry]) -> None:
        for name, value in fields.items():
            setattr(entries[1][0], name, value)
        if fields.get("type") in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            entries[1][0].size = 0
            entries[1] = (entries[1][0], b"")

    return apply


def file_named(name: str) -> Callable[[list[Entry]], object]:
    def change(manifest: Any) -> None:
        files = sorted(manifest["files"].values(), key=len)[-1]
        files[0][0] = name
        files.sort()

    return rewritten(change)


def set_(*keys: Any, to: Any) -> Callable[[list[Entry]], object]:
    def change(manifest: Any) -> None:
        place = manifest
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = to

    return rewritten(change)


def flip(entries: list[Entry]) -> None:
    index = next(n for n, (_, data) in enumerate(entries) if n and data)
    member, data = entries[index]
    entries[index] = (member, bytes([data[0] ^ 1]) + data[1:])


def repeat_digest(manifest: Any) -> None:
    manifest["files"]["sha256:" + "0" * 64] = []


HOSTILE: dict[str, Callable[[list[Entry]], object]] = {
    "a flipped bit": flip,
    "a traversal in a member": instead(name="artifacts/../../../../tmp/evil"),
    "an absolute member": instead(name="/tmp/evil"),
    "a symbolic link": instead(type=tarfile.SYMTYPE, linkname="/etc/passwd"),
    "a hard link": instead(type=tarfile.LNKTYPE, linkname="/etc/passwd"),
    "a link besides": extra(type=tarfile.SYMTYPE, linkname="/etc"),
    "a device": extra(type=tarfile.CHRTYPE),
    "a fifo": extra(type=tarfile.FIFOTYPE),
    "a directory": extra(type=tarfile.DIRTYPE),
    "a sparse file": instead(type=tarfile.GNUTYPE_SPARSE),
    "a file in parts": instead(type=tarfile.CONTTYPE),
    "an extended header": extra(name="é" * 300),
    "one file more": extra(name="artifacts/more"),
    "one file fewer": lambda entries: entries.pop(),
    "files out of order": lambda entries: entries.append(entries.pop(1)),
    "a file twice": lambda entries: entries.insert(1, entries[1]),
    "nothing": lambda entries: entries.clear(),
    "no manifest": lambda entries: entries.pop(0),
    "no JSON": lambda entries: entries.__setitem__(0, (entries[0][0], b"{" * entries[0][0].size)),
    "a deep manifest": set_("contents", "run", "ir", "x", to=json.loads("[" * 900 + "]" * 900)),
    "another format": set_("format", to="treadle.run/2"),
    "an unknown field": set_("surprise", to=1),
    "a path up": file_named("../evil"),
    "a path far up": file_named("a/../../../evil"),
    "an absolute path": file_named("/tmp/evil"),
    "an empty path": file_named(""),
    "a dot": file_named("./evil"),
    "a null character": file_named("evil\0"),
    "a file that is also a folder": file_named("empty/below"),
    "a very long name": file_named("x" * 300),
    "a lone surrogate": file_named("\ud800"),
    "a digest that is a path": rewritten(lambda m: m["contents"]["artifacts"][0].update(digest="sha256:../../evil")),
    "a digest without artifact": rewritten(repeat_digest),
    "a run that is a path": set_("contents", "run", "id", to="../../evil"),
    "a run without a name": set_("contents", "run", "id", to=""),
    "a run that has not ended": set_("contents", "run", "finished_at", to=None),
    "a node that is a path": set_("contents", "executions", 0, "node", to="../evil"),
    "a terminal escape": set_("contents", "run", "pipeline", to="\x1b[2Jevil"),
    "a terminal escape in a reason": set_("contents", "executions", 0, "reason", to="\x1b]0;evil\x07"),
    "an artifact out of range": set_("contents", "executions", 0, "outputs", to=[["x", 0, 99]]),
    "a fingerprint that lies": set_("contents", "fingerprints", FINGERPRINT, to={"component": "evil"}),
    "a fingerprint without parts": set_("contents", "fingerprints", to={}),
    "a size that is huge": rewritten(lambda m: next(iter(m["files"].values()))[0].__setitem__(1, 2**62)),
    "a size that is negative": rewritten(lambda m: next(iter(m["files"].values()))[0].__setitem__(1, -1)),
    "a number that is huge": set_("contents", "run", "created_at", to=2**70),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archives_leave_nothing_behind(here: House, there: House, tmp_path: Path, name: str) -> None:
    export_run(here.metadata, here.store, here.make_run(), tmp_path / "good.tar")
    entries = unpack(tmp_path / "good.tar")
    HOSTILE[name](entries)
    pack(tmp_path / "evil.tar", entries)
    before = there.state()
    with pytest.raises(ArchiveError, match="ARCHIVE"):
        import_run(there.metadata, there.store, tmp_path / "evil.tar")
    assert there.state() == (before[0], before[1], [])
    assert sorted(os.listdir(tmp_path)) == ["evil.tar", "good.tar", "here", "there"]
    assert not Path("/tmp/evil").exists()


def test_another_run_of_the_same_id_is_refused(here: House, there: House, tmp_path: Path) -> None:
    run = here.make_run()
    export_run(here.metadata, here.store, run, tmp_path / "run.tar")
    there.metadata.begin_run(run, pipeline="other", ir={})
    there.metadata.finish_run(run, "failed")
    with pytest.raises(ArchiveError, match="another run"):
        import_run(there.metadata, there.store, tmp_path / "run.tar")


def test_more_than_there_is_room_for(here: House, there: House, tmp_path: Path) -> None:
    export_run(here.metadata, here.store, here.make_run(), tmp_path / "run.tar")
    with pytest.raises(ArchiveError, match="room"):
        import_run(there.metadata, there.store, tmp_path / "run.tar", max_bytes=2013)
    assert import_run(there.metadata, there.store, tmp_path / "run.tar", max_bytes=2014).new


def test_more_files_than_there_is_room_for(here: House, tmp_path: Path) -> None:
    """Empty files take no bytes, and fill a disk."""
    run = "20260101-000000-abcdef"
    here.metadata.begin_run(run, pipeline="taxi", ir={})
    execution = here.metadata.start_execution(Attempt(run, "read", "m:read", "first run"))
    many = here.publish({f"{n:03}": "" for n in range(300)})
    here.metadata.finish_execution(execution, "ran", outputs={"data": many})
    here.metadata.finish_run(run, "succeeded")
    export_run(here.metadata, here.store, run, tmp_path / "run.tar")
    (tmp_path / "small").mkdir()
    mount = f"mount -t tmpfs -o nr_inodes=100 none {tmp_path}/small"
    if subprocess.run(["unshare", "-rm", "sh", "-c", mount], capture_output=True).returncode != 0:
        pytest.skip("a full disk is not tested: no file systems may be mounted here")
    command = f"{mount} && {sys.executable} -m treadle import {tmp_path}/run.tar && exit 9; ls {tmp_path}/small/staging"
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", command],
        env={**os.environ, "TREADLE_HOME": f"{tmp_path}/small"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "holds more than there is room for" in done.stderr
    assert "files 300" in done.stderr
    assert done.stdout == ""


def test_modes_and_owners_of_members_count_for_nothing(here: House, there: House, tmp_path: Path) -> None:
    export_run(here.metadata, here.store, here.make_run(), tmp_path / "good.tar")
    entries = unpack(tmp_path / "good.tar")
    for header, _ in entries:
        header.mode, header.uid, header.gid, header.uname = 0o6777, 0, 0, "root"
    pack(tmp_path / "odd.tar", entries)
    import_run(there.metadata, there.store, tmp_path / "odd.tar")
    files = [path for path in (tmp_path / "there" / "artifacts").rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o444}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    folder = tmp_path_factory.mktemp("good")
    house = House(folder / "here")
    export_run(house.metadata, house.store, house.make_run(), folder / "run.tar")
    return folder, (folder / "run.tar").read_bytes()


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_cut_or_changed_archive_is_refused_or_harmless(good: tuple[Path, bytes], data: st.DataObject) -> None:
    folder, whole = good
    if data.draw(st.booleans()):
        bad = whole[: data.draw(st.integers(0, len(whole) - 1))]
    else:
        at = data.draw(st.integers(0, len(whole) - 1))
        bad = whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]
    (folder / "bad.tar").write_bytes(bad)
    house = House(folder / f"there-{os.urandom(4).hex()}")
    try:
        import_run(house.metadata, house.store, folder / "bad.tar")
    except ArchiveError:
        assert house.state() == ([], [], [])
    else:  # a bit that says nothing: padding, an owner in a header, a word in the manifest
        assert all(check(house.store, found.digest).state == "whole" for found in stored(house.store))
    house.metadata.close()
