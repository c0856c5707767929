"""Lowering of hashes, crosses and what is looked up by an id. The rules of tables by key are in ``_tables``."""

from __future__ import annotations

from typing import cast

import numpy as np

from treadle.graph._classes import Group
from treadle.graph._nodes import Kind, Node, categories
from treadle.graph._nodes_text import MIX, Cross, FoldPick, HashBucket, MixedKey, OutOfFold, UnknownBucket, Within
from treadle.graph._wire import Element
from treadle.graph.rules._numbers import is_missing
from treadle.graph.rules._operands import Operands, Rule, constant_value
from treadle.graph.values._python import MISSING_INT


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
    unsigned = of.emit.node("Cast", x, to=Element.UINT64)
    shifted = of.emit.node("BitShift", unsigned, of.emit.constant([[shift]], np.uint64), direction="RIGHT")
    return of.emit.node("Cast", of.emit.node("BitwiseXor", unsigned, shifted), to=Element.INT64)


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


def _unless(of: Operands, missing: str, x: str) -> str:
    return of.emit.node("Where", missing, of.emit.constant([[MISSING_INT]], np.int64), x)


RULES_OF_CATEGORIES: dict[type[Node], Rule] = {
    MixedKey: _mixed_key,
    HashBucket: _hash_bucket,
    UnknownBucket: _unknown_bucket,
    Cross: _cross,
    OutOfFold: _out_of_fold,
    FoldPick: _fold_pick,
    Within: _within,
}
