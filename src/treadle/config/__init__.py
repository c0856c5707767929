"""Settings: defaults < environment < argument. The only room that reads the environment."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["home", "num_threads"]


def home() -> Path:
    """The store of this project: ``TREADLE_HOME``, or ``.treadle`` in the working directory."""
    return Path(os.environ.get("TREADLE_HOME") or ".treadle").absolute()


def num_threads() -> int:
    """Threads a computation may use: ``TREADLE_THREADS``, or the cores this process may run on."""
    asked = os.environ.get("TREADLE_THREADS", "")
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
