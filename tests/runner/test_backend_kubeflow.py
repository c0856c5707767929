"""Pipelines compiled for Kubeflow pass the suite of backends, run by kfp's own local runner."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from kubeflow_local import execute

from treadle.testing import BackendContract

pytestmark = [pytest.mark.engines, pytest.mark.filterwarnings("default")]


@pytest.fixture(autouse=True)
def installed() -> None:
    pytest.importorskip("kfp", reason="kfp is not installed")


class TestKubeflowBackend(BackendContract):
    @pytest.fixture
    def execute(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
        monkeypatch.chdir(tmp_path)

        def run_compiled(target: str, parameters: Mapping[str, Any], run_time: tuple[str, ...]) -> str | None:
            return execute(target, parameters, run_time, tmp_path)

        return run_compiled
