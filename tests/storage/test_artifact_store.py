from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from treadle.artifact import Artifact, Examples, digest_tree
from treadle.errors import ArtifactContentError, CorruptArtifactError, MissingArtifactError, UsageError
from treadle.storage import ArtifactStore


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "home")


def fill(path: Path, text: str = "hello") -> Path:
    (path / "data.txt").write_text(text)
    (path / "sub").mkdir()
    (path / "sub" / "more.bin").write_bytes(bytes(range(256)))
    return path


def test_publish_then_open(store: ArtifactStore) -> None:
    staged = fill(store.stage())
    expected = digest_tree(staged)
    artifact = store.publish(staged, Examples, {"rows": 3})
    assert artifact.digest == expected
    assert not staged.exists()
    assert store.open(expected, Examples, {"rows": 3}) == artifact
    assert stat.S_IMODE((artifact.path / "data.txt").stat().st_mode) == 0o444
    assert stat.S_IMODE(store.root.stat().st_mode) == 0o700


def test_publishing_the_same_bytes_twice_is_once(store: ArtifactStore) -> None:
    first = store.publish(fill(store.stage()), Artifact)
    inode = (first.path / "data.txt").stat().st_ino
    second = store.publish(fill(store.stage()), Artifact)
    assert first == second
    assert (second.path / "data.txt").stat().st_ino == inode
    assert list((store.root / "staging").iterdir()) == []


def test_an_empty_artifact_can_be_published_twice(store: ArtifactStore) -> None:
    assert store.publish(store.stage(), Artifact) == store.publish(store.stage(), Artifact)


def damage_bit(path: Path) -> None:
    data = bytearray((path / "sub" / "more.bin").read_bytes())
    data[100] ^= 1
    rewrite(path / "sub" / "more.bin", bytes(data))


def rewrite(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)


DAMAGES = {
    "flipped bit": damage_bit,
    "truncated": lambda path: rewrite(path / "data.txt", b"hell"),
    "emptied": lambda path: rewrite(path / "data.txt", b""),
    "appended": lambda path: rewrite(path / "data.txt", b"hello\n"),
    "renamed": lambda path: (path / "data.txt").rename(path / "date.txt"),
    "lost": lambda path: (path / "data.txt").unlink(),
    "added": lambda path: (path / "new").write_bytes(b""),
    "linked": lambda path: (path / "new").symlink_to("data.txt"),
}


@pytest.mark.parametrize("damage", DAMAGES, ids=str)
def test_damage_is_found_on_read_and_healed_by_publishing_again(store: ArtifactStore, damage: str) -> None:
    artifact = store.publish(fill(store.stage()), Artifact)
    DAMAGES[damage](artifact.path)
    with pytest.raises(CorruptArtifactError, match=artifact.digest):
        store.open(artifact.digest, Artifact)
    assert store.publish(fill(store.stage()), Artifact) == artifact
    assert store.open(artifact.digest, Artifact) == artifact


def test_a_missing_artifact_is_named(store: ArtifactStore) -> None:
    with pytest.raises(MissingArtifactError, match="sha256:00"):
        store.open("sha256:" + "0" * 64, Artifact)


@pytest.mark.parametrize("digest", ["", "sha256:..", "md5:" + "0" * 64, "sha256:" + "A" * 64, "sha256:" + "/" * 64])
def test_only_a_digest_becomes_a_path(store: ArtifactStore, digest: str) -> None:
    with pytest.raises(UsageError):
        store.path(digest)


def test_a_staged_link_is_refused(store: ArtifactStore) -> None:
    staged = store.stage()
    (staged / "x").symlink_to("/etc/hostname")
    with pytest.raises(ArtifactContentError):
        store.publish(staged, Artifact)


def test_racing_publishers_and_readers_see_whole_artifacts(store: ArtifactStore) -> None:
    digest = store.publish(fill(store.stage()), Artifact).digest
    errors: list[BaseException] = []

    def publish() -> None:
        try:
            for n in range(20):
                store.publish(fill(store.stage(), f"v{n}"), Artifact)
                store.open(digest, Artifact)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=publish) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(list((store.root / "artifacts").glob("sha256/*/*"))) == 21
    assert list((store.root / "staging").iterdir()) == []
