"""Framework adapters: a native model's signature, ONNX export, safe storage and own predictions.

An adapter is a module found through the entry point group ``treadle.frameworks``; ours use the same door. It knows
one framework, imports it only inside functions, and has the functions of :class:`Adapter`. Training is the user's.
"""

from treadle.frameworks._adapter import Adapter, ModelSignature, adapter_for, adapter_named, installed_version
from treadle.frameworks._model import LoadedModel, load_model, save_model

__all__ = [
    "Adapter",
    "LoadedModel",
    "ModelSignature",
    "adapter_for",
    "adapter_named",
    "installed_version",
    "load_model",
    "save_model",
]
