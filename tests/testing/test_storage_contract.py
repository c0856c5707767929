"""The suite for stores of artifacts, over a folder, over memory behind fsspec, and over a real S3 server."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from treadle.artifact import Artifact, canonical_json, digest_bytes
from treadle.errors import CorruptArtifactError, MissingDependencyError, RemoteStoreError, StoreOwnerError
from treadle.storage import ArtifactStore, clear_litter, stored
from treadle.testing import StorageContract


class TestFolder(StorageContract):
    @pytest.fixture
    def reopen(self, tmp_path: Path) -> Callable[[], ArtifactStore]:
        return lambda: ArtifactStore(tmp_path)

    @pytest.fixture
    def store(self, reopen: Callable[[], ArtifactStore]) -> ArtifactStore:
        return reopen()

    @pytest.fixture
    def flip(self, store: ArtifactStore) -> Callable[[str], None]:
        def flip(digest: str) -> None:
            file = store.path(digest) / "data.txt"
            file.chmod(0o644)
            file.write_bytes(b"hellP")

        return flip


class Remote(StorageContract):
    @pytest.fixture
    def reopen(self, tmp_path: Path, url: str) -> Callable[[], ArtifactStore]:
        """Another host: its own folder, the same URL."""
        return lambda: ArtifactStore(tmp_path / os.urandom(4).hex(), url)

    @pytest.fixture
    def store(self, reopen: Callable[[], ArtifactStore]) -> ArtifactStore:
        return reopen()

    @pytest.fixture
    def flip(self, url: str) -> Callable[[str], None]:
        import fsspec

        def flip(digest: str) -> None:
            fs, root = fsspec.core.url_to_fs(url)
            fs.invalidate_cache()
            key = next(key for key in fs.find(f"{root}/data/{digest[7:]}") if fs.cat_file(key) == b"hello")
            fs.pipe_file(key, b"hellO")

        return flip

    def test_a_place_is_one_lineages(self, store: ArtifactStore, reopen: Callable[[], ArtifactStore]) -> None:
        store.claim("one")
        reopen().claim("one")
        with pytest.raises(StoreOwnerError):
            reopen().claim("two")

    def test_what_is_laid_aside(self, store: ArtifactStore, reopen: Callable[[], ArtifactStore]) -> None:
        """The last word counts; no artifact, and gone when asked or old."""
        one, other = store.remote, reopen().remote
        assert one is not None
        assert other is not None
        assert other.laid_aside("log-1") is None
        other.drop_aside("log-1")
        for name, text in (("log-1", b"a"), ("log-1", b"ab"), ("log-2", b"c")):
            one.lay_aside(name, text)
        assert (other.laid_aside("log-1"), other.laid_aside("log-2")) == (b"ab", b"c")
        assert list(stored(store)) == []
        one.drop_aside("log-1")
        clear_litter(store, older_than_seconds=3600)
        assert (other.laid_aside("log-1"), other.laid_aside("log-2")) == (None, b"c")
        clear_litter(store, older_than_seconds=-60)
        assert other.laid_aside("log-2") is None


class TestMemory(Remote):
    test_racing_publishers_and_readers = None  # type: ignore[assignment]  # fsspec's memory is not made for threads

    @pytest.fixture
    def url(self) -> str:
        return f"memory://{os.urandom(6).hex()}/treadle"


@pytest.mark.engines
class TestS3(Remote):
    @pytest.fixture
    def url(self, s3_url: str) -> str:
        return f"{s3_url}/treadle"


@pytest.mark.engines
def test_a_server_that_is_not_there(s3_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    store = ArtifactStore(tmp_path, s3_url)
    with pytest.raises(RemoteStoreError) as raised:
        store.publish(store.stage(), Artifact)
    assert "check the address" in str(raised.value)
    assert raised.value.transient


@pytest.mark.engines
def test_a_bucket_that_is_not_there(s3_url: str, tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path, "s3://no-such-bucket/x")
    staged = store.stage()
    (staged / "x").write_text("x")
    with pytest.raises((RemoteStoreError, OSError)):
        store.publish(staged, Artifact)
    assert staged.exists()


def test_without_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fsspec

    def refuse(*_: object, **__: object) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", refuse)
    store = ArtifactStore(tmp_path, "s3://bucket/x")
    with pytest.raises(MissingDependencyError, match=r"treadle\[s3\]"):
        store.open("sha256:" + "0" * 64, Artifact)


@pytest.mark.parametrize("path", ["../escaped", "/absolute", "a/../../b", "a//b", ".", ""])
def test_a_listing_that_leads_elsewhere_is_refused(path: str, tmp_path: Path) -> None:
    """Whoever can write to the place can make an artifact with any listing; its digest is then right."""
    listing = b'["treadle.tree/1"]\n' + canonical_json(["file", path, 4, digest_bytes(b"evil")]) + b"\n"
    digest = digest_bytes(listing)
    url = f"memory://{os.urandom(6).hex()}"
    store = ArtifactStore(tmp_path / "home", url)
    assert store.remote is not None
    fs, root = store.remote._place()
    fs.pipe_file(f"{root}/data/{digest[7:]}/0", b"evil")
    fs.pipe_file(f"{root}/listings/{digest[7:]}", listing)
    with pytest.raises(CorruptArtifactError):
        store.open(digest, Artifact)
    assert [file for file in tmp_path.rglob("*") if file.is_file() and file.read_bytes() == b"evil"] == []


@pytest.mark.parametrize("text", [b"", b"nonsense", b'["treadle.tree/2"]\n', b'["treadle.tree/1"]\n[1]\n{}\n'])
def test_a_listing_that_is_none_is_refused(text: bytes, tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path, f"memory://{os.urandom(6).hex()}")
    assert store.remote is not None
    fs, root = store.remote._place()
    fs.pipe_file(f"{root}/listings/{digest_bytes(text)[7:]}", text)
    with pytest.raises(CorruptArtifactError):
        store.open(digest_bytes(text), Artifact)


def test_a_file_that_is_gone_is_damage(tmp_path: Path) -> None:
    url = f"memory://{os.urandom(6).hex()}"
    store = ArtifactStore(tmp_path / "one", url)
    staged = store.stage()
    (staged / "x").write_text("x")
    digest = store.publish(staged, Artifact).digest
    assert store.remote is not None
    store.remote._remove_data(digest[7:])
    with pytest.raises(CorruptArtifactError):
        ArtifactStore(tmp_path / "two", url).open(digest, Artifact)
