"""Graphs of nodes as JSON, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from treadle.errors import ModelFormatError
from treadle.graph._nodes import NODES, Kind, Node
from treadle.graph._nodes_bodies import BODY_NODES
from treadle.graph._nodes_lists import LIST_NODES
from treadle.graph._nodes_text import TEXT_NODES
from treadle.graph._passes import walk

_FLOATS = {"inf": float("inf"), "-inf": float("-inf"), "nan": float("nan")}


def dump_nodes(targets: Sequence[Node]) -> dict[str, Any]:
    """``{"nodes": [...], "targets": [...]}``: each node once, operands before what uses them."""
    index: dict[int, int] = {}
    nodes: list[dict[str, Any]] = []
    for node in walk(targets):
        index[id(node)] = len(nodes)
        nodes.append(
            {"node": type(node).__name__, **{f.name: _dump(getattr(node, f.name), index) for f in fields(node)}}
        )
    return {"nodes": nodes, "targets": [index[id(node)] for node in targets]}


def load_nodes(stored: Mapping[str, Any]) -> list[Node]:
    """The targets that :func:`dump_nodes` stored.

    Raises:
        ModelFormatError: Not what it stored, or a node that this version does not know.
    """
    nodes: list[Node] = []
    known = {**NODES, **TEXT_NODES, **LIST_NODES, **BODY_NODES}
    try:
        for entry in stored["nodes"]:
            settings = dict(entry)
            cls = known[settings.pop("node")]
            if "holds" in settings:
                settings["holds"] = Kind(settings["holds"])
            nodes.append(cls(**{name: _load(value, nodes) for name, value in settings.items()}))
        return [nodes[position] for position in stored["targets"]]
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise ModelFormatError(f"The stored graph cannot be read: {type(error).__name__}: {error}.") from error


def _dump(value: object, index: Mapping[int, int]) -> Any:
    if isinstance(value, Node):
        return {"at": index[id(value)]}
    if isinstance(value, tuple):
        return [_dump(item, index) for item in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):  # noqa: PLR0124
        return {"float": repr(value)}
    return str(value) if isinstance(value, Kind) else value


def _load(value: Any, nodes: Sequence[Node]) -> Any:
    if isinstance(value, list):
        return tuple(_load(item, nodes) for item in value)
    if isinstance(value, dict):
        return nodes[value["at"]] if "at" in value else _FLOATS[value["float"]]
    return value
