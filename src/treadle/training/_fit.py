"""The one place where a user's training function is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from treadle.errors import TreadleError, UnsupportedModelError, UserCodeError
from treadle.frameworks import adapter_for
from treadle.training._data import TrainingData


def fit(train: Callable[..., Any], data: TrainingData, parameters: Mapping[str, Any] | None = None) -> Any:
    """The model that ``train(data, **parameters)`` returns, checked to be one that can be served.

    Raises:
        UserCodeError: ``train`` raised; the cause has the user's own traceback.
        UnsupportedModelError: It returned nothing, or a model that no adapter can export.
    """
    try:
        model = train(data, **(parameters or {}))
    except TreadleError:
        raise
    except Exception as error:
        raise UserCodeError.raised_in("train", train, error) from error
    if model is None:
        raise UnsupportedModelError(
            f"train ({getattr(train, '__qualname__', train)}) returned nothing.", hint="Return the fitted model."
        )
    _check(model, data)
    return model


def _check(model: Any, data: TrainingData) -> None:
    signature = adapter_for(model).signature(model)
    width = len(data.feature_names)
    if signature.num_features != width:
        raise UnsupportedModelError(
            f"The model was fitted on {signature.num_features} columns, and there are {width} features.",
            hint="Fit on data.train.features as it is; choose features in preprocess.",
        )
