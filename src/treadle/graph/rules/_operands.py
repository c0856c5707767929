"""What a rule gets and gives: the operands of a class of like nodes, as tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from treadle.graph._classes import Group
from treadle.graph._emitter import Emitter
from treadle.graph._nodes import CONSTANTS, Boundaries, Key, Node, Number, Table, Text, Tokens


class Lowering(Protocol):
    """What rules are applied by."""

    emit: Emitter
    for_bulk: bool

    def columns(self, nodes: Sequence[Node]) -> str:
        """The nodes' columns beside each other, as ``[N, sum of widths]``."""


class Operands:
    """What a rule sees: the emitter, and its class's operands as tensors."""

    def __init__(self, lowering: Lowering, members: Group) -> None:
        self._lowering = lowering
        self._members = members
        self.emit = lowering.emit
        self.for_bulk = lowering.for_bulk
        """Whether many rows at once are what counts, not the number of ONNX nodes."""

    def matrix(self, field: str) -> str:
        """The operand of all members as ``[N, m]``, or ``[N, 1]`` or ``[1, m]`` where that says the same."""
        nodes = [getattr(node, field) for node in self._members.members]
        if isinstance(nodes[0], CONSTANTS):
            return self._constants(nodes)
        if all(node is nodes[0] for node in nodes):
            nodes = nodes[:1]
        return self._lowering.columns(nodes)

    def separate(self, field: str) -> list[str]:
        """The operand of each member as ``[N, 1]``."""
        return self.each([getattr(node, field) for node in self._members.members])

    def each(self, nodes: Sequence[Node]) -> list[str]:
        """Nodes as ``[N, 1]`` each."""
        return [self._lowering.columns([node]) for node in nodes]

    def _constants(self, nodes: Sequence[Node]) -> str:
        values = [constant_value(node) for node in nodes]
        if len(set(map(repr, values))) == 1:
            values = values[:1]
        dtype = {Number: np.float64, Key: np.int64, Text: object}[type(nodes[0])]
        return self.emit.constant(np.array([values], dtype=dtype), dtype)


def constant_value(node: Node) -> object:
    """The value of a constant."""
    assert isinstance(node, Number | Key | Text | Tokens | Boundaries | Table), node
    if isinstance(node, Table):
        return node.rows
    return node.value if isinstance(node, Number | Key | Text) else node.values


Rule = Callable[[Operands, Group], "str | list[str]"]
"""From a class to one ``[N, sum of widths]`` tensor, or to one ``[N, width]`` tensor per member."""
