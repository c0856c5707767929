"""The local backend passes the suite of backends."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from treadle.errors import UsageError
from treadle.pipeline import load_pipeline
from treadle.runner import run
from treadle.runner.backends import backend_named
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
