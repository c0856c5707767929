"""Lowering: classes of nodes into ONNX, one rule per node type (``rules``)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, cast

import numpy as np

from treadle.errors import ModelFormatError
from treadle.graph._classes import Group, group
from treadle.graph._emitter import Emitter, unused
from treadle.graph._nodes import (
    Input,
    Kind,
    Node,
    Stack,
    ToNumber,
    width,
)
from treadle.graph._nodes_lists import Padded, Part, tensor_of_list
from treadle.graph._nodes_text import Prepared, PreparedInput, is_padded
from treadle.graph._passes import inputs_of, replace_nodes, simplify, walk
from treadle.graph._wire import Element, Value, model_bytes
from treadle.graph.rules import RULES, Operands
from treadle.graph.steps._preparation import METADATA, Preparation, Step, dump
from treadle.graph.values._ragged import METADATA as LISTS
from treadle.graph.values._ragged import Padding
from treadle.graph.values._ragged import dump as dump_lists

if TYPE_CHECKING:
    import onnx

TENSOR_TYPES = {
    Kind.NUMBER: Element.DOUBLE,
    Kind.KEY: Element.INT64,
    Kind.TIME: Element.INT64,
    Kind.TEXT: Element.STRING,
    Kind.TRUTH: Element.BOOL,
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
    from treadle.graph._model import read_model

    return read_model(_lower(outputs, name, for_bulk=False))


def lower_for_bulk(outputs: Sequence[Output]) -> bytes:
    """The same operations on every column by itself: never seen by anyone but the runtime.

    Side by side columns are one operation for a row; for many rows they are as many copies, and no operation runs
    along the rows.
    """
    return _lower(outputs, "bulk", for_bulk=True)


def _lower(outputs: Sequence[Output], name: str, *, for_bulk: bool) -> bytes:
    flat = iter(simplify([node for output in outputs for node in columns_of(output)]))
    planned = [(output, [next(flat) for _ in columns_of(output)]) for output in outputs]
    planned, lists = _with_padded_inputs(planned)
    planned, prepared = _with_prepared_inputs(planned)
    targets = [node for _, nodes in planned for node in nodes]
    inputs = inputs_of(targets)
    lowering = _Lowering(targets, inputs, for_bulk=for_bulk)
    taken = {node.name for node in inputs}
    results: list[Value] = []
    named: list[tuple[str, str]] = []
    for output, nodes in planned:
        if not nodes:
            raise ModelFormatError(f"The output {output.name!r} has no columns.")
        whole, wanted = lowering.side_by_side(nodes, as_float32=output.as_float32)
        result = unused(output.name, taken)
        named.append((lowering.pick(whole, wanted), result))
        kind = Element.FLOAT if output.as_float32 else TENSOR_TYPES[nodes[0].kind]
        results.append(Value(result, kind, len(wanted)))
    emit = lowering.emit
    emit.name_results(named)
    given = [Value(node.name, TENSOR_TYPES[node.kind], width(node)) for node in inputs]
    metadata = {METADATA: dump(prepared)} if prepared else {}
    metadata |= {LISTS: dump_lists(lists)} if lists else {}
    return model_bytes(name, emit.nodes, given, results, emit.initializers, metadata=metadata)


_Plan = list[tuple[Output, list[Node]]]


def _with_prepared_inputs(planned: _Plan) -> tuple[_Plan, dict[str, Preparation]]:
    """The plan with an input in place of each node that is computed before the graph runs, and what these are."""
    targets = [node for _, nodes in planned for node in nodes]
    if not any(isinstance(node, Prepared) for node in walk(targets)):
        return planned, {}
    taken = {node.name for node in inputs_of(targets)}
    found: dict[str, Preparation] = {}
    inputs: dict[int, Node] = {}
    for node in walk(targets):
        if isinstance(node, Prepared):
            sources = cast("tuple[Input, ...]", node.operands)  # checked when it was traced
            steps = cast("tuple[Step, ...]", node.steps)
            names = tuple(source.name for source in sources)
            name = unused(f"{names[0]}/{steps[-1][0]}_{len(found)}", taken)
            found[name] = Preparation(names, steps)
            inputs[id(node)] = PreparedInput(
                name, "prepared", node.holds, sources[0].required, node.size, is_padded(node)
            )
    changed = iter(replace_nodes(targets, inputs))
    return [(output, [next(changed) for _ in nodes]) for output, nodes in planned], found


def _with_padded_inputs(planned: _Plan) -> tuple[_Plan, dict[str, Padding]]:
    """The same for lists, which are padded before the graph runs."""
    targets = [node for _, nodes in planned for node in nodes]
    padded = [node for node in walk(targets) if isinstance(node, Padded)]
    taken = {node.name for node in inputs_of(targets)}
    found: dict[str, Padding] = {}
    inputs: dict[int, Node] = {}
    for node in padded:
        source = node.x
        assert isinstance(source, Input), "checked when it was traced"
        name = unused(f"{source.name}/{node.steps[-1][0]}_{len(found)}", taken)
        found[name] = Padding(source.name, tensor_of_list(source.type), node.steps)
        inputs[id(node)] = PreparedInput(name, "list", node.holds, source.required, node.size, is_padded(node))
    changed = iter(replace_nodes(targets, inputs))
    return [(output, [next(changed) for _ in nodes]) for output, nodes in planned], found


def columns_of(output: Output) -> list[Node]:
    """The nodes of an output as they leave the graph: keys as numbers where the output is a float32 matrix."""
    flat = [part for node in output.nodes for part in (node.xs if isinstance(node, Stack) else (node,))]
    nodes = [node for node in flat if width(node)]
    if not output.as_float32:
        return nodes
    return [ToNumber(node) if node.kind == Kind.KEY else node for node in nodes]


@dataclass(frozen=True, slots=True)
class _Whole:
    """A tensor and the number of its columns."""

    tensor: str
    width: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node's columns are: a tensor, the first column, how many."""

    tensor: str
    start: int
    width: int
    total: int
    """The columns of the whole tensor."""


class _Lowering:
    def __init__(self, targets: Sequence[Node], inputs: Sequence[Input], *, for_bulk: bool) -> None:
        self.for_bulk = for_bulk
        self.emit = Emitter({node.name for node in inputs})
        self.places = {id(node): Place(node.name, 0, width(node), width(node)) for node in inputs}
        for members in group(targets, apart=for_bulk):
            if isinstance(members.first, Part):  # a column of a tensor that is there
                for part in members.members:
                    assert isinstance(part, Part)
                    whole = self.places[id(part.x)]
                    self.places[id(part)] = Place(whole.tensor, whole.start + part.index, 1, whole.total)
                continue
            rule = RULES.get(type(members.first))
            if rule is None:
                raise ModelFormatError(f"{type(members.first).__name__} is not lowered to ONNX.")
            _place(self.places, members, rule(Operands(self, members), members))

    def side_by_side(self, nodes: Sequence[Node], *, as_float32: bool) -> tuple[_Whole, list[int]]:
        """A tensor with the columns of all nodes, and where in it they are."""
        if not as_float32:
            return self._side_by_side(nodes, [self._tensors(nodes)])
        numbers = self._tensors(node for node in nodes if node.kind == Kind.NUMBER)
        truths = self._tensors(node for node in nodes if node.kind == Kind.TRUTH)
        return self._side_by_side(nodes, [part for part in (numbers, truths) if part], to=Element.FLOAT)

    def columns(self, nodes: Sequence[Node]) -> str:
        """The nodes' columns beside each other, as ``[N, sum of widths]``."""
        return self.pick(*self._side_by_side(nodes, [self._tensors(nodes)]))

    def pick(self, whole: _Whole, wanted: list[int]) -> str:
        """Some columns of a tensor, in their order."""
        if wanted == list(range(whole.width)):
            return whole.tensor
        return self.emit.node("Gather", whole.tensor, self.emit.constant(wanted, np.int64), axis=1)

    def _tensors(self, nodes: Iterable[Node]) -> list[str]:
        return list(dict.fromkeys(self.places[id(node)].tensor for node in nodes))

    def _side_by_side(
        self, nodes: Sequence[Node], parts: Sequence[list[str]], *, to: int | None = None
    ) -> tuple[_Whole, list[int]]:
        """All ``parts`` (each of one type, cast together) in one tensor, and where in it the nodes' columns are."""
        wholes = [self._concat(part) for part in parts]
        if to is not None:
            wholes = [self.emit.node("Cast", whole, to=to) for whole in wholes]
        places = [self.places[id(node)] for node in nodes]
        totals = {place.tensor: place.total for place in places}
        tensors = [tensor for part in parts for tensor in part]
        starts = accumulate((totals[tensor] for tensor in tensors), initial=0)
        offset = dict(zip(tensors, starts, strict=False))
        wanted = [offset[p.tensor] + p.start + column for p in places for column in range(p.width)]
        return _Whole(self._concat(wholes), sum(totals.values())), wanted

    def _concat(self, tensors: Sequence[str]) -> str:
        return tensors[0] if len(tensors) == 1 else self.emit.node("Concat", *tensors, axis=1)


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
