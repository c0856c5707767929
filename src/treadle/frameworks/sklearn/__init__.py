"""scikit-learn: linear models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from treadle import _loaded_late
from treadle.frameworks.sklearn._match import EXTRA, PACKAGE, SUPPORTED, matches, signature
from treadle.frameworks.sklearn._predict import predict
from treadle.frameworks.sklearn._storage import load, save

if TYPE_CHECKING:
    from treadle.frameworks.sklearn._export import to_onnx


__all__ = ["EXTRA", "PACKAGE", "SUPPORTED", "load", "matches", "predict", "save", "signature", "to_onnx"]

# Training saves a model, and exports nothing.
_LATER = {
    "to_onnx": "_export",
}
__getattr__ = _loaded_late(__name__, _LATER)
