"""The one graph: values in, ONNX between, values out.

The half that runs a graph (``InputSpec``, ``encode_*``, ``Session``) loads without ``onnx``, since the server
needs it; the half that builds one (``nodes``, ``lower``, ``fuse``, ``Bulk``) is loaded when it is first named.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

_NAMES = {
    "MISSING_INT": "values._boundary",
    "MISSING_TEXT": "values._boundary",
    "Box": "_drawing",
    "Bulk": "_bulk",
    "InputSpec": "values._boundary",
    "Output": "_lowering",
    "Pixels": "_nodes_images",
    "Ragged": "values._ragged",
    "Session": "_session",
    "boxes_of_model": "_drawing",
    "byte_alphabet": "steps._pieces",
    "check_images": "steps._images",
    "column_of": "values._arrow_memory",
    "check_time_format": "steps._last",
    "boxes_of_nodes": "_drawing",
    "dictionary": "_bulk",
    "differences": "_differences",
    "dump_nodes": "_storage",
    "encode_columns": "values._boundary",
    "encode_rows": "values._boundary",
    "encode_table": "values._boundary",
    "fuse": "_fuse",
    "inputs_of": "_passes",
    "load_nodes": "_storage",
    "lower": "_lowering",
    "made_of_nothing": "steps._preparation",
    "make_model": "_model",
    "read_body": "_bodies",
    "replace_nodes": "_passes",
    "page_of": "_page",
    "rewrite": "_passes",
    "serialize": "_wire",
    "spec_of": "_bulk",
    "text_of": "_drawing",
    "walk": "_passes",
}

_NODES = {
    "body_nodes": "_nodes_bodies",
    "list_nodes": "_nodes_lists",
    "nodes": "_nodes",
    "text_nodes": "_nodes_text",
}

if TYPE_CHECKING:
    from treadle.graph import _nodes as nodes
    from treadle.graph import _nodes_bodies as body_nodes
    from treadle.graph import _nodes_lists as list_nodes
    from treadle.graph import _nodes_text as text_nodes
    from treadle.graph._bodies import read_body
    from treadle.graph._bulk import Bulk, dictionary, spec_of
    from treadle.graph._differences import differences
    from treadle.graph._drawing import Box, boxes_of_model, boxes_of_nodes, text_of
    from treadle.graph._fuse import fuse
    from treadle.graph._lowering import Output, lower
    from treadle.graph._model import make_model
    from treadle.graph._nodes_images import Pixels
    from treadle.graph._page import page_of
    from treadle.graph._passes import inputs_of, replace_nodes, rewrite, walk
    from treadle.graph._session import Session
    from treadle.graph._storage import dump_nodes, load_nodes
    from treadle.graph._wire import serialize
    from treadle.graph.steps._images import check_images
    from treadle.graph.steps._last import check_time_format
    from treadle.graph.steps._pieces import byte_alphabet
    from treadle.graph.steps._preparation import made_of_nothing
    from treadle.graph.values._arrow_memory import column_of
    from treadle.graph.values._boundary import (
        MISSING_INT,
        MISSING_TEXT,
        InputSpec,
        encode_columns,
        encode_rows,
        encode_table,
    )
    from treadle.graph.values._ragged import Ragged

__all__ = [
    "MISSING_INT",
    "MISSING_TEXT",
    "Box",
    "Bulk",
    "InputSpec",
    "Output",
    "Pixels",
    "Ragged",
    "Session",
    "body_nodes",
    "boxes_of_model",
    "boxes_of_nodes",
    "byte_alphabet",
    "check_images",
    "check_time_format",
    "column_of",
    "dictionary",
    "differences",
    "dump_nodes",
    "encode_columns",
    "encode_rows",
    "encode_table",
    "fuse",
    "inputs_of",
    "list_nodes",
    "load_nodes",
    "lower",
    "made_of_nothing",
    "make_model",
    "nodes",
    "page_of",
    "read_body",
    "replace_nodes",
    "rewrite",
    "serialize",
    "spec_of",
    "text_nodes",
    "text_of",
    "walk",
]


def __getattr__(name: str) -> object:
    if name in _NODES:
        value: object = importlib.import_module(f"treadle.graph.{_NODES[name]}")
    elif name in _NAMES:
        value = getattr(importlib.import_module(f"treadle.graph.{_NAMES[name]}"), name)
    else:
        raise AttributeError(f"module 'treadle.graph' has no attribute {name!r}")
    globals()[name] = value
    return value
