"""One seam for work on much data: functions over parts, on this machine, on Spark or on Ray.

An engine maps parts of data to results, merges results in a tree, and writes a file for every part; the results do not
depend on which engine it is. Rooms below the components take parts and an engine as arguments; they do not import
this room.

Examples:
    >>> with open_engine("local") as engine:
    ...     list(engine.map(len, ["a", "bb"]))
    [1, 2]
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from treadle.engine._engine import Engine
from treadle.engine._local import LocalEngine, map_batches
from treadle.engine._open import open_engine

if TYPE_CHECKING:
    from treadle.engine._ray import RayEngine
    from treadle.engine._spark import SparkEngine

__all__ = ["Engine", "LocalEngine", "RayEngine", "SparkEngine", "map_batches", "open_engine"]

_LAZY = {"RayEngine": "_ray", "SparkEngine": "_spark"}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
