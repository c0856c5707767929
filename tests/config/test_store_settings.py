"""Where a store keeps its databases and artifacts: a file in its folder, or the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from treadle import config
from treadle.errors import UsageError

URL = "postgresql://me:s3cret@host/name"


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TREADLE_METADATA", raising=False)
    monkeypatch.delenv("TREADLE_ARTIFACTS", raising=False)
    monkeypatch.delenv("TREADLE_COPIES", raising=False)


def test_by_default_everything_is_in_the_folder(tmp_path: Path) -> None:
    assert (config.metadata_url(tmp_path), config.artifacts_url(tmp_path)) == (None, None)
    (tmp_path / "store.toml").write_text("")
    assert (config.metadata_url(tmp_path), config.artifacts_url(tmp_path)) == (None, None)


def test_the_environment_comes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "store.toml").write_text(f'metadata = "{URL}"\nartifacts = "s3://bucket/x"\n')
    assert (config.metadata_url(tmp_path), config.artifacts_url(tmp_path)) == (URL, "s3://bucket/x")
    monkeypatch.setenv("TREADLE_METADATA", "postgres://other/name")
    monkeypatch.setenv("TREADLE_ARTIFACTS", "")
    assert (config.metadata_url(tmp_path), config.artifacts_url(tmp_path)) == ("postgres://other/name", "s3://bucket/x")


@pytest.mark.parametrize(
    "text",
    [
        'metadata = "mysql://me:s3cret@host/name"',
        'metadata = "me:s3cret@host"',
        'metadata = "s3cret.sqlite"',
        "metadata = 3",
        'metadata = ["s3cret"]',
        'metdata = "s3cret"',
        'metadata = "s3cret',
        'artifacts = "gs://bucket/s3cret"',
    ],
)
def test_what_it_may_not_say_is_refused_without_repeating_it(text: str, tmp_path: Path) -> None:
    (tmp_path / "store.toml").write_text(text)
    with pytest.raises(UsageError) as raised:
        (config.metadata_url(tmp_path), config.artifacts_url(tmp_path))
    assert "store.toml" in str(raised.value)
    assert "s3cret" not in str(raised.value)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "store.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError):
        config.metadata_url(tmp_path)


def test_how_much_copies_may_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert config.most_copied_bytes(tmp_path) == 50 * 10**9
    (tmp_path / "store.toml").write_text('copies = "1.5 tb"\n')
    assert config.most_copied_bytes(tmp_path) == 1_500 * 10**9
    monkeypatch.setenv("TREADLE_COPIES", "4096")
    assert config.most_copied_bytes(tmp_path) == 4096


@pytest.mark.parametrize("text", ["much", "-1 GB", "1 GiB", "1e9", "GB", "1 GB 2"])
def test_no_size(text: str, tmp_path: Path) -> None:
    (tmp_path / "store.toml").write_text(f'copies = "{text}"\n')
    with pytest.raises(UsageError, match="Not a size"):
        config.most_copied_bytes(tmp_path)
