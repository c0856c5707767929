"""What is known once the analyses are made: arithmetic of constants, and choices that constants decide."""

from __future__ import annotations

import operator
from collections.abc import Callable

import numpy as np

from treadle.graph._nodes import CONSTANTS, Arithmetic, Choice, Comparison, Logic, Negation, Node, Number
from treadle.graph._nodes_bodies import Proven

_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
}
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "equal": operator.eq,
    "not_equal": operator.ne,
}
_LOGIC: dict[str, Callable[[bool, bool], bool]] = {"and": operator.and_, "or": operator.or_, "xor": operator.xor}


def fold(node: Node) -> Node:
    """A node whose operands are folded, itself folded. What is computed here is to the bit what ONNX computes."""
    if isinstance(node, Proven):  # the evidence is for people
        return node.x
    if isinstance(node, Arithmetic) and isinstance(node.left, Number) and isinstance(node.right, Number):
        left, right = node.left.value, node.right.value
        if node.op in _ARITHMETIC:
            return Number(_ARITHMETIC[node.op](left, right))
        if node.op == "divide":
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                return Number(float(np.float64(left) / np.float64(right)))
    if isinstance(node, Choice):
        known = _truth(node.condition)
        chosen = node if known is None else node.then if known else node.otherwise
        # A choice over rows stays one column over rows.
        if not isinstance(chosen, CONSTANTS) or _constant(node):
            return chosen
    return node


def _constant(node: Choice) -> bool:
    """Whether both sides are constants: then nothing of the rows is lost but the condition's, which is known."""
    return isinstance(node.then, CONSTANTS) and isinstance(node.otherwise, CONSTANTS)


def _truth(node: Node) -> bool | None:
    """The truth of a condition over constants, ``None`` where it depends on the row."""
    if isinstance(node, Comparison) and isinstance(node.left, Number) and isinstance(node.right, Number):
        return _COMPARISONS[node.op](node.left.value, node.right.value)
    if isinstance(node, Negation):
        inner = _truth(node.x)
        return None if inner is None else not inner
    if isinstance(node, Logic):
        left, right = _truth(node.left), _truth(node.right)
        return None if left is None or right is None else _LOGIC[node.op](left, right)
    return None
