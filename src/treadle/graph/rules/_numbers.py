"""One lowering rule per node type: a class of ``m`` like nodes into ONNX.

A rule gets its class's operands as ``[N, m]`` matrices and gives one back. What a rule may count on: a matrix is
``[N, 1]`` where all members share the operand, and ``[1, m]`` (or ``[1, 1]``) where it is constant, so plain
broadcasting is always right.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from treadle.graph._classes import Group
from treadle.graph._nodes import (
    Arithmetic,
    Categories,
    Choice,
    Comparison,
    FillMissing,
    Function,
    IsMissing,
    Key,
    Kind,
    Logic,
    Lookup,
    Negation,
    Node,
    OneHot,
    Seconds,
    Text,
    TimePart,
    ToKey,
    ToNumber,
    categories,
    may_be_missing,
)
from treadle.graph._nodes_text import PreparedInput
from treadle.graph._wire import Element
from treadle.graph.rules._operands import Operands, Rule, constant_value
from treadle.graph.rules._time import time_part
from treadle.graph.values._python import MISSING_INT, MISSING_TEXT

_ARITHMETIC = {
    "add": "Add",
    "subtract": "Sub",
    "multiply": "Mul",
    "divide": "Div",
    "power": "Pow",
    "minimum": "Min",
    "maximum": "Max",
}
_FUNCTIONS = {
    "log": "Log",
    "exp": "Exp",
    "sqrt": "Sqrt",
    "absolute": "Abs",
    "floor": "Floor",
    "ceil": "Ceil",
    "negative": "Neg",
    "sign": "Sign",
}
_COMPARISONS = {
    "less": "Less",
    "less_equal": "LessOrEqual",
    "greater": "Greater",
    "greater_equal": "GreaterOrEqual",
    "equal": "Equal",
}
_LOGIC = {"and": "And", "or": "Or", "xor": "Xor"}


def _arithmetic(of: Operands, members: Group) -> str:
    op = cast(Arithmetic, members.first).op
    left, right = of.matrix("left"), of.matrix("right")
    if op in _ARITHMETIC:
        return of.emit.node(_ARITHMETIC[op], left, right)
    quotient = of.emit.node("Floor", of.emit.node("Div", left, right))
    if op == "floor_divide":
        return quotient
    assert op == "remainder", op  # the sign of the divisor, as in Python
    return of.emit.node("Sub", left, of.emit.node("Mul", quotient, right))


def _function(of: Operands, members: Group) -> str:
    op, x = cast(Function, members.first).op, of.matrix("x")
    if op == "log1p":  # ONNX has none; in float64 the absolute error of log(1 + x) stays below 3e-16
        return of.emit.node("Log", of.emit.node("Add", x, of.emit.constant([[1.0]], np.float64)))
    return of.emit.node(_FUNCTIONS[op], x)


def _comparison(of: Operands, members: Group) -> str:
    node = cast(Comparison, members.first)
    left, right = of.matrix("left"), of.matrix("right")
    if node.op != "not_equal":
        equal = of.emit.node(_COMPARISONS[node.op], left, right)
    else:
        equal = of.emit.node("Equal", left, right)
    if node.left.kind == Kind.TEXT and not isinstance(node.right, Text):  # two missing texts are not equal
        equal = of.emit.node("And", equal, of.emit.node("Not", is_missing(of, left, Kind.TEXT)))
    return of.emit.node("Not", equal) if node.op == "not_equal" else equal


def _logic(of: Operands, members: Group) -> str:
    return of.emit.node(_LOGIC[cast(Logic, members.first).op], of.matrix("left"), of.matrix("right"))


def _negation(of: Operands, members: Group) -> str:  # noqa: ARG001 - a rule's shape
    return of.emit.node("Not", of.matrix("x"))


def _is_missing(of: Operands, members: Group) -> str:
    return is_missing(of, of.matrix("x"), cast(IsMissing, members.first).x.kind)


def _fill_missing(of: Operands, members: Group) -> str:
    x = of.matrix("x")
    return of.emit.node("Where", is_missing(of, x, members.first.kind), of.matrix("value"), x)


def _choice(of: Operands, members: Group) -> str:
    condition, then, otherwise = of.matrix("condition"), of.matrix("then"), of.matrix("otherwise")
    if members.first.kind != Kind.TRUTH:
        return of.emit.node("Where", condition, then, otherwise)
    # ONNX Runtime has no Where for bool.
    unless = of.emit.node("And", of.emit.node("Not", condition), otherwise)
    return of.emit.node("Or", of.emit.node("And", condition, then), unless)


def _to_number(of: Operands, members: Group) -> str:
    node, x = cast(ToNumber, members.first).x, of.matrix("x")
    number = of.emit.node("Cast", x, to=Element.DOUBLE)
    if node.kind == Kind.TRUTH or not may_be_missing(node):
        return number
    return of.emit.node("Where", is_missing(of, x, Kind.KEY), of.emit.constant([[np.nan]], np.float64), number)


def _to_key(of: Operands, members: Group) -> str:  # noqa: ARG001 - a rule's shape
    x = of.matrix("x")
    limit = of.emit.constant([[2.0**63]], np.float64)
    # NaN is not less either; -2**63 is the mark of a missing integer.
    fits = of.emit.node("Less", of.emit.node("Abs", x), limit)
    held = of.emit.node("Where", fits, x, of.emit.constant([[-(2.0**63)]], np.float64))
    return of.emit.node("Cast", held, to=Element.INT64)


def _seconds(of: Operands, members: Group) -> str:  # noqa: ARG001 - a rule's shape
    start, end = of.matrix("start"), of.matrix("end")
    missing = of.emit.node("Or", is_missing(of, start, Kind.TIME), is_missing(of, end, Kind.TIME))
    micros = [of.emit.node("Cast", side, to=Element.DOUBLE) for side in (end, start)]
    seconds = of.emit.node("Div", of.emit.node("Sub", *micros), of.emit.constant([[1e6]], np.float64))
    return of.emit.node("Where", missing, of.emit.constant([[np.nan]], np.float64), seconds)


def _lookup(of: Operands, members: Group) -> list[str]:
    return [
        _label_encoder(of, cast(Lookup, node), x) for node, x in zip(members.members, of.separate("x"), strict=True)
    ]


def _label_encoder(of: Operands, node: Lookup, x: str) -> str:
    tokens = cast("tuple[str | int, ...]", constant_value(node.tokens))
    default = len(tokens) if node.has_oov else -1
    ids = {token: index for index, token in enumerate(tokens)}
    text = node.x.kind == Kind.TEXT
    mark: str | int = MISSING_TEXT if text else MISSING_INT
    if node.missing is not None:
        ids[mark] = ids.get(cast("Text | Key", node.missing).value, default)
    elif isinstance(node.x, PreparedInput) and node.x.padded:
        ids[mark] = -1  # behind the last of a sequence, not an unknown value
    ids = ids or {mark: default}  # an empty vocabulary: the runtime wants one key
    return of.emit.node(
        "LabelEncoder",
        x,
        domain="ai.onnx.ml",
        keys_tensor=np.array(list(ids), dtype=object if text else np.int64),
        values_tensor=np.array(list(ids.values()), dtype=np.int64),
        default_tensor=np.array([default], dtype=np.int64),
    )


def _one_hot(of: Operands, members: Group) -> str | list[str]:
    found = [_categories(cast(OneHot, node)) for node in members.members]
    values = [list(range(each.low, each.low + len(each.labels))) for each in found]
    if len(values) == 1:
        keys = of.separate("x")
        return [
            of.emit.node("Equal", key, of.emit.constant([own], np.int64)) for key, own in zip(keys, values, strict=True)
        ]
    # One comparison for all: every key repeated as often as it has categories.
    columns = [column for column, own in enumerate(values) for _ in own]
    repeated = of.emit.node("Gather", of.matrix("x"), of.emit.constant(columns, np.int64), axis=1)
    return of.emit.node("Equal", repeated, of.emit.constant([[value for own in values for value in own]], np.int64))


def _categories(node: OneHot) -> Categories:
    found = categories(node.x)
    assert found is not None, "checked when it was traced"
    return found


def is_missing(of: Operands, x: str, kind: Kind) -> str:
    """Where the values of a tensor are missing."""
    if kind == Kind.NUMBER:
        return of.emit.node("IsNaN", x)
    if kind == Kind.TEXT:
        return of.emit.node("Equal", x, of.emit.constant([[MISSING_TEXT]], object))
    return of.emit.node("Equal", x, of.emit.constant([[MISSING_INT]], np.int64))


def _time_part(of: Operands, members: Group) -> str:
    x = of.matrix("x")
    missing = is_missing(of, x, Kind.TIME)
    parts = [
        time_part(of.emit, cast(TimePart, node).part, tensor)
        for node, tensor in zip(members.members, of.separate("x"), strict=True)
    ]
    whole = parts[0] if len(parts) == 1 else of.emit.node("Concat", *parts, axis=1)
    return of.emit.node("Where", missing, of.emit.constant([[MISSING_INT]], np.int64), whole)


RULES_OF_NUMBERS: dict[type[Node], Rule] = {
    Arithmetic: _arithmetic,
    Function: _function,
    Comparison: _comparison,
    Logic: _logic,
    Negation: _negation,
    IsMissing: _is_missing,
    FillMissing: _fill_missing,
    Choice: _choice,
    ToNumber: _to_number,
    ToKey: _to_key,
    TimePart: _time_part,
    Seconds: _seconds,
    Lookup: _lookup,
    OneHot: _one_hot,
}
