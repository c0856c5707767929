"""Lowering: classes of nodes into ONNX, one rule per node type (``_rules``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import onnx
from onnx import TensorProto, helper

from treadle.errors import ModelFormatError
from treadle.graph._classes import Group, group
from treadle.graph._emitter import Emitter
from treadle.graph._model import make_model, unused
from treadle.graph._nodes import CONSTANTS, Boundaries, Input, Key, Kind, Node, Number, Text, Tokens, ToNumber, width
from treadle.graph._passes import inputs_of, simplify

TENSOR_TYPES = {
    Kind.NUMBER: TensorProto.DOUBLE,
    Kind.KEY: TensorProto.INT64,
    Kind.TIME: TensorProto.INT64,
    Kind.TEXT: TensorProto.STRING,
    Kind.TRUTH: TensorProto.BOOL,
}


@dataclass(frozen=True, slots=True)
class Output:
    """A result of a graph: nodes side by side."""

    name: str
    nodes: tuple[Node, ...]
    as_float32: bool = True
    """Whether all nodes become one float32 matrix; otherwise they are of one kind and keep it."""


def lower(outputs: Sequence[Output], *, name: str = "features") -> onnx.ModelProto:
    """The ONNX model that computes the outputs from raw features.

    An output whose name a raw feature has too gets a ``_`` behind it.

    Raises:
        ModelFormatError: An output depends on no feature, or on an analysis that was not made.
    """
    flat = iter(simplify([node for output in outputs for node in columns_of(output)]))
    planned = [(output, [next(flat) for _ in columns_of(output)]) for output in outputs]
    targets = [node for _, nodes in planned for node in nodes]
    inputs = inputs_of(targets)
    lowering = _Lowering(targets, inputs)
    results = []
    for output, nodes in planned:
        if not nodes:
            raise ModelFormatError(f"The output {output.name!r} has no columns.")
        name_ = unused(output.name, {node.name for node in inputs})
        lowering.emit.name_result(lowering.side_by_side(nodes, as_float32=output.as_float32), name_)
        kind = TensorProto.FLOAT if output.as_float32 else TENSOR_TYPES[nodes[0].kind]
        results.append(helper.make_tensor_value_info(name_, kind, ["N", sum(map(width, nodes))]))
    given = [helper.make_tensor_value_info(node.name, TENSOR_TYPES[node.kind], ["N", 1]) for node in inputs]
    return make_model(name, lowering.emit.nodes, given, results, lowering.emit.initializers)


def columns_of(output: Output) -> list[Node]:
    """The nodes of an output that have columns, as what the output holds them."""
    """The nodes of an output as they leave the graph: keys as numbers where the output is a float32 matrix."""
    nodes = [node for node in output.nodes if width(node)]
    if not output.as_float32:
        return nodes
    return [ToNumber(node) if node.kind == Kind.KEY else node for node in nodes]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node's columns are: a tensor, the first column, how many."""

    tensor: str
    start: int
    width: int
    total: int
    """The columns of the whole tensor."""


class _Lowering:
    def __init__(self, targets: Sequence[Node], inputs: Sequence[Input]) -> None:
        from treadle.graph._rules import RULES

        self.emit = Emitter({node.name for node in inputs})
        self.places = {id(node): Place(node.name, 0, 1, 1) for node in inputs}
        for members in group(targets):
            rule = RULES.get(type(members.first))
            if rule is None:
                raise ModelFormatError(f"{type(members.first).__name__} is not lowered to ONNX.")
            _place(self.places, members, rule(Operands(self, members), members))

    def side_by_side(self, nodes: Sequence[Node], *, as_float32: bool) -> str:
        """One tensor with the columns of all nodes in order."""
        if not as_float32:
            return self.columns(nodes)
        numbers = self._tensors(node for node in nodes if node.kind == Kind.NUMBER)
        truths = self._tensors(node for node in nodes if node.kind == Kind.TRUTH)
        wholes = [self._cast(tensors) for tensors in (numbers, truths) if tensors]
        return self._pick([self.places[id(node)] for node in nodes], [*numbers, *truths], self._concat(wholes))

    def columns(self, nodes: Sequence[Node]) -> str:
        """The nodes' columns beside each other, as ``[N, sum of widths]``."""
        tensors = self._tensors(nodes)
        return self._pick([self.places[id(node)] for node in nodes], tensors, self._concat(tensors))

    def _tensors(self, nodes: Iterable[Node]) -> list[str]:
        return list(dict.fromkeys(self.places[id(node)].tensor for node in nodes))

    def _concat(self, tensors: Sequence[str]) -> str:
        return tensors[0] if len(tensors) == 1 else self.emit.node("Concat", *tensors, axis=1)

    def _cast(self, tensors: Sequence[str]) -> str:
        return self.emit.node("Cast", self._concat(tensors), to=TensorProto.FLOAT)

    def _pick(self, places: Sequence[Place], tensors: Sequence[str], whole: str) -> str:
        """Of ``tensors`` side by side in ``whole``, the columns at ``places``, in their order."""
        totals = {place.tensor: place.total for place in places}
        starts = accumulate((totals[tensor] for tensor in tensors), initial=0)
        offset = dict(zip(tensors, starts, strict=False))
        wanted = [offset[p.tensor] + p.start + column for p in places for column in range(p.width)]
        if wanted == list(range(sum(totals.values()))):
            return whole
        return self.emit.node("Gather", whole, self.emit.constant(wanted, np.int64), axis=1)


class Operands:
    """What a rule sees: the emitter, and its class's operands as tensors."""

    def __init__(self, lowering: _Lowering, members: Group) -> None:
        self._lowering = lowering
        self._members = members
        self.emit = lowering.emit

    def matrix(self, field: str) -> str:
        """The operand of all members as ``[N, m]``, or ``[N, 1]`` or ``[1, m]`` where that says the same."""
        nodes = [getattr(node, field) for node in self._members.members]
        if isinstance(nodes[0], CONSTANTS):
            return self._constants(nodes)
        if all(node is nodes[0] for node in nodes):
            nodes = nodes[:1]
        return self._lowering.columns(nodes)

    def separate(self, field: str) -> list[str]:
        """The operand of each member as ``[N, 1]``."""
        return [self._lowering.columns([getattr(node, field)]) for node in self._members.members]

    def _constants(self, nodes: Sequence[Node]) -> str:
        values = [constant_value(node) for node in nodes]
        if len(set(map(repr, values))) == 1:
            values = values[:1]
        dtype = {Number: np.float64, Key: np.int64, Text: object}[type(nodes[0])]
        return self.emit.constant(np.array([values], dtype=dtype), dtype)


def constant_value(node: Node) -> object:
    """The value of a constant."""
    assert isinstance(node, Number | Key | Text | Tokens | Boundaries), node
    return node.value if isinstance(node, Number | Key | Text) else node.values


Rule = Callable[[Operands, Group], "str | list[str]"]
"""From a class to one ``[N, sum of widths]`` tensor, or to one ``[N, width]`` tensor per member."""


def _place(places: dict[int, Place], members: Group, result: str | list[str]) -> None:
    widths = [width(node) for node in members.members]
    if isinstance(result, str):
        start = 0
        for node, columns in zip(members.members, widths, strict=True):
            places[id(node)] = Place(result, start, columns, sum(widths))
            start += columns
    else:
        for node, columns, tensor in zip(members.members, widths, result, strict=True):
            places[id(node)] = Place(tensor, 0, columns, columns)
