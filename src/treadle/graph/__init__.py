"""The one graph: values in, ONNX between, values out.

The half that runs a graph (``InputSpec``, ``encode_*``, ``Session``) loads without ``onnx``, since the server
needs it; the half that builds one is loaded when it is first named.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

_NAMES = {
    "MISSING_INT": "_values",
    "MISSING_TEXT": "_values",
    "InputSpec": "_values",
    "Session": "_session",
    "encode_columns": "_values",
    "encode_rows": "_values",
    "encode_table": "_values",
    "fuse": "_fuse",
    "serialize": "_model",
}

if TYPE_CHECKING:
    from treadle.graph._fuse import fuse
    from treadle.graph._model import serialize
    from treadle.graph._session import Session
    from treadle.graph._values import (
        MISSING_INT,
        MISSING_TEXT,
        InputSpec,
        encode_columns,
        encode_rows,
        encode_table,
    )

__all__ = [
    "MISSING_INT",
    "MISSING_TEXT",
    "InputSpec",
    "Session",
    "encode_columns",
    "encode_rows",
    "encode_table",
    "fuse",
    "serialize",
]


def __getattr__(name: str) -> object:
    if name not in _NAMES:
        raise AttributeError(f"module 'treadle.graph' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"treadle.graph.{_NAMES[name]}"), name)
    globals()[name] = value
    return value
