"""Suites that every implementation of a contract passes: for Treadle's own, and for those of others.

A suite is a class of tests over a fixture that the test module provides. Nothing imports this room.

    class TestMyStore(MetadataContract):
        @pytest.fixture
        def store(self): ...
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from treadle.testing._backend import BackendContract
    from treadle.testing._engine import EngineContract
    from treadle.testing._metadata import MetadataContract
    from treadle.testing._storage import StorageContract

__all__ = ["BackendContract", "EngineContract", "MetadataContract", "StorageContract"]

_MODULES = {
    "BackendContract": "_backend",
    "EngineContract": "_engine",
    "MetadataContract": "_metadata",
    "StorageContract": "_storage",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
