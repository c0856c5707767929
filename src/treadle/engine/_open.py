"""Choosing an engine by its word."""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points
from typing import Any, cast

from treadle.config import engine_name
from treadle.engine._engine import Engine
from treadle.errors import UsageError

GROUP = "treadle.engines"
OWN = {
    "local": "treadle.engine._local:LocalEngine",
    "spark": "treadle.engine._spark:SparkEngine",
    "ray": "treadle.engine._ray:RayEngine",
}


def open_engine(name: str | None = None) -> Engine:
    """An engine by its word; use it in a ``with`` statement, so that what it starts is stopped.

    Args:
        name: ``local``, ``spark``, ``ray``, or what a package offers in the entry point group ``treadle.engines``
            (something to call without arguments). By default what ``TREADLE_ENGINE`` says, else ``local``.

    Raises:
        UsageError: There is no such engine.
        MissingDependencyError: Its library is not installed.
        EngineError: It cannot be started or reached.
    """
    name = name or engine_name() or "local"
    if name in OWN:
        module, _, attribute = OWN[name].partition(":")
        make: Any = getattr(importlib.import_module(module), attribute)
        return cast("Engine", make())
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in found:
        raise UsageError(f"There is no engine {name!r}.", hint=f"There are {', '.join([*OWN, *sorted(found)])}.")
    return cast("Engine", found[name].load()())
