"""Finding adapters, and what all of them have in common."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import treadle.frameworks
from treadle.errors import MissingDependencyError, UnsupportedModelError
from treadle.frameworks import adapter_for, adapter_named, installed_version, load_model

ROOM = Path(treadle.frameworks.__file__).parent


def test_every_adapter_has_the_same_files() -> None:
    files = {
        folder.name: {file.name for file in folder.glob("*.py")}
        for folder in ROOM.iterdir()
        if folder.is_dir() and not folder.name.startswith("_")
    }
    assert files.keys() == {entry.name for entry in entry_points(group="treadle.frameworks")}
    assert len({frozenset(names) for names in files.values()}) == 1


@pytest.mark.parametrize("name", ["sklearn", "lightgbm"])
def test_finding_an_adapter_loads_no_framework(name: str) -> None:
    code = (
        "import sys; from treadle.frameworks import adapter_for, adapter_named; adapter_named(sys.argv[1])\n"
        "try: adapter_for(object())\nexcept TypeError: pass\n"
        "print([m for m in ('sklearn', 'lightgbm') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, name], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_model_that_nobody_knows_is_refused_with_what_is_supported() -> None:
    with pytest.raises(UnsupportedModelError, match=r"type builtins\.dict") as caught:
        adapter_for({})
    assert "scikit-learn's LogisticRegression" in str(caught.value.hint)
    assert "LightGBM with objective binary" in str(caught.value.hint)


def test_a_framework_that_is_not_installed_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = adapter_named("lightgbm")
    monkeypatch.setattr(adapter, "PACKAGE", "not-installed-here")
    with pytest.raises(MissingDependencyError) as caught:
        installed_version(adapter)
    assert caught.value.hint == "pip install 'treadle[lightgbm]'"
    with pytest.raises(MissingDependencyError, match="'nothing'"):
        adapter_named("nothing")


def test_no_model_and_an_unknown_format_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModelError, match="no model here"):
        load_model(tmp_path)
    (tmp_path / "model.json").write_text(json.dumps({"format": "treadle.model/9", "framework": "lightgbm"}))
    with pytest.raises(UnsupportedModelError, match="reads 'treadle.model/1'"):
        load_model(tmp_path)
