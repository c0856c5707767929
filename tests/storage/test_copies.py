"""Copies of what is kept under a URL: brought when they are needed, few enough, and never taken from under a reader."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from treadle.artifact import Artifact, Model
from treadle.errors import CorruptArtifactError, MissingArtifactError
from treadle.storage import ArtifactStore, check, clear_litter, empty_bin, take_out

KILO = 1000


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder behind fsspec, as a bucket has no folders that must be made."""
    import fsspec

    monkeypatch.setitem(fsspec.config.conf, "file", {"auto_mkdir": True})
    return f"file://{tmp_path}/bucket"


def publish(store: ArtifactStore, letter: str) -> str:
    staged = store.stage()
    (staged / "data").write_text(letter * KILO)
    return store.publish(staged, Artifact).digest


def copied(store: ArtifactStore, *digests: str) -> list[bool]:
    return [store.path(digest).exists() for digest in digests]


def test_a_found_artifact_is_brought_when_its_path_is_asked_for(tmp_path: Path, url: str) -> None:
    digest = publish(ArtifactStore(tmp_path / "one", url), "a")
    other = ArtifactStore(tmp_path / "two", url)
    found = other.find(digest, Model, {"rows": 1})
    assert (type(found), found.digest, found.properties) == (Model, digest, {"rows": 1})
    assert repr(found) == f"Model(digest={digest!r}, properties={{'rows': 1}})"
    assert found == other.promise(digest, Model, {"rows": 1})
    assert copied(other, digest) == [False]
    assert (found.path / "data").read_text() == "a" * KILO
    assert found.path == other.path(digest)
    assert copied(other, digest) == [True]
    with pytest.raises(AttributeError, match="no 'paths'"):
        found.paths  # noqa: B018


def test_finding_says_what_is_known(tmp_path: Path, url: str) -> None:
    store = ArtifactStore(tmp_path / "one", url)
    digest = publish(store, "a")
    with pytest.raises(MissingArtifactError):
        store.find("sha256:" + "0" * 64, Artifact)
    assert store.remote is not None
    fs, root = store.remote._place()
    fs.pipe_file(f"{root}/data/{digest[7:]}/0", b"b" * KILO)
    other = ArtifactStore(tmp_path / "two", url)
    found = other.find(digest, Artifact)  # nobody knows yet
    with pytest.raises(CorruptArtifactError):
        found.path  # noqa: B018
    with pytest.raises(CorruptArtifactError):
        other.find(digest, Artifact)


def test_what_was_opened_longest_ago_leaves(tmp_path: Path, url: str) -> None:
    writer = ArtifactStore(tmp_path / "writer", url)
    first, second, third = (publish(writer, letter) for letter in "abc")
    home = tmp_path / "reader"

    def opened(digest: str) -> None:
        reader = ArtifactStore(home, url, most_copied_bytes=2 * KILO)  # as a process of its own: it holds nothing else
        assert (reader.open(digest, Artifact).path / "data").stat().st_size == KILO
        reader._copies.let_go(digest)

    for digest in (first, second, first, third):
        opened(digest)
    assert copied(ArtifactStore(home, url), first, second, third) == [True, False, True]
    opened(second)
    assert copied(ArtifactStore(home, url), first, second, third) == [False, True, True]
    assert list((home / "staging").iterdir()) == []
    assert [check(writer, digest).state for digest in (first, second, third)] == ["whole"] * 3


def test_what_is_held_stays(tmp_path: Path, url: str) -> None:
    writer = ArtifactStore(tmp_path / "writer", url)
    first, second = publish(writer, "a"), publish(writer, "b")
    holder = ArtifactStore(tmp_path / "home", url, most_copied_bytes=0)
    held = holder.open(first, Artifact)
    ArtifactStore(tmp_path / "home", url, most_copied_bytes=0).open(second, Artifact)
    assert (held.path / "data").read_text() == "a" * KILO
    third = publish(holder, "c")
    assert copied(holder, first, third) == [True, False]  # nobody has asked for its path
    holder.open(third, Artifact)
    assert copied(holder, first, third) == [True, True]


def test_a_reader_that_dies_holds_nothing(tmp_path: Path) -> None:
    """Over a real process: the lock is the system's."""
    folder = tmp_path / "copy"
    folder.mkdir()
    script = "import sys; from pathlib import Path; from treadle.storage._copies import _lock; import fcntl\n"
    script += "print(_lock(Path(sys.argv[1]), fcntl.LOCK_SH) is not None, flush=True); sys.stdin.read()"
    from treadle.storage._copies import _lock

    process = subprocess.Popen(
        [sys.executable, "-c", script, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    import fcntl

    assert _lock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB) is None
    process.kill()
    process.communicate()
    lock = _lock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert lock is not None
    os.close(lock)


def test_readers_and_a_cache_that_is_too_small(tmp_path: Path, url: str) -> None:
    """Everybody reads whole files, whatever leaves meanwhile."""
    writer = ArtifactStore(tmp_path / "writer", url)
    digests = {letter: publish(writer, letter) for letter in "abcd"}
    wrong: list[object] = []

    def read(offset: int) -> None:
        try:
            for n in range(25):
                letter = "abcd"[(offset + n) % 4]
                store = ArtifactStore(tmp_path / "home", url, most_copied_bytes=KILO)
                text = (store.open(digests[letter], Artifact).path / "data").read_text()
                if text != letter * KILO:
                    wrong.append(text[:10])
                store._copies.let_go(digests[letter])
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=read, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def is_held(store: ArtifactStore, digest: str) -> bool:
    import fcntl

    from treadle.storage._copies import _lock

    lock = _lock(store.path(digest), fcntl.LOCK_EX | fcntl.LOCK_NB)
    if lock is not None:
        os.close(lock)
    return lock is None


@pytest.mark.parametrize("promised", [False, True])
def test_who_has_the_artifact_holds_it_and_nobody_else(tmp_path: Path, url: str, *, promised: bool) -> None:
    writer = ArtifactStore(tmp_path / "home", url)
    digest = publish(writer, "a")
    assert not is_held(writer, digest)
    reader = ArtifactStore(tmp_path / "home", url)
    found = reader.find(digest, Artifact) if promised else reader.open(digest, Artifact)
    text = (found.path / "data").read_text()
    assert text == "a" * KILO
    del reader
    assert is_held(writer, digest)
    del found
    assert not is_held(writer, digest)


def test_what_is_let_go_is_held_no_more(tmp_path: Path, url: str) -> None:
    store = ArtifactStore(tmp_path / "home", url)
    digest = publish(store, "a")
    store.open(digest, Artifact)
    assert is_held(store, digest)
    store.let_go(digest)
    store.let_go(digest)
    assert not is_held(store, digest)
    store.open(digest, Artifact)
    assert is_held(store, digest)


def test_a_child_closes_nothing_of_its_parents(tmp_path: Path, url: str) -> None:
    store = ArtifactStore(tmp_path / "home", url)
    digest = publish(store, "a")
    store.open(digest, Artifact)
    (descriptor,) = store._copies._held.values()
    child = os.fork()
    if not child:  # its process ends with 0 if the descriptor is open still
        store.let_go(digest)
        del store
        try:
            os.fstat(descriptor)
        except OSError:
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert is_held(store, digest)


def test_collection_leaves_what_is_held(tmp_path: Path, url: str) -> None:
    holder = ArtifactStore(tmp_path / "home", url)
    held, kept = (holder.open(publish(holder, letter), Artifact) for letter in "ab")
    free = publish(holder, "c")
    collector = ArtifactStore(tmp_path / "home", url)
    elsewhere = ArtifactStore(tmp_path / "elsewhere", url)
    assert take_out(collector, held.digest)
    assert [take_out(elsewhere, digest) for digest in (kept.digest, free)] == [True, True]
    clear_litter(collector, older_than_seconds=0)
    assert copied(collector, held.digest, kept.digest, free) == [True, True, False]
    assert (held.path / "data").read_text() == "a" * KILO
    holder.let_go(held.digest)
    clear_litter(collector, older_than_seconds=0)
    assert copied(collector, held.digest, kept.digest) == [False, True]


def test_what_leaves_as_soon_as_it_is_published_is_brought_again(tmp_path: Path, url: str) -> None:
    class Watched(ArtifactStore):
        other = ArtifactStore(tmp_path / "home", url, most_copied_bytes=0)
        times = 1

        def put(self, staged: Path, digest: str) -> bool:
            done = super().put(staged, digest)
            if self.times:
                self.times -= 1
                self.other._copies.trim()
            return done

    store = Watched(tmp_path / "home", url)
    staged = store.stage()
    (staged / "data").write_text("a")
    published = store.publish(staged, Artifact)
    assert copied(store, published.digest) == [False]
    assert store.read(published.digest, "data") == b"a"
    assert store.read(published.digest, "other") is None
    assert (published.path / "data").read_text() == "a"


def test_a_bin_that_somebody_empties_between_the_renames(tmp_path: Path) -> None:
    class Emptied(ArtifactStore):
        times = 1

        def path(self, digest: str) -> Path:
            if self.times:
                self.times -= 1
                assert empty_bin(self) > 0
            return super().path(digest)

    digest = publish(ArtifactStore(tmp_path), "a")
    assert take_out(Emptied(tmp_path), digest)
    assert copied(ArtifactStore(tmp_path), digest) == [False]
    assert not take_out(Emptied(tmp_path), digest)
