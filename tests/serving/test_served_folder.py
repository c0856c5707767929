"""Which models a folder holds, in each of its layouts."""

from __future__ import annotations

from pathlib import Path

import pytest

from treadle.errors import ModelFolderError
from treadle.serving import find_models


def make(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    return folder


def test_a_folder_of_models(tmp_path: Path) -> None:
    for path in ("taxi/1", "taxi/10", "taxi/2", "bus/7"):
        make(tmp_path / path)
    (tmp_path / "taxi" / "champion").write_text("2\n")
    make(tmp_path / "taxi" / ".3-staged")  # a push that is under way
    make(tmp_path / "taxi" / "007")
    (tmp_path / "notes.txt").write_text("")
    models = find_models(tmp_path)
    assert list(models) == ["bus", "taxi"]
    assert models["taxi"].versions() == [10, 2, 1]
    assert models["taxi"].champion() == 2
    assert models["bus"].champion() is None


def test_one_model(tmp_path: Path) -> None:
    make(tmp_path / "taxi" / "1")
    [model] = find_models(tmp_path / "taxi").values()
    assert (model.name, model.versions()) == ("taxi", [1])
    assert list(find_models(tmp_path / "taxi", name="cab")) == ["cab"]


def test_one_servable(tmp_path: Path) -> None:
    [model] = find_models(make(tmp_path / "taxi")).values()
    assert (model.name, model.versions(), model.champion()) == ("taxi", [0], 0)
    assert model.path_of(0) == tmp_path / "taxi"


def test_one_version_of_a_model(tmp_path: Path) -> None:
    [model] = find_models(make(tmp_path / "taxi" / "3")).values()
    assert (model.name, model.versions(), model.champion()) == ("taxi", [3], 3)


def test_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "taxi")
    monkeypatch.chdir(tmp_path / "taxi")
    assert list(find_models(Path())) == ["taxi"]


@pytest.mark.parametrize("line", ["", "x", "1.0", "01", "0", "-1", "1 2", "\u0661"])
def test_an_alias_that_is_no_number(tmp_path: Path, line: str) -> None:
    make(tmp_path / "taxi" / "1")
    (tmp_path / "taxi" / "champion").write_text(line, encoding="utf-8")
    with pytest.raises(ModelFolderError, match="does not hold a version number"):
        find_models(tmp_path)["taxi"].champion()


def test_nothing_to_serve(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match="no such folder"):
        find_models(tmp_path / "nowhere")
    with pytest.raises(ModelFolderError, match="no servable"):
        find_models(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelFolderError, match="no such folder"):
        find_models(tmp_path / "file")


def test_names_that_cannot_stand_in_an_address(tmp_path: Path) -> None:
    make(tmp_path / "a b")
    with pytest.raises(ModelFolderError, match="cannot be the name"):
        find_models(tmp_path / "a b")
    assert list(find_models(tmp_path / "a b", name="ab")) == ["ab"]
    make(tmp_path / "models" / "taxi" / "1")
    with pytest.raises(ModelFolderError, match="one model"):
        find_models(tmp_path / "models", name="cab")


def test_the_identity_changes_with_the_servable(tmp_path: Path) -> None:
    make(tmp_path / "taxi" / "1")
    [model] = find_models(tmp_path).values()
    before = model.identity(1)
    assert before == model.identity(1)
    assert model.identity(2) is None
    (tmp_path / "taxi" / "1" / "manifest.json").write_text("{} ")
    assert model.identity(1) != before
