"""LightGBM: boosted trees, exported by our own exporter.

The same data gives the same trees only with ``deterministic=True``, a fixed ``num_threads`` and a ``seed``: the
numbers of threads and of cores otherwise change the order of sums.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from treadle import _loaded_late
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
__getattr__ = _loaded_late(__name__, _LATER)
