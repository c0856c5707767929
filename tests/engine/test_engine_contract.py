from __future__ import annotations

import pytest

from treadle.engine import Engine, LocalEngine
from treadle.testing import EngineContract


class TestThreads(EngineContract):
    in_processes = False

    @pytest.fixture(params=[1, 3])
    def engine(self, request: pytest.FixtureRequest) -> Engine:
        return LocalEngine(request.param)


@pytest.mark.engines
class TestSpark(EngineContract):
    @pytest.fixture
    def engine(self, spark: Engine) -> Engine:
        return spark


@pytest.mark.engines
class TestRay(EngineContract):
    @pytest.fixture
    def engine(self, ray: Engine) -> Engine:
        return ray
