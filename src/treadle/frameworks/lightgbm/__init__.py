"""LightGBM: boosted trees, exported by our own exporter.

The same data gives the same trees only with ``deterministic=True``, a fixed ``num_threads`` and a ``seed``: the
numbers of threads and of cores otherwise change the order of sums.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from treadle.frameworks.lightgbm._match import EXTRA, PACKAGE, SUPPORTED, matches, signature
from treadle.frameworks.lightgbm._predict import predict
from treadle.frameworks.lightgbm._storage import load, save

if TYPE_CHECKING:
    from treadle.frameworks.lightgbm._export import to_onnx


__all__ = ["EXTRA", "PACKAGE", "SUPPORTED", "load", "matches", "predict", "save", "signature", "to_onnx"]

# Training saves a model, and exports nothing.
_LATER = {
    "to_onnx": "_export",
}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = value
    return value
