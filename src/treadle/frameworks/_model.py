"""Fitted models on disk: the framework's own safe format, beside a manifest that names the framework.

Format ``treadle.model/1``: ``model.json`` (format, framework, task, number of features, the framework's version) and
the adapter's files.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from treadle.artifact import canonical_json
from treadle.errors import UnsupportedModelError
from treadle.frameworks._adapter import (
    Adapter,
    ModelSignature,
    adapter_for,
    adapter_named,
    installed_version,
    name_of,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import onnx

FORMAT = "treadle.model/1"
MANIFEST = "model.json"


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A fitted model with its adapter."""

    native: Any
    """The framework's own object."""
    framework: str
    """The adapter's name, as ``lightgbm``."""
    signature: ModelSignature
    versions: dict[str, str]
    """The framework's package and version when the model was saved."""
    adapter: Adapter

    @property
    def task(self) -> str:
        """``binary`` or ``regression``."""
        return self.signature.task

    def predict(self, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """The framework's own predictions ``[N]`` for ``[N, F]``; of a binary task the positive probability."""
        return self.adapter.predict(self.native, matrix)

    def to_onnx(self) -> onnx.ModelProto:
        """``features`` ``[N, F]`` float32 to ``prediction`` ``[N, 1]`` float32."""
        return self.adapter.to_onnx(self.native, self.signature)


def save_model(model: object, path: str | os.PathLike[str]) -> LoadedModel:
    """Write a fitted model into an existing directory; the same model gives the same bytes.

    Raises:
        UnsupportedModelError: No adapter knows it, or it cannot be exported to ONNX.
    """
    adapter = adapter_for(model)
    signature = adapter.signature(model)
    versions = {adapter.PACKAGE: installed_version(adapter)}
    loaded = LoadedModel(model, name_of(adapter), signature, versions, adapter)
    adapter.save(model, Path(path))
    manifest = {
        "format": FORMAT,
        "framework": loaded.framework,
        "task": signature.task,
        "num_features": signature.num_features,
        "versions": versions,
    }
    (Path(path) / MANIFEST).write_bytes(canonical_json(manifest))
    return loaded


def load_model(path: str | os.PathLike[str]) -> LoadedModel:
    """Read what :func:`save_model` wrote.

    Raises:
        UnsupportedModelError: There is no model, or one of a format this version does not know.
        MissingDependencyError: Its framework is not installed.
    """
    file = Path(path) / MANIFEST
    try:
        manifest = json.loads(file.read_bytes())
        found = manifest["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnsupportedModelError("There is no model here.", where={"file": str(file)}) from error
    if found != FORMAT:
        raise UnsupportedModelError(
            f"The model is of format {found!r}; this version of Treadle reads {FORMAT!r}.", where={"file": str(file)}
        )
    adapter = adapter_named(manifest["framework"])
    installed_version(adapter)
    signature = ModelSignature(manifest["task"], manifest["num_features"])
    return LoadedModel(adapter.load(Path(path)), manifest["framework"], signature, manifest["versions"], adapter)
