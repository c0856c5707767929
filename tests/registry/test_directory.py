from __future__ import annotations

import pytest

from treadle.errors import RegistryError
from treadle.registry import publish_version, write_alias


@pytest.fixture
def servable(tmp_path):
    folder = tmp_path / "servable"
    (folder / "sub").mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    (folder / "sub" / "model.onnx").write_bytes(b"graph")
    return folder


def test_a_version_appears_whole_and_again_is_free(servable, tmp_path):
    serving = tmp_path / "serving"
    target = publish_version(servable, serving, "taxi", 3)
    assert target == serving / "taxi" / "3"
    assert (target / "sub" / "model.onnx").read_bytes() == b"graph"
    assert publish_version(servable, serving, "taxi", 3) == target
    assert [path.name for path in (serving / "taxi").iterdir()] == ["3"]


def test_read_only_artifacts_become_readable_and_writable_copies(servable, tmp_path):
    (servable / "manifest.json").chmod(0o400)
    target = publish_version(servable, tmp_path / "serving", "taxi", 1)
    assert (target / "manifest.json").stat().st_mode & 0o777 == 0o644


def test_a_version_never_changes(servable, tmp_path):
    publish_version(servable, tmp_path / "serving", "taxi", 1)
    (servable / "manifest.json").write_text("{1}")
    with pytest.raises(RegistryError, match="with other bytes"):
        publish_version(servable, tmp_path / "serving", "taxi", 1)


def test_a_failed_copy_leaves_nothing(servable, tmp_path):
    (servable / "broken").symlink_to(tmp_path / "nowhere")
    with pytest.raises(Exception, match="broken"):
        publish_version(servable, tmp_path / "serving", "taxi", 1)
    assert list((tmp_path / "serving" / "taxi").iterdir()) == []


def test_alias(servable, tmp_path):
    serving = tmp_path / "serving"
    with pytest.raises(RegistryError, match="not in the serving folder"):
        write_alias(serving, "taxi", "champion", 1)
    for version in (1, 2):
        publish_version(servable, serving, "taxi", version)
        write_alias(serving, "taxi", "champion", version)
    assert (serving / "taxi" / "champion").read_text() == "2\n"
    assert sorted(path.name for path in (serving / "taxi").iterdir()) == ["1", "2", "champion"]
