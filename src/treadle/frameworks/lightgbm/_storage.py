"""A booster in LightGBM's own text format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from treadle.frameworks.lightgbm._match import booster_of

FILE = "model.txt"


def save(model: Any, path: Path) -> None:
    """Write ``model.txt``: the trees of the best iteration where training stopped early."""
    (path / FILE).write_text(booster_of(model).model_to_string(), encoding="utf-8")


def load(path: Path) -> Any:
    """The booster."""
    import lightgbm

    return lightgbm.Booster(model_str=(path / FILE).read_text(encoding="utf-8"))
