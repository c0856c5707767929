"""The local backend passes the suite of backends."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from project_folder import Project

from treadle.errors import UsageError
from treadle.pipeline import load_pipeline
from treadle.runner import history, run
from treadle.runner.backends import LocalBackend, backend_named
from treadle.testing import BackendContract


class TestLocalBackend(BackendContract):
    @pytest.fixture
    def execute(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
        monkeypatch.chdir(tmp_path)

        def run_here(target: str, parameters: Mapping[str, Any], _: tuple[str, ...]) -> None:
            run(load_pipeline(target), parameters, home=tmp_path / ".treadle", backend="local")

        return run_here


@pytest.mark.parametrize("name", ["kubeflow", "slurm"])
def test_a_backend_that_does_not_run_pipelines(name: str) -> None:
    with pytest.raises(UsageError, match=name) as caught:
        backend_named(name)
    assert caught.value.hint is not None
    assert ("treadle compile" in caught.value.hint) == (name == "kubeflow")


class Counting(LocalBackend):
    """A backend of somebody's own, which counts."""

    name = "counting"
    used = 0

    def launcher(self) -> Any:
        type(self).used += 1
        return super().launcher()


def test_a_backend_of_ones_own_is_recorded_and_taken_again_when_resumed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("@component\ndef a() -> int:\n    return 1\n\n@pipeline\ndef p():\n    a()\n")
    first = project.run(backend=Counting())
    with history(project.home) as metadata:
        record = metadata.run(first.id)
        assert record is not None
        assert record.ir["backend"] == "counting"
    point = EntryPoint("counting", f"{__name__}:Counting", "treadle.backends")
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: [point])
    project.run(resume="last")
    assert Counting.used == 2
    project.run()
    assert Counting.used == 2
