"""One Spark session and one Ray for all tests of engines."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from treadle.engine import Engine, RayEngine, SparkEngine


@pytest.fixture(scope="session")
def spark() -> Iterator[Engine]:
    pytest.importorskip("pyspark", reason="pyspark is not installed (make test-engines installs it)")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java, and there is no java on the path")
    with SparkEngine() as engine:
        yield engine


@pytest.fixture(scope="session")
def ray() -> Iterator[Engine]:
    pytest.importorskip("ray", reason="ray is not installed (make test-engines installs it)")
    with RayEngine() as engine:
        yield engine
