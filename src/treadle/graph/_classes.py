"""Horizontal fusion: nodes that do the same to different columns become one operation on a matrix.

Two nodes are of one class when they are of one type with the same settings and their operands are, one by one, of
one class (constants and inputs by kind alone). A class of ``m`` nodes is lowered once, as ``[N, m]``: the constants
stand beside each other as ``[1, m]``. One row then costs a node per class instead of a node per column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from treadle.graph._nodes import CONSTANTS, Input, Node, TimePart
from treadle.graph._passes import walk


@dataclass(frozen=True, slots=True)
class Group:
    """The members of a class, in the order of their columns."""

    members: tuple[Node, ...]

    @property
    def first(self) -> Node:
        """Any member stands for the type of all and, but for ``TimePart``, for the settings."""
        return self.members[0]


def group(targets: Sequence[Node]) -> list[Group]:
    """The classes that the targets reach, operands first; inputs and constants are not among them."""
    numbers: dict[tuple[object, ...], int] = {}
    class_of: dict[int, int] = {}
    members: dict[int, list[Node]] = {}
    for node in walk(targets):
        key = _key(node, class_of)
        number = numbers.setdefault(key, len(numbers))
        class_of[id(node)] = number
        if not isinstance(node, (Input, *CONSTANTS)):
            members.setdefault(number, []).append(node)
    # Members in the order of their first operands' columns, so that most classes take a matrix as it is.
    position: dict[int, int] = {}
    groups = []
    for nodes in members.values():
        ordered = sorted(
            enumerate(nodes), key=lambda item: ([position.get(id(o), -1) for o in item[1].operands], item[0])
        )
        for column, (_, node) in enumerate(ordered):
            position[id(node)] = column
        groups.append(Group(tuple(node for _, node in ordered)))
    return groups


def _key(node: Node, class_of: dict[int, int]) -> tuple[object, ...]:
    if isinstance(node, Input):
        return (Input, node.kind)
    if isinstance(node, CONSTANTS):
        return (type(node),)
    if isinstance(node, TimePart):  # different parts of times still share what surrounds them
        return (type(node), *(class_of[id(operand)] for operand in node.operands))
    return (type(node), repr(node.settings), *(class_of[id(operand)] for operand in node.operands))
