"""A file is the old one or the new one, whatever happens while it is written."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from treadle.errors import FileWriteError
from treadle.files import sync, sync_tree, whole_file, write_bytes, write_text


def test_written_text_is_as_given(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "one\r\ntwo\nä")
    assert (tmp_path / "a").read_bytes() == "one\r\ntwo\nä".encode()
    write_bytes(tmp_path / "a", b"other")
    assert (tmp_path / "a").read_bytes() == b"other"
    assert os.listdir(tmp_path) == ["a"]


def test_the_old_file_is_there_until_the_block_ends(tmp_path: Path) -> None:
    file = tmp_path / "a"
    write_text(file, "old")
    with whole_file(file, durable=False) as part:
        part.write_text("new")
        assert file.read_text() == "old"
    assert file.read_text() == "new"


def test_a_block_that_raises_leaves_what_was(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "old")
    with pytest.raises(KeyboardInterrupt), whole_file(tmp_path / "a") as part:  # noqa: PT012
        part.write_text("half")
        raise KeyboardInterrupt
    assert (tmp_path / "a").read_text() == "old"
    assert os.listdir(tmp_path) == ["a"]


def test_permissions(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "like any", "")
        write_text(tmp_path / "for all", "", mode=0o644)
        with whole_file(tmp_path / "mine", mode=0o600) as part:
            assert stat.S_IMODE(part.stat().st_mode) == 0o600, "from its first moment"
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"like any": 0o640, "for all": 0o644, "mine": 0o600}


@pytest.mark.parametrize("name", ["x" * 255, "ä" * 127, ".hidden", "with space"])
def test_any_name_a_file_may_have(tmp_path: Path, name: str) -> None:
    write_text(tmp_path / name, "here")
    assert (tmp_path / name).read_text() == "here"
    assert os.listdir(tmp_path) == [name]


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(FileWriteError, match="No such file or directory") as raised:
        write_text(tmp_path / "no" / "a", "x")
    assert raised.value.where == {"file": tmp_path / "no" / "a"}
    assert raised.value.hint == f"mkdir -p {tmp_path / 'no'}"


def test_places_that_take_no_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    write_text(tmp_path / "file", "x")
    for place in (tmp_path / "folder", tmp_path / "file" / "a", tmp_path / ("x" * 256)):
        with pytest.raises(FileWriteError, match="cannot be written") as raised:
            write_text(place, "x")
        assert raised.value.where == {"file": place}
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


def test_errors_of_other_files_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as raised, whole_file(tmp_path / "a"):
        (tmp_path / "source").read_bytes()
    assert not isinstance(raised.value, FileWriteError)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "error", [ConnectionRefusedError(errno.ECONNREFUSED, "refused"), OSError("of a format"), OSError(errno.ENOENT, "")]
)
def test_errors_without_a_file_are_of_the_disk_only_where_they_say_so(tmp_path: Path, error: OSError) -> None:
    with pytest.raises(OSError) as raised, whole_file(tmp_path / "a"):  # noqa: PT011
        raise error
    assert raised.value is error
    with pytest.raises(FileWriteError, match="No space left"), whole_file(tmp_path / "a"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert os.listdir(tmp_path) == []


def test_a_writer_killed_halfway(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "old")
    script = """
        import os, signal, sys
        from treadle.files import whole_file
        with whole_file(sys.argv[1]) as part:
            part.write_text("half")
            os.kill(os.getpid(), signal.SIGKILL)
    """
    died = subprocess.run([sys.executable, "-c", textwrap.dedent(script), tmp_path / "a"])
    assert died.returncode == -signal.SIGKILL
    assert (tmp_path / "a").read_text() == "old"
    litter = set(os.listdir(tmp_path)) - {"a"}
    assert all(name.startswith(".a.") for name in litter)
    write_text(tmp_path / "a", "new")
    assert (tmp_path / "a").read_text() == "new"


def on_a_file_system_of_its_own(place: Path, steps: str) -> str:
    """Run Python where ``place`` is a small file system; what it printed."""
    mount = f"mount -t tmpfs -o size=64k none {place}"
    if subprocess.run(["unshare", "-rm", "sh", "-c", mount], capture_output=True).returncode != 0:
        pytest.skip("full and read-only disks are not tested: no file systems may be mounted here")
    script = f"import os, subprocess\nfrom pathlib import Path\nplace = Path({str(place)!r})\n" + textwrap.dedent(steps)
    command = f'{mount} && exec "$0" -c "$1"'
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", command, sys.executable, script], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_full_disk(tmp_path: Path) -> None:
    told = on_a_file_system_of_its_own(
        tmp_path,
        """
        from treadle.files import write_text
        write_text(place / "a", "old")
        try:
            write_text(place / "a", "new" * 100_000)
        except OSError as error:
            print(error)
        assert (place / "a").read_text() == "old"
        assert os.listdir(place) == ["a"]
        write_text(place / "a", "new")
        assert (place / "a").read_text() == "new"
        """,
    )
    assert told == (
        f"The file cannot be written: No space left on device. [FILE_WRITE]\n  at file {tmp_path / 'a'}\n"
        "Hint: make room on the disk\n"
    )


def test_a_file_system_that_becomes_read_only(tmp_path: Path) -> None:
    told = on_a_file_system_of_its_own(
        tmp_path,
        """
        from treadle.files import whole_file, write_text
        write_text(place / "a", "old")
        def remount(how):
            subprocess.run(["mount", "-o", f"remount,{how}", place], check=True)
        for before in (True, False):
            if before:
                remount("ro")
            try:
                with whole_file(place / "a") as part:
                    part.write_text("new")
                    remount("ro")
            except OSError as error:
                print(error.what)
            assert (place / "a").read_text() == "old"
            remount("rw")
        """,
    )
    assert told == "The file cannot be written: Read-only file system.\n" * 2


def test_syncing(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    write_text(tmp_path / "folder" / "a", "x")
    sync(tmp_path / "folder" / "a")
    sync_tree(tmp_path)
    with pytest.raises(FileNotFoundError):
        sync(tmp_path / "gone")
    with pytest.raises(FileNotFoundError):
        sync_tree(tmp_path / "gone")
