"""Suites that every implementation of a contract passes: for Treadle's own, and for those of others.

A suite is a class of tests over a fixture that the test module provides. Nothing imports this room.

    class TestMyStore(MetadataContract):
        @pytest.fixture
        def store(self): ...
"""

from treadle.testing._metadata import MetadataContract

__all__ = ["MetadataContract"]
