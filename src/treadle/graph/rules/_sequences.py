"""Lowering of what is counted and weighted of tokens."""

from __future__ import annotations

from typing import cast

import numpy as np

from treadle.graph._classes import Group
from treadle.graph._nodes import Kind, Node
from treadle.graph._nodes_text import Bag, OfTokens, Present, There, TokenBucket, Weighted
from treadle.graph._wire import Element
from treadle.graph.rules._numbers import is_missing
from treadle.graph.rules._operands import Operands, Rule, constant_value


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
            of.emit.node("ConstantOfShape", like, value=np.array([value]))
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
        total = of.emit.node("Max", of.emit.node("Cast", count, to=Element.DOUBLE), one)
        rows = cast("tuple[tuple[float, ...], ...]", constant_value(cast(Weighted, node).weights))
        share = of.emit.node("Div", x, total)
        results.append(of.emit.node("Mul", share, of.emit.constant(rows, np.float64)))
    return results


def _there(of: Operands, members: Group) -> str:  # noqa: ARG001 - a rule's shape
    return of.emit.node("Not", is_missing(of, of.matrix("x"), Kind.TEXT))


def _token_bucket(of: Operands, members: Group) -> list[str]:
    results = []
    zero = of.emit.constant([[0]], np.int64)
    for node, known, hashed in zip(members.members, of.separate("id"), of.separate("hash"), strict=True):
        bucket = cast(TokenBucket, node)
        known_count = len(cast("tuple[object, ...]", constant_value(bucket.tokens)))
        behind = of.emit.node("Mod", hashed, of.emit.constant([[bucket.count]], np.int64))
        unknown = of.emit.node("Add", behind, of.emit.constant([[known_count]], np.int64))
        there = of.emit.node("GreaterOrEqual", hashed, zero)
        unknown = of.emit.node("Where", there, unknown, of.emit.constant([[-1]], np.int64))
        results.append(of.emit.node("Where", of.emit.node("GreaterOrEqual", known, zero), known, unknown))
    return results


def _of_tokens(of: Operands, members: Group) -> list[str]:
    results = []
    for node, ids in zip(members.members, of.separate("x"), strict=True):
        rows = cast("tuple[tuple[float, ...], ...]", constant_value(cast(OfTokens, node).table))
        # An id of -1 names the last entry: behind the last token.
        values = of.emit.constant([*(row[0] for row in rows), np.nan], np.float64)
        results.append(of.emit.node("Gather", values, ids, axis=0))
    return results


RULES_OF_SEQUENCES: dict[type[Node], Rule] = {
    Bag: _bag,
    Present: _present,
    Weighted: _weighted,
    There: _there,
    TokenBucket: _token_bucket,
    OfTokens: _of_tokens,
}
