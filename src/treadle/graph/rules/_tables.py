"""Lowering what is looked up by id: numbers, and bucket boundaries, of a key.

All tables of a class become one constant, and each member's ids are moved to where its table begins in it.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt

from treadle.graph._classes import Group
from treadle.graph._nodes import BucketByKey, Node, Pick
from treadle.graph._wire import Element
from treadle.graph.rules._operands import Operands, Rule, constant_value
from treadle.graph.values._python import MISSING_INT

_Rows = tuple[tuple[float, ...], ...]


def _pick(of: Operands, members: Group) -> str:
    nodes = [cast(Pick, node) for node in members.members]
    tables = [cast(_Rows, constant_value(node.table)) for node in nodes]
    values = [row[node.column] for node, rows in zip(nodes, tables, strict=True) for row in rows]
    at = _moved(of, of.matrix("x"), tables)
    return of.emit.node("Gather", of.emit.constant(values, np.float64), at, axis=0)


def _bucket_by_key(of: Operands, members: Group) -> str:
    tables = [cast(_Rows, constant_value(cast(BucketByKey, node).table)) for node in members.members]
    longest = max((len(row) for rows in tables for row in rows), default=0)
    whole = np.full((sum(map(len, tables)), max(longest, 1)), np.nan)
    for position, row in enumerate(row for rows in tables for row in rows):
        whole[position, : len(row)] = row
    x, key = of.matrix("x"), of.matrix("key")
    boundaries = of.emit.node("Gather", of.emit.constant(whole, np.float64), _moved(of, key, tables), axis=0)
    reached = of.emit.node("GreaterOrEqual", of.emit.node("Unsqueeze", x, of.emit.constant([2], np.int64)), boundaries)
    counts = of.emit.node("Cast", reached, to=Element.FLOAT)
    index = of.emit.node("ReduceSum", counts, of.emit.constant([2], np.int64), keepdims=0)
    known = of.emit.node("Cast", index, to=Element.INT64)
    last = of.emit.constant([[len(rows) - 1 for rows in tables]], np.int64)
    placed = of.emit.node("Where", of.emit.node("Equal", key, last), of.emit.constant([[-1]], np.int64), known)
    return of.emit.node("Where", of.emit.node("IsNaN", x), of.emit.constant([[MISSING_INT]], np.int64), placed)


def _moved(of: Operands, ids: str, tables: list[_Rows]) -> str:
    """Ids as rows of all tables under each other."""
    starts: npt.NDArray[np.int64] = np.cumsum([0, *map(len, tables)], dtype=np.int64)[:-1]
    return of.emit.node("Add", ids, of.emit.constant([starts], np.int64)) if len(tables) > 1 else ids


RULES_OF_TABLES: dict[type[Node], Rule] = {Pick: _pick, BucketByKey: _bucket_by_key}
