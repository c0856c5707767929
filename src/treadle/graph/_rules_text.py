"""Lowering of text, hashes, crosses and circles. The other rules are in ``_rules``, with what a rule may count on."""

from __future__ import annotations

import math
from typing import cast

import numpy as np
from onnx import TensorProto, helper

from treadle.graph._classes import Group
from treadle.graph._lowering import Operands, Rule, constant_value
from treadle.graph._nodes import Kind, Node, categories
from treadle.graph._nodes_text import (
    MIX,
    AsciiCase,
    Bag,
    Cross,
    FoldPick,
    HashBucket,
    Joined,
    Match,
    MixedKey,
    OutOfFold,
    Present,
    Sine,
    UnknownBucket,
    Weighted,
    Within,
)
from treadle.graph._rules import is_missing
from treadle.graph._values_python import MISSING_INT, MISSING_TEXT

_SINE = [(-1) ** k * (2 * math.pi) ** (2 * k + 1) / math.factorial(2 * k + 1) for k in range(12)]
"""The coefficients of ``sin(2 pi s)``; what is left out is below 1e-19 for ``|s| <= 1/4``."""


def _ascii_case(of: Operands, members: Group) -> str:
    x = of.matrix("x")
    # The runtime takes [C] with C above 0 only; in the locale C it changes ASCII letters and nothing else.
    flat = of.emit.node("Reshape", x, of.emit.constant([-1], np.int64))
    padded = of.emit.node("Concat", flat, of.emit.constant(["-"], object), axis=0)
    action = "UPPER" if cast(AsciiCase, members.first).upper else "LOWER"
    changed = of.emit.node("StringNormalizer", padded, case_change_action=action, locale="C", is_case_sensitive=1)
    ends = [of.emit.constant([value], np.int64) for value in (0, -1)]
    return of.emit.node("Reshape", of.emit.node("Slice", changed, *ends), of.emit.node("Shape", x))


def _match(of: Operands, members: Group) -> str:
    x = of.matrix("x")
    found = of.emit.node("RegexFullMatch", x, pattern=cast(Match, members.first).pattern)
    return of.emit.node("And", found, of.emit.node("Not", is_missing(of, x, Kind.TEXT)))


def _joined(of: Operands, members: Group) -> str:  # noqa: ARG001 - a rule's shape
    left, right = of.matrix("left"), of.matrix("right")
    missing = of.emit.node("Or", is_missing(of, left, Kind.TEXT), is_missing(of, right, Kind.TEXT))
    mark = of.emit.constant([[MISSING_TEXT]], object)
    return of.emit.node("Where", missing, mark, of.emit.node("StringConcat", left, right))


def _mixed_key(of: Operands, members: Group) -> str:
    """splitmix64: multiplications wrap in int64, shifts need uint64, and bits are the same in both."""
    x = of.matrix("x")
    seed = (cast(MixedKey, members.first).seed * MIX[0] + MIX[0]) % 2**64
    mixed = of.emit.node("Add", x, _signed(of, seed))
    for shift, factor in ((30, MIX[1]), (27, MIX[2])):
        mixed = of.emit.node("Mul", _xor_shifted(of, mixed, shift), _signed(of, factor))
    mixed = of.emit.node("BitwiseAnd", _xor_shifted(of, mixed, 31), of.emit.constant([[2**63 - 1]], np.int64))
    return _unless(of, is_missing(of, x, Kind.KEY), mixed)


def _xor_shifted(of: Operands, x: str, shift: int) -> str:
    unsigned = of.emit.node("Cast", x, to=TensorProto.UINT64)
    shifted = of.emit.node("BitShift", unsigned, of.emit.constant([[shift]], np.uint64), direction="RIGHT")
    return of.emit.node("Cast", of.emit.node("BitwiseXor", unsigned, shifted), to=TensorProto.INT64)


def _signed(of: Operands, value: int) -> str:
    return of.emit.constant(np.array([[value]], np.uint64).view(np.int64), np.int64)


def _hash_bucket(of: Operands, members: Group) -> str:
    x = of.matrix("x")
    bucket = of.emit.node("Mod", x, of.emit.constant([[cast(HashBucket, members.first).count]], np.int64))
    return _unless(of, is_missing(of, x, Kind.KEY), bucket)


def _unknown_bucket(of: Operands, members: Group) -> str:
    nodes = [cast(UnknownBucket, node) for node in members.members]
    sizes = [[len(cast("tuple[object, ...]", constant_value(node.tokens))) for node in nodes]]
    known, hashed = of.matrix("id"), of.matrix("hash")
    zero = of.emit.constant([[0]], np.int64)
    safe = of.emit.node("Where", is_missing(of, hashed, Kind.KEY), zero, hashed)
    bucket = of.emit.node("Mod", safe, of.emit.constant([[nodes[0].count]], np.int64))
    behind = of.emit.node("Add", bucket, of.emit.constant(sizes, np.int64))
    return of.emit.node("Where", of.emit.node("Less", known, zero), behind, known)


def _cross(of: Operands, members: Group) -> str:
    sides = []
    inside: str | None = None
    sizes: list[list[int]] = []
    for field in ("left", "right"):
        found = [categories(getattr(node, field)) for node in members.members]
        lows = [[each.low for each in found if each is not None]]
        counts = [len(each.labels) for each in found if each is not None]
        x = of.emit.node("Sub", of.matrix(field), of.emit.constant(lows, np.int64))
        # The smallest integer, the mark of a missing one, may wrap to a large one: both ends are tested.
        above = of.emit.node("GreaterOrEqual", x, of.emit.constant([[0]], np.int64))
        both = of.emit.node("And", above, of.emit.node("Less", x, of.emit.constant([counts], np.int64)))
        inside = both if inside is None else of.emit.node("And", inside, both)
        sides.append(x)
        sizes.append(counts)
    assert inside is not None
    code = of.emit.node("Add", of.emit.node("Mul", sides[0], of.emit.constant([sizes[1]], np.int64)), sides[1])
    return _unless(of, of.emit.node("Not", inside), code)


def _bag(of: Operands, members: Group) -> list[str]:
    """Each key adds 1 to its column; what is of no category adds to one behind the last, which is cut off."""
    counts = []
    for node, x in zip(members.members, of.separate("x"), strict=True):
        size = len(cast(Bag, node).known.labels)
        outside = of.emit.node("Less", x, of.emit.constant([[0]], np.int64))
        at = of.emit.node("Where", outside, of.emit.constant([[size]], np.int64), x)
        shape = of.emit.node("Shape", x)
        rows = of.emit.node("Shape", x, start=0, end=1)
        whole = of.emit.node("Concat", rows, of.emit.constant([size + 1], np.int64), axis=0)
        zeros, ones = (
            of.emit.node("ConstantOfShape", like, value=helper.make_tensor("value", TensorProto.DOUBLE, [1], [value]))
            for like, value in ((whole, 0.0), (shape, 1.0))
        )
        added = of.emit.node("ScatterElements", zeros, at, ones, axis=1, reduction="add")
        ends = [of.emit.constant([value], np.int64) for value in (0, size, 1)]
        counts.append(of.emit.node("Slice", added, *ends))
    return counts


def _present(of: Operands, members: Group) -> str:  # noqa: ARG001 - a rule's shape
    return of.emit.node("Greater", of.matrix("x"), of.emit.constant([[0.0]], np.float64))


def _weighted(of: Operands, members: Group) -> list[str]:
    results = []
    one = of.emit.constant([[1.0]], np.float64)
    for node, x, count in zip(members.members, of.separate("x"), of.separate("count"), strict=True):
        total = of.emit.node("Max", of.emit.node("Cast", count, to=TensorProto.DOUBLE), one)
        rows = cast("tuple[tuple[float, ...], ...]", constant_value(cast(Weighted, node).weights))
        share = of.emit.node("Div", x, total)
        results.append(of.emit.node("Mul", share, of.emit.constant(rows, np.float64)))
    return results


def _out_of_fold(of: Operands, members: Group) -> list[str]:
    return [
        of.emit.node("Gather", of.emit.constant([row[0] for row in _table(node)], np.float64), x, axis=0)
        for node, x in zip(members.members, of.separate("x"), strict=True)
    ]


def _fold_pick(of: Operands, members: Group) -> list[str]:
    picked = []
    for node, x, fold in zip(members.members, of.separate("x"), of.separate("fold"), strict=True):
        rows = [row[1:] for row in _table(node)]
        start = of.emit.node("Mul", x, of.emit.constant([[len(rows[0])]], np.int64))
        flat = of.emit.constant([value for row in rows for value in row], np.float64)
        picked.append(of.emit.node("Gather", flat, of.emit.node("Add", start, fold), axis=0))
    return picked


def _within(of: Operands, members: Group) -> str:
    x, count = of.matrix("x"), of.emit.constant([[cast(Within, members.first).count]], np.int64)
    above = of.emit.node("GreaterOrEqual", x, of.emit.constant([[0]], np.int64))
    return of.emit.node("Where", of.emit.node("And", above, of.emit.node("Less", x, count)), x, count)


def _table(node: Node) -> tuple[tuple[float, ...], ...]:
    return cast("tuple[tuple[float, ...], ...]", constant_value(cast("OutOfFold | FoldPick", node).table))


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


def _unless(of: Operands, missing: str, x: str) -> str:
    return of.emit.node("Where", missing, of.emit.constant([[MISSING_INT]], np.int64), x)


TEXT_RULES: dict[type[Node], Rule] = {
    AsciiCase: _ascii_case,
    Match: _match,
    Joined: _joined,
    MixedKey: _mixed_key,
    HashBucket: _hash_bucket,
    UnknownBucket: _unknown_bucket,
    Cross: _cross,
    Sine: _sine,
    Bag: _bag,
    Present: _present,
    Weighted: _weighted,
    OutOfFold: _out_of_fold,
    FoldPick: _fold_pick,
    Within: _within,
}
