"""Nodes about features that are lists; the others are in ``_nodes``."""

from __future__ import annotations

from dataclasses import dataclass

from treadle.graph._nodes import Input, Kind, Node

_ITEMS = {
    "float": ("float64", Kind.NUMBER),
    "bool": ("float64", Kind.NUMBER),
    "int": ("int64", Kind.KEY),
    "timestamp": ("int64", Kind.TIME),
    "string": ("string", Kind.TEXT),
    "bytes": ("string", Kind.TEXT),
}


def kind_of_items(type_: str) -> Kind:
    """What an item of a list of this type is in the graph."""
    return _ITEMS[type_][1]


def tensor_of_list(type_: str) -> str:
    """How a list of this type is fed."""
    return f"{_ITEMS[type_][0]}[]"


@dataclass(frozen=True, eq=False)
class Padded(Node):
    """A feature of lists as it enters the graph: ``size`` columns, missing behind the last item; or a count."""

    x: Node
    """The raw feature."""
    steps: tuple[tuple[object, ...], ...]
    holds: Kind
    size: int = 1

    @property
    def kind(self) -> Kind:
        return self.holds

    @property
    def columns(self) -> int:
        return self.size

    @property
    def is_sequence(self) -> bool:
        """Whether it is items, and not how many there are."""
        return self.steps[-1][0] == "pad"


@dataclass(frozen=True, eq=False)
class Past(Input):
    """A feature that is a list: what ``of`` was in the rows before this one with the same key, the oldest first."""

    of: str = ""
    by: tuple[str, ...] = ()
    order: str = ""


@dataclass(frozen=True, eq=False)
class Part(Node):
    """One of the columns of a padded list."""

    index: int
    x: Node

    @property
    def kind(self) -> Kind:
        return self.x.kind


LIST_NODES: dict[str, type[Node]] = {cls.__name__: cls for cls in (Padded, Past, Part)}
"""The names under which nodes are stored."""
