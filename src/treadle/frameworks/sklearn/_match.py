"""Which models of scikit-learn work, and what they take and give."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.errors import UnsupportedModelError
from treadle.frameworks._adapter import ModelSignature

PACKAGE = "scikit-learn"
EXTRA = "sklearn"
CLASSIFIERS = ("LogisticRegression", "SGDClassifier")
REGRESSORS = ("ElasticNet", "Lasso", "LinearRegression", "Ridge", "SGDRegressor")
SUPPORTED = f"scikit-learn's {', '.join((*CLASSIFIERS, *REGRESSORS))}"


def matches(model: object) -> bool:
    """Whether the model's class is scikit-learn's own."""
    return type(model).__module__.split(".")[0] == "sklearn"


def signature(model: Any) -> ModelSignature:
    """The signature of a fitted linear model.

    Raises:
        UnsupportedModelError: It is no linear model we know, not fitted, has several outputs or not two classes.
    """
    name = type(model).__name__
    if name not in (*CLASSIFIERS, *REGRESSORS) or not type(model).__module__.startswith("sklearn.linear_model"):
        raise UnsupportedModelError(
            f"{name} of scikit-learn is not supported yet.",
            hint=f"Supported: {', '.join((*CLASSIFIERS, *REGRESSORS))}; for trees, LightGBM.",
        )
    if not hasattr(model, "coef_"):
        raise UnsupportedModelError(f"The {name} is not fitted.", hint="Return the model after fit().")
    coefficients = np.atleast_2d(model.coef_)
    if len(coefficients) != 1:
        raise UnsupportedModelError(
            f"The {name} has {len(coefficients)} outputs; a servable has one.",
            hint="Fit one label of two values, or one number.",
        )
    if name == "SGDClassifier" and model.loss != "log_loss":
        raise UnsupportedModelError(
            f"A SGDClassifier with the loss {model.loss!r} gives no probabilities.",
            hint='Take SGDClassifier(loss="log_loss").',
        )
    task = "binary" if name in CLASSIFIERS else "regression"
    return ModelSignature(task, coefficients.shape[1])
