"""Settings: defaults < a store's file < environment < argument. The only room that reads the environment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from treadle.config._engines import SparkSettings, engine_name, ray_address, spark_settings
from treadle.config._secrets import expanded, masked, secrets_of, without_secrets
from treadle.config._store import artifacts_url, metadata_url, most_copied_bytes

__all__ = [
    "SparkSettings",
    "artifacts_url",
    "engine_name",
    "expanded",
    "home",
    "masked",
    "metadata_url",
    "most_copied_bytes",
    "num_threads",
    "ray_address",
    "secrets_of",
    "shows_traces",
    "spark_settings",
    "using_home",
    "without_secrets",
]

_home: ContextVar[Path | None] = ContextVar("home", default=None)


def home() -> Path:
    """The store of this project: what ``using_home`` says, ``TREADLE_HOME``, or ``.treadle`` in the working folder."""
    return _home.get() or Path(os.environ.get("TREADLE_HOME") or ".treadle").absolute()


@contextmanager
def using_home(path: Path) -> Iterator[None]:
    """Make ``path`` the store inside the block, for this thread only."""
    before = _home.set(path.absolute())
    try:
        yield
    finally:
        _home.reset(before)


def shows_traces() -> bool:
    """Whether a command shows where an error came from that is none of Treadle's: ``TREADLE_TRACEBACK``."""
    return bool(os.environ.get("TREADLE_TRACEBACK"))


def num_threads() -> int:
    """Threads a computation may use: ``TREADLE_THREADS``, or the cores this process may run on."""
    asked = os.environ.get("TREADLE_THREADS", "")
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
