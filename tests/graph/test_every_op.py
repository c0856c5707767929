"""No operation without a case: what is not tried in bulk against one row, and in other runtimes, is found here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ops
import ops_lists
import ops_text

from treadle import transform as tt
from treadle.graph import body_nodes, list_nodes, nodes, text_nodes, walk

ELSEWHERE = {
    "OutOfFold": "test_target_encoding",
    "FoldPick": "test_target_encoding",
    "Past": "test_windows",
    "Pixels": "test_images",
}
"""Nodes with a case of their own, and the module of tests that holds it."""


def cases() -> Iterator[nodes.Node]:
    """What every case comes to, with its analyses made."""
    for schema, table, found in (
        (ops.SCHEMA, ops.many_rows(60), ops.OPS),
        (ops.SCHEMA, ops.many_rows(60), {name: op for name, (op, _) in ops_text.OPS.items()}),
        (ops_lists.SCHEMA, ops_lists.many_rows(60), {name: op for name, (op, _) in ops_lists.OPS.items()}),
    ):

        def preprocess(x: Any, found: Any = found) -> dict[str, Any]:
            return {name: op(x) for name, op in found.items()}

        graph = tt.analyze(preprocess, schema, lambda columns, table=table: iter(table.select(columns).to_batches()))
        yield from walk(graph.nodes.values())


def test_every_node_has_a_case() -> None:
    tried = {type(node).__name__ for node in cases()}
    known = {**nodes.NODES, **text_nodes.TEXT_NODES, **list_nodes.LIST_NODES, **body_nodes.BODY_NODES}
    assert sorted(known.keys() - tried - ELSEWHERE.keys()) == []


def test_every_function_and_part_has_a_case() -> None:
    from treadle.graph.rules._numbers import _ARITHMETIC, _COMPARISONS, _FUNCTIONS

    tried: dict[str, set[str]] = {}
    for node in cases():
        for setting in ("op", "part"):
            if isinstance(value := getattr(node, setting, None), str):
                tried.setdefault(type(node).__name__, set()).add(value)
    assert {*_ARITHMETIC, "floor_divide", "remainder"} <= tried["Arithmetic"]
    assert {*_FUNCTIONS, "log1p"} <= tried["Function"]
    assert {*_COMPARISONS, "not_equal"} <= tried["Comparison"]
    assert {*nodes._PARTS, "year"} <= tried["TimePart"]
