"""What is served, in the shapes of TensorFlow Serving's REST interface, with Treadle's own facts beside them."""

from __future__ import annotations

from typing import Any

from treadle.schema import Feature
from treadle.serving._dataplane import Dataplane
from treadle.serving._models import Model
from treadle.serving._version import ServedVersion
from treadle.serving.http._codec import SIGNATURE

_DTYPES = {
    "int": "DT_INT64",
    "float": "DT_DOUBLE",
    "string": "DT_STRING",
    "bool": "DT_BOOL",
    "bytes": "DT_STRING",
    "timestamp": "DT_STRING",
    "struct": "DT_VARIANT",
}


def models(dataplane: Dataplane) -> dict[str, Any]:
    """All models and their champions."""
    return {"models": [_summary(model) for model in dataplane.models.by_name.values()]}


def readiness(dataplane: Dataplane) -> dict[str, Any]:
    """Whether requests should come here, and why not."""
    return {"ready": dataplane.ready, "draining": dataplane.draining, **models(dataplane)}


def status(model: Model, number: int | None) -> dict[str, Any]:
    """The state of one version, or of all that are on disk.

    ``AVAILABLE`` answers now; ``START`` is on disk and is loaded by its first request; ``END`` could not be loaded.
    """
    loaded = model.loaded_numbers()
    numbers = (
        [number] if number is not None else sorted({*loaded, *model.failures, *model.folder.versions()}, reverse=True)
    )
    return {
        "model_version_status": [_version_status(model, each, loaded) for each in numbers],
        **({} if number is not None else _summary(model)),
    }


def metadata(version: ServedVersion) -> dict[str, Any]:
    """The signature of a version, its digest and its features."""
    servable = version.servable
    features = servable.schema.features
    signature = {
        "inputs": {name: _tensor(name, _DTYPES[feature.type]) for name, feature in features.items()},
        "outputs": {"prediction": _tensor("prediction", "DT_FLOAT")},
        "method_name": "tensorflow/serving/predict",
    }
    return {
        "model_spec": {"name": version.model, "signature_name": "", "version": str(version.number)},
        "metadata": {"signature_def": {"signature_def": {SIGNATURE: signature}}},
        "task": servable.task,
        "digest": servable.digest,
        "event_time": servable.schema.event_time,
        "features": [_feature(feature) for feature in features.values()],
    }


def _summary(model: Model) -> dict[str, Any]:
    current = model.current
    summary: dict[str, Any] = {"name": model.name, "champion": None if current is None else current.number}
    if model.alias_problem is not None:
        summary["problem"] = model.alias_problem.what
    return summary


def _version_status(model: Model, number: int, loaded: set[int]) -> dict[str, Any]:
    failure = model.failures.get(number)
    state, code, message = "START", "OK", ""
    if number in loaded:
        state = "AVAILABLE"
    elif failure is not None:
        state, code, message = "END", "FAILED_PRECONDITION", failure.reason
    return {"version": str(number), "state": state, "status": {"error_code": code, "error_message": message}}


def _tensor(name: str, dtype: str) -> dict[str, Any]:
    shape = {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False}
    return {"name": name, "dtype": dtype, "tensor_shape": shape}


def _feature(feature: Feature) -> dict[str, Any]:
    described: dict[str, Any] = {"name": feature.name, "type": feature.type, "required": feature.required}
    if feature.values is not None:
        described["values"] = list(feature.values)
    for name in ("min", "max"):
        bound = getattr(feature, name)
        if bound is not None:
            described[name] = bound
    if feature.description:
        described["description"] = feature.description
    if feature.fields:
        described["fields"] = [_feature(field) for field in feature.fields.values()]
    return described
