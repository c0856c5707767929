"""Treadle keeps a model turning: data, features, training, judgement, serving, monitoring, retraining.

Names are loaded when they are first used, so ``import treadle`` costs almost nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0.dev0"

# public name -> the room that owns it
_NAMES = {
    "Examples": "treadle.artifact",
    "File": "treadle.artifact",
    "Output": "treadle.artifact",
    "RetrainPolicy": "treadle.loop",
    "Schema": "treadle.schema",
    "Servable": "treadle.servable",
    "Statistics": "treadle.statistics",
    "TransformGraph": "treadle.transform",
    "TreadleError": "treadle.errors",
    "at_exit": "treadle.pipeline",
    "component": "treadle.pipeline",
    "for_each": "treadle.pipeline",
    "one_of": "treadle.pipeline",
    "when": "treadle.pipeline",
}
_ROOMS = {
    "components",
    "evaluation",
    "notebook",
    "pipeline",
    "schema",
    "serving",
    "statistics",
    "training",
    "transform",
    "validation",
}

if TYPE_CHECKING:
    from treadle.artifact import Examples, File, Output
    from treadle.errors import TreadleError
    from treadle.loop import RetrainPolicy
    from treadle.pipeline import at_exit, component, for_each, one_of, pipeline, when
    from treadle.schema import Schema
    from treadle.servable import Servable
    from treadle.statistics import Statistics
    from treadle.transform import TransformGraph

__all__ = [
    "Examples",
    "File",
    "Output",
    "RetrainPolicy",
    "Schema",
    "Servable",
    "Statistics",
    "TransformGraph",
    "TreadleError",
    "at_exit",
    "component",
    "for_each",
    "one_of",
    "pipeline",
    "when",
]


# Each room has these few lines of its own: fingerprints follow names through sources, and one function that loads by
# computed names for all rooms would make every node reach every room (docs/adr/0006).
def __getattr__(name: str) -> object:
    if name in _NAMES:
        value = getattr(importlib.import_module(_NAMES[name]), name)
    elif name in _ROOMS:
        value = importlib.import_module(f"treadle.{name}")
    else:
        raise AttributeError(f"module 'treadle' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_NAMES, *_ROOMS})
