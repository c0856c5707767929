from __future__ import annotations

import os
from pathlib import Path

import pytest

from treadle import config


def test_home_is_beside_the_work_unless_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TREADLE_HOME", raising=False)
    assert config.home() == tmp_path / ".treadle"
    monkeypatch.setenv("TREADLE_HOME", "")
    assert config.home() == tmp_path / ".treadle"
    monkeypatch.setenv("TREADLE_HOME", "elsewhere")
    assert config.home() == tmp_path / "elsewhere"


@pytest.mark.parametrize(("text", "threads"), [("3", 3), ("0", None), ("-1", None), ("many", None), ("", None)])
def test_threads_are_the_cores_unless_told(text: str, threads: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TREADLE_THREADS", text)
    assert config.num_threads() == (threads or len(os.sched_getaffinity(0)))
