"""scikit-learn: linear models."""

from treadle.frameworks.sklearn._export import to_onnx
from treadle.frameworks.sklearn._match import EXTRA, PACKAGE, SUPPORTED, matches, signature
from treadle.frameworks.sklearn._predict import predict
from treadle.frameworks.sklearn._storage import load, save

__all__ = ["EXTRA", "PACKAGE", "SUPPORTED", "load", "matches", "predict", "save", "signature", "to_onnx"]
