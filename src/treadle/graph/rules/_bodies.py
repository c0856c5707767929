"""Lowering of functions that a user wrote: their ONNX is put in as it is."""

from __future__ import annotations

from typing import cast

from treadle.graph._classes import Group
from treadle.graph._nodes import Node
from treadle.graph._nodes_bodies import OnnxBody
from treadle.graph.rules._operands import Operands, Rule


def _body(of: Operands, members: Group) -> list[str]:
    from treadle.graph._bodies import body_graph

    results = []
    for node in members.members:
        body = cast(OnnxBody, node)
        results.append(of.emit.splice(body_graph(body.model), of.each(body.xs)))
    return results


RULES_OF_BODIES: dict[type[Node], Rule] = {OnnxBody: _body}
