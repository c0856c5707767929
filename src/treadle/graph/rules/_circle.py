"""Lowering of the sine."""

from __future__ import annotations

import math

import numpy as np

from treadle.graph._classes import Group
from treadle.graph._nodes import Node
from treadle.graph._nodes_text import Sine
from treadle.graph.rules._operands import Operands, Rule

_SINE = [(-1) ** k * (2 * math.pi) ** (2 * k + 1) / math.factorial(2 * k + 1) for k in range(12)]
"""The coefficients of ``sin(2 pi s)``; what is left out is below 1e-19 for ``|s| <= 1/4``."""


def _sine(of: Operands, members: Group) -> str:  # noqa: ARG001 - a rule's shape
    """By its series: ONNX Runtime's own sine differs in the last bits between one row and many.

    ``sin(2 pi x) = sin(2 pi s)`` for ``s = 1/4 - |y - round(y)|``, ``y = x - 1/4``: between -1/4 and 1/4.
    """
    quarter = of.emit.constant([[0.25]], np.float64)
    y = of.emit.node("Sub", of.matrix("x"), quarter)
    s = of.emit.node("Sub", quarter, of.emit.node("Abs", of.emit.node("Sub", y, of.emit.node("Round", y))))
    square = of.emit.node("Mul", s, s)
    series = of.emit.constant([[_SINE[-1]]], np.float64)
    for coefficient in reversed(_SINE[:-1]):
        product = of.emit.node("Mul", series, square)
        series = of.emit.node("Add", product, of.emit.constant([[coefficient]], np.float64))
    return of.emit.node("Mul", series, s)


RULES_OF_CIRCLES: dict[type[Node], Rule] = {
    Sine: _sine,
}
