"""Where work on much data runs."""

from __future__ import annotations

import os
from typing import NamedTuple


def engine_name() -> str | None:
    """The engine that work on much data runs on, unless an argument says another: ``TREADLE_ENGINE``."""
    return os.environ.get("TREADLE_ENGINE") or None


def ray_address() -> str | None:
    """Where Ray's cluster is: ``RAY_ADDRESS``."""
    return os.environ.get("RAY_ADDRESS") or None


class SparkSettings(NamedTuple):
    """What the environment says about Spark."""

    master: str | None
    """``SPARK_MASTER``."""
    elsewhere: bool
    """Whether Spark's own settings may name a master: ``SPARK_REMOTE``, ``SPARK_CONF_DIR``, ``SPARK_HOME``, ..."""


def spark_settings() -> SparkSettings:
    """Where Spark's cluster is."""
    own = ("SPARK_REMOTE", "SPARK_CONF_DIR", "SPARK_HOME", "PYSPARK_SUBMIT_ARGS", "MASTER")
    return SparkSettings(os.environ.get("SPARK_MASTER") or None, any(os.environ.get(name) for name in own))
