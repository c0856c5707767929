"""Horizontal fusion: nodes that do the same to different columns become one operation on a matrix.

Two nodes are of one class when they are of one type with the same settings and their operands are, one by one, of
one class (constants and inputs by kind alone). A class of ``m`` nodes is lowered once, as ``[N, m]``: the constants
stand beside each other as ``[1, m]``. One row then costs a node per class instead of a node per column.

Nodes at the very end, on which no other depends, are fused by type alone wherever their operands come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from treadle.graph._nodes import CONSTANTS, Input, Node, OneHot, TimePart, ToNumber, may_be_missing
from treadle.graph._nodes_lists import Part
from treadle.graph._passes import walk


@dataclass(frozen=True, slots=True)
class Group:
    """The members of a class, in the order of their columns."""

    members: tuple[Node, ...]

    @property
    def first(self) -> Node:
        """Any member stands for the type of all and, but for ``TimePart``, for the settings."""
        return self.members[0]


def group(targets: Sequence[Node], *, apart: bool = False) -> list[Group]:
    """The classes that the targets reach, operands first; inputs and constants are not among them.

    Args:
        targets: What is computed.
        apart: Give each node a class of its own.
    """
    nodes = list(walk(targets))
    if apart:
        return [Group((node,)) for node in nodes if not isinstance(node, (Input, *CONSTANTS))]
    operands = {id(operand) for node in nodes for operand in node.operands}
    numbers: dict[tuple[object, ...], int] = {}
    class_of: dict[int, int] = {}
    middle: dict[int, list[Node]] = {}
    ends: dict[int, list[Node]] = {}
    for node in nodes:
        is_end = isinstance(node, OneHot | ToNumber) and id(node) not in operands
        key = _end_key(node) if is_end else _key(node, class_of)
        class_of[id(node)] = numbers.setdefault(key, len(numbers))
        if not isinstance(node, (Input, *CONSTANTS)):
            (ends if is_end else middle).setdefault(class_of[id(node)], []).append(node)
    return _in_column_order([*middle.values(), *ends.values()], class_of)


def _in_column_order(classes: Sequence[list[Node]], class_of: dict[int, int]) -> list[Group]:
    """Members in the order of their operands' columns, so that most classes take a matrix as it is."""
    column: dict[int, int] = {}
    groups = []
    for nodes in classes:
        rank = {id(node): [(class_of[id(o)], column.get(id(o), -1)) for o in node.operands] for node in nodes}
        members = sorted(nodes, key=lambda node: rank[id(node)])
        column |= {id(node): index for index, node in enumerate(members)}
        groups.append(Group(tuple(members)))
    return groups


def _key(node: Node, class_of: dict[int, int]) -> tuple[object, ...]:
    if isinstance(node, Input):
        return (Input, node.kind)
    if isinstance(node, CONSTANTS):
        return (type(node),)
    if isinstance(node, Part):  # nothing is computed, so it is as an input to what uses it
        return (Part, node.kind)
    # Different parts of times still share what surrounds them.
    settings = "" if isinstance(node, TimePart) else repr(node.settings)
    return (type(node), settings, *(class_of[id(operand)] for operand in node.operands))


def _end_key(node: Node) -> tuple[object, ...]:
    assert isinstance(node, OneHot | ToNumber)
    return ("end", type(node), node.x.kind, may_be_missing(node.x))
