"""Lowering buckets: which boundaries a number has reached.

Few boundaries are compared all at once; more than ``_FEW`` are searched by halves, a gather and a comparison a step,
which costs the logarithm of their number. Measured in ns a row, comparing and searching: 27 and 45 for 9 boundaries,
42 and 57 for 49, 62 and 76 for 99, 612 and 105 for 999. Comparing needs memory for every boundary, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from treadle.graph._classes import Group
from treadle.graph._nodes import Bucket, Interpolation, Level, Node
from treadle.graph._wire import Element
from treadle.graph.rules._operands import Operands, Rule, constant_value
from treadle.graph.values._python import MISSING_INT

_FEW = 64
_Rows = Sequence[tuple[float, ...]]


def _bucket(of: Operands, members: Group) -> str:
    boundaries = [cast("tuple[float, ...]", constant_value(cast(Bucket, node).boundaries)) for node in members.members]
    x = of.matrix("x")
    index = _count_not_above(of, x, boundaries)
    return of.emit.node("Where", of.emit.node("IsNaN", x), of.emit.constant([[MISSING_INT]], np.int64), index)


def _level(of: Operands, members: Group) -> str:
    boundaries = [cast("tuple[float, ...]", constant_value(cast(Level, node).boundaries)) for node in members.members]
    x = of.matrix("x")
    longest = max(map(len, boundaries))
    if longest > _FEW:
        level = of.emit.node("Cast", _searched(of, x, boundaries, longest), to=Element.DOUBLE)
    else:
        level = _compared(of, x, boundaries, longest, Element.DOUBLE)
    return of.emit.node("Where", of.emit.node("IsNaN", x), of.emit.constant([[np.nan]], np.float64), level)


def _count_not_above(of: Operands, x: str, boundaries: _Rows) -> str:
    """How many boundaries are not above ``x``: ``[N, m]`` of int64; 0 for NaN."""
    longest = max(map(len, boundaries))
    return _searched(of, x, boundaries, longest) if longest > _FEW else _compared(of, x, boundaries, longest)


def _compared(of: Operands, x: str, boundaries: _Rows, longest: int, to: int = Element.INT64) -> str:
    table = _filled(boundaries, max(longest, 1))
    if of.for_bulk:
        return _compared_along(of, x, table, to)
    cells = of.emit.node("Unsqueeze", x, of.emit.constant([2], np.int64))
    reached = of.emit.node("GreaterOrEqual", cells, of.emit.constant(table[np.newaxis], np.float64))
    adding = Element.DOUBLE if to == Element.DOUBLE else Element.FLOAT
    counts = of.emit.node("Cast", reached, to=adding)
    count = of.emit.node("ReduceSum", counts, of.emit.constant([2], np.int64), keepdims=0)
    return count if adding == to else of.emit.node("Cast", count, to=to)


def _compared_along(of: Operands, x: str, table: npt.NDArray[np.float64], to: int) -> str:
    """The same for one column of many rows: a boundary at a time along all of them, in half the memory."""
    along = of.emit.node("Reshape", x, of.emit.constant([1, -1], np.int64))
    reached = of.emit.node("GreaterOrEqual", along, of.emit.constant(table.T, np.float64))
    counts = of.emit.node("Cast", reached, to=Element.FLOAT)
    count = of.emit.node("ReduceSum", counts, of.emit.constant([0], np.int64), keepdims=0)
    return of.emit.node("Cast", of.emit.node("Reshape", count, of.emit.constant([-1, 1], np.int64)), to=to)


def _searched(of: Operands, x: str, boundaries: _Rows, longest: int) -> str:
    """The count, bit by bit from the highest: a bit is set if the boundary at the end of that many is reached."""
    size = 2 ** longest.bit_length()
    flat = of.emit.constant(_filled(boundaries, size).reshape(-1), np.float64)
    starts = of.emit.constant([[row * size for row in range(len(boundaries))]], np.int64)
    place = starts
    step = size // 2
    while step:
        last = of.emit.node(
            "Gather", flat, of.emit.node("Add", place, of.emit.constant([[step - 1]], np.int64)), axis=0
        )
        reached = of.emit.node("Cast", of.emit.node("GreaterOrEqual", x, last), to=Element.INT64)
        taken = reached if step == 1 else of.emit.node("Mul", reached, of.emit.constant([[step]], np.int64))
        place = of.emit.node("Add", place, taken)
        step //= 2
    return place if len(boundaries) == 1 else of.emit.node("Sub", place, starts)


def _interpolation(of: Operands, members: Group) -> list[str]:
    nodes = [cast(Interpolation, node) for node in members.members]
    return [
        _interpolated(of, x, cast("tuple[float, ...]", constant_value(node.boundaries)))
        for node, x in zip(nodes, of.separate("x"), strict=True)
    ]


def _interpolated(of: Operands, x: str, boundaries: tuple[float, ...]) -> str:
    zero, one, half = (of.emit.constant([[value]], np.float64) for value in (0.0, 1.0, 0.5))
    missing = of.emit.node("IsNaN", x)
    if not boundaries:
        return of.emit.node("Where", of.emit.node("Equal", x, x), half, half)
    first, last = (of.emit.constant([[value]], np.float64) for value in (boundaries[0], boundaries[-1]))
    if len(boundaries) == 1:
        placed = of.emit.node("Where", of.emit.node("GreaterOrEqual", x, last), one, zero)
        return of.emit.node("Where", missing, half, placed)
    gaps = len(boundaries) - 1
    # Between the first and the last, so that there is a neighbour on both sides.
    inside = of.emit.node("Where", missing, first, of.emit.node("Min", of.emit.node("Max", x, first), last))
    index = (
        _count_not_above(of, inside, [boundaries[1:-1]])
        if gaps > 1
        else of.emit.node("Cast", of.emit.node("Less", inside, first), to=Element.INT64)
    )
    low = of.emit.node("Gather", of.emit.constant(boundaries[:-1], np.float64), index, axis=0)
    width = of.emit.node("Gather", of.emit.constant(np.diff(boundaries), np.float64), index, axis=0)
    part = of.emit.node("Div", of.emit.node("Sub", inside, low), width)
    whole = of.emit.node("Add", of.emit.node("Cast", index, to=Element.DOUBLE), part)
    placed = of.emit.node("Div", whole, of.emit.constant([[float(gaps)]], np.float64))
    return of.emit.node("Where", missing, half, placed)


def _filled(boundaries: _Rows, length: int) -> npt.NDArray[np.float64]:
    """Boundaries as the rows of a matrix; NaN is never reached, so shorter rows are filled with it."""
    table = np.full((len(boundaries), length), np.nan)
    for row, values in enumerate(boundaries):
        table[row, : len(values)] = values
    return table


RULES_OF_BUCKETS: dict[type[Node], Rule] = {Bucket: _bucket, Level: _level, Interpolation: _interpolation}
