"""Treadle keeps a model turning: data, features, training, judgement, serving, monitoring, retraining.

Names are loaded when they are first used, so ``import treadle`` costs almost nothing.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

__version__ = "0.1.0.dev0"

# public name -> the room that owns it
_NAMES = {
    "Examples": "artifact",
    "File": "artifact",
    "Output": "artifact",
    "RetrainPolicy": "loop",
    "Schema": "schema",
    "Servable": "servable",
    "Statistics": "statistics",
    "TransformGraph": "transform",
    "TreadleError": "errors",
    "at_exit": "pipeline",
    "component": "pipeline",
    "for_each": "pipeline",
    "one_of": "pipeline",
    "when": "pipeline",
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
    from collections.abc import Callable, Mapping

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


def _loaded_late(
    package: str, names: Mapping[str, str], *, modules: Mapping[str, str] | None = None
) -> Callable[[str], object]:
    """The ``__getattr__`` of a package whose names are loaded when they are first used.

    Args:
        package: Its name.
        names: The module in the package that has each name.
        modules: Names for modules in the package themselves.
    """
    places = {**names, **(modules or {})}

    def load(name: str) -> object:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = importlib.import_module(f"{package}.{places[name]}")
        value = getattr(module, name) if name in names else module
        setattr(sys.modules[package], name, value)
        return value

    return load


__getattr__ = _loaded_late(__name__, _NAMES, modules={room: room for room in _ROOMS})


def __dir__() -> list[str]:
    return sorted({*globals(), *_NAMES, *_ROOMS})
