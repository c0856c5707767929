"""Nodes of functions that a user wrote: their ONNX, and what is known of how it agrees with numpy."""

from __future__ import annotations

from dataclasses import dataclass, field

from treadle.graph._nodes import Kind, Node


@dataclass(frozen=True, eq=False)
class OnnxBody(Node):
    """A user's ONNX graph over numbers: a number a row."""

    name: str
    """The function it is the body of."""
    model: str = field(metadata={"shown": False})
    """What :func:`treadle.graph.read_body` made of it."""
    xs: tuple[Node, ...]
    kind = Kind.NUMBER


@dataclass(frozen=True, eq=False)
class Evidence(Node):
    """How far a body was from its numpy function over the training data; a constant that nothing computes with."""

    rows: int
    max_difference: float
    witnesses: tuple[tuple[float, ...], ...]
    """Some of the rows: what the function was given, and what it gave."""
    kind = Kind.TABLE


@dataclass(frozen=True, eq=False)
class Proven(Node):
    """The result of a body, ``x``, with the evidence that it is what a numpy function of ``xs`` gives."""

    name: str
    tolerance: float
    x: Node
    xs: tuple[Node, ...]
    evidence: Node
    kind = Kind.NUMBER


BODY_NODES: dict[str, type[Node]] = {cls.__name__: cls for cls in (OnnxBody, Evidence, Proven)}
"""The names under which nodes are stored."""
