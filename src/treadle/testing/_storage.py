"""What a store of artifacts must do, wherever their bytes are kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from treadle.artifact import Artifact, Examples, digest_tree
from treadle.errors import CorruptArtifactError, MissingArtifactError
from treadle.storage import ArtifactStore, check, clear_litter, empty_bin, stored, take_out


def fill(path: Path, text: str = "hello") -> Path:
    """Write a small tree with odd names, an empty file and an empty directory into a folder."""
    (path / "data.txt").write_text(text)
    (path / "sub" / "é ?#%").mkdir(parents=True)
    (path / "sub" / "é ?#%" / "more.bin").write_bytes(bytes(range(256)) * 100)
    (path / "sub" / "nothing").write_bytes(b"")
    (path / "empty").mkdir()
    return path


class StorageContract:
    """Subclass it in a test module with fixtures: ``store``, an empty `ArtifactStore`; ``reopen``, a function that
    opens the same artifacts as another process (of another host, where there may be several) would; and ``flip``, a
    function that changes one byte of an artifact where it is kept.
    """

    def test_published_is_there_for_all(self, store: ArtifactStore, reopen: Callable[[], ArtifactStore]) -> None:
        """With its bytes, names and properties."""
        staged = fill(store.stage())
        expected = digest_tree(staged)
        artifact = store.publish(staged, Examples, {"rows": 3})
        assert artifact.digest == expected
        assert not staged.exists()
        for other in (store, reopen()):
            found = other.open(expected, Examples, {"rows": 3})
            assert digest_tree(found.path) == expected
            assert found.properties == {"rows": 3}
            assert other.read(expected, "data.txt") == b"hello"
            assert other.read(expected, "no such file") is None

    def test_an_empty_artifact(self, store: ArtifactStore, reopen: Callable[[], ArtifactStore]) -> None:
        """Published twice, it is one."""
        assert store.publish(store.stage(), Artifact).digest == store.publish(store.stage(), Artifact).digest
        (only,) = stored(reopen())
        reopen().open(only.digest, Artifact)

    def test_what_is_not_there_is_missing(self, store: ArtifactStore) -> None:
        """By an error that says so."""
        nothing = "sha256:" + "0" * 64
        with pytest.raises(MissingArtifactError):
            store.open(nothing, Artifact)
        assert check(store, nothing).state == "missing"
        assert store.read(nothing, "x") is None
        assert not take_out(store, nothing)

    def test_a_flipped_byte_is_found_and_healed(
        self, store: ArtifactStore, reopen: Callable[[], ArtifactStore], flip: Callable[[str], None]
    ) -> None:
        """By whoever reads it next, and by a check; publishing again replaces it."""
        digest = store.publish(fill(store.stage()), Artifact).digest
        flip(digest)
        assert check(store, digest).state == "damaged"
        with pytest.raises(CorruptArtifactError):
            reopen().open(digest, Artifact)
        store.publish(fill(store.stage()), Artifact)
        assert check(store, digest).state == "whole"
        reopen().open(digest, Artifact)

    def test_a_damaged_copy_is_not_read(self, store: ArtifactStore) -> None:
        """Whether it is the only one or a copy of what is kept elsewhere."""
        artifact = store.publish(fill(store.stage()), Artifact)
        (artifact.path / "data.txt").chmod(0o644)
        (artifact.path / "data.txt").write_text("hellO")
        if store.remote is None:
            with pytest.raises(CorruptArtifactError):
                store.open(artifact.digest, Artifact)
        else:
            assert digest_tree(store.open(artifact.digest, Artifact).path) == artifact.digest

    def test_what_is_listed_and_taken_out(self, store: ArtifactStore, reopen: Callable[[], ArtifactStore]) -> None:
        """Gone for everybody, and nothing else with it."""
        first = store.publish(fill(store.stage(), "one"), Artifact).digest
        second = store.publish(fill(store.stage(), "two"), Artifact).digest
        listed = list(stored(store))
        assert [found.digest for found in listed] == sorted([first, second])
        assert {found.size for found in listed} == {25_603}
        other = reopen()
        other.open(first, Artifact)
        with store.alone():
            assert take_out(store, first)
        empty_bin(store)
        for one in (store, other):
            assert [found.digest for found in stored(one)] == [second]
            with pytest.raises(MissingArtifactError):
                one.open(first, Artifact)
            one.open(second, Artifact)

    def test_litter_goes_and_artifacts_stay(self, store: ArtifactStore) -> None:
        """What was staged and never published."""
        digest = store.publish(fill(store.stage()), Artifact).digest
        fill(store.stage())
        clear_litter(store, older_than_seconds=0)
        assert check(store, digest).state == "whole"
        assert list((store.root / "staging").iterdir()) == []

    def test_racing_publishers_and_readers(self, store: ArtifactStore, reopen: Callable[[], ArtifactStore]) -> None:
        """All of the same digests, each with a store of its own."""
        digest = store.publish(fill(store.stage()), Artifact).digest
        errors: list[BaseException] = []

        def work() -> None:
            try:
                own = reopen()
                for n in range(3):
                    own.publish(fill(own.stage(), f"v{n}"), Artifact)
                    own.open(digest, Artifact)
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert [check(store, found.digest).state for found in stored(store)] == ["whole"] * 4
