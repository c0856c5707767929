"""A linear model as JSON: class, coefficients, intercept, classes. Floats keep every bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from treadle.artifact import canonical_json
from treadle.errors import UnsupportedModelError
from treadle.frameworks.sklearn._match import CLASSIFIERS, REGRESSORS

FILE = "linear.json"


def save(model: Any, path: Path) -> None:
    """Write ``linear.json``."""
    stored = {
        "class": type(model).__name__,
        "dtype": str(np.asarray(model.coef_).dtype),
        "coefficients": np.asarray(model.coef_).tolist(),
        "intercept": np.asarray(model.intercept_).tolist(),
        "classes": model.classes_.tolist() if hasattr(model, "classes_") else None,
    }
    own = str(np.asarray(model.intercept_).dtype)
    if own != stored["dtype"]:
        stored["intercept_dtype"] = own
    (path / FILE).write_bytes(canonical_json(stored))


def load(path: Path) -> Any:
    """The fitted model: an estimator of scikit-learn that can predict."""
    from sklearn import linear_model

    file = path / FILE
    stored = json.loads(file.read_bytes())
    if stored["class"] not in (*CLASSIFIERS, *REGRESSORS):
        raise UnsupportedModelError(f"{stored['class']!r} is not a known linear model.", where={"file": str(file)})
    settings = {"loss": "log_loss"} if stored["class"] == "SGDClassifier" else {}
    model = getattr(linear_model, stored["class"])(**settings)
    model.coef_ = np.array(stored["coefficients"], dtype=stored["dtype"])
    intercept = np.array(stored["intercept"], dtype=stored.get("intercept_dtype", stored["dtype"]))
    model.intercept_ = intercept if intercept.ndim else float(intercept)
    model.n_features_in_ = model.coef_.shape[-1]
    if stored["classes"] is not None:
        model.classes_ = np.array(stored["classes"])
    return model
