"""The servable: the one thing that crosses from the factory to the shop.

A directory that predicts: one ONNX graph from raw features to predictions, the schema of a request, the training
data's statistics, warm-up rows, a parity proof, and a manifest with the sha256 of each file. Evaluation, batch
prediction and the server all predict through :class:`Servable`.

::

    manifest.json   format, task, inputs, feature names, parity, versions, files; canonical JSON
    schema.toml     the schema in the SERVING environment
    model.onnx      raw features in ([N, 1] each), "prediction" out ([N, 1] float32)
    baseline.json   statistics of the training split, if given
    warmup.json     rows as JSON columns, and what was predicted for them
    parity.json     the native model's predictions beside the graph's, and their differences

Format ``treadle.servable/1``. No ids and no times: the same inputs give the same bytes, and the digest is the
sha256 of ``manifest.json``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

_NAMES = {"Parity": "_parity", "Servable": "_servable", "build_servable": "_build", "servable_digest": "_manifest"}

if TYPE_CHECKING:
    from treadle.servable._build import build_servable
    from treadle.servable._manifest import servable_digest
    from treadle.servable._parity import Parity
    from treadle.servable._servable import Servable

__all__ = ["Parity", "Servable", "build_servable", "servable_digest"]


def __getattr__(name: str) -> object:
    if name not in _NAMES:
        raise AttributeError(f"module 'treadle.servable' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"treadle.servable.{_NAMES[name]}"), name)
    globals()[name] = value
    return value
