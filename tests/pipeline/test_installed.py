"""Which folders hold what was installed."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from treadle.pipeline import is_installed


@pytest.mark.parametrize("name", ["stdlib", "platstdlib", "purelib", "platlib"])
def test_a_folder_of_the_interpreter_holds_what_is_installed(name: str) -> None:
    assert is_installed(f"{sysconfig.get_paths()[name]}/module.py")


def test_a_file_beside_is_the_users(tmp_path: Path) -> None:
    assert not is_installed(str(tmp_path / "python3.11" / "module.py"))
