"""Passes over nodes: walking, rewriting, simplifying. A pass changes how something is computed, never what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from treadle.graph._folding import fold
from treadle.graph._nodes import (
    Bucket,
    Choice,
    FillMissing,
    Input,
    Key,
    Kind,
    Level,
    Lookup,
    Node,
    Number,
    Text,
    Tokens,
    ToKey,
    ToNumber,
)
from treadle.graph._nodes_lists import Padded, Part
from treadle.graph.values._python import MISSING_INT


def walk(targets: Iterable[Node]) -> Iterator[Node]:
    """Every node that the targets reach, once, operands first. Depth is bound by memory, not by the stack."""
    seen: set[int] = set()
    stack = [(node, False) for node in reversed(list(targets))]
    while stack:
        node, expanded = stack.pop()
        if expanded:
            yield node
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((operand, False) for operand in reversed(node.operands))


def rewrite(targets: Iterable[Node], rule: Callable[[Node], Node]) -> list[Node]:
    """The targets with ``rule`` applied to every node, operands first."""
    targets = list(targets)
    changed: dict[int, Node] = {}
    for node in walk(targets):
        changed[id(node)] = rule(node.rebuild(lambda operand: changed[id(operand)]))
    return [changed[id(node)] for node in targets]


def replace_nodes(targets: Iterable[Node], replaced: Mapping[int, Node]) -> list[Node]:
    """The targets with some nodes, named by identity, replaced and what lies below them left out."""
    targets = list(targets)
    changed: dict[int, Node] = {}
    for node in walk(targets):
        changed[id(node)] = replaced.get(id(node)) or node.rebuild(lambda operand: changed[id(operand)])
    return [changed[id(node)] for node in targets]


def inputs_of(targets: Iterable[Node]) -> list[Input]:
    """The inputs that the targets reach, in the order they are met."""
    return [node for node in walk(targets) if isinstance(node, Input)]


def simplify(targets: Iterable[Node]) -> list[Node]:
    """Equal parts once, conversions at the inputs, fills before a lookup inside it.

    An integer feature that is only ever used as a number enters as a number; one that is only a key enters as
    exact int64; one that is both enters as a number.
    """
    current = rewrite(targets, fold)
    while True:
        before = sum(1 for _ in walk(current))
        current = _share(rewrite(_inputs_settled(rewrite(current, _push)), _into_lookup))
        if sum(1 for _ in walk(current)) == before and not any(_pushable(node) for node in walk(current)):
            return current


def _pushable(node: Node) -> bool:
    return _push(node) is not node


def _push(node: Node) -> Node:
    """Conversions towards the inputs."""
    if isinstance(node, ToNumber):
        x = node.x
        if isinstance(x, Key):
            return Number(float("nan") if x.value == MISSING_INT else float(x.value))
        if isinstance(x, ToKey) and isinstance(x.x, Input) and x.x.type == "int":
            return x.x  # it already enters as a number
        if isinstance(x, Bucket):
            return Level(x.x, x.boundaries)
        if isinstance(x, Part) and isinstance(x.x, Padded):  # an item of a list of integers enters as a number
            *before, pad = x.x.steps
            return Part(x.index, Padded(x.x.x, (*before, ("numbers",), pad), Kind.NUMBER, x.x.size))
        if isinstance(x, FillMissing) and x.kind == Kind.KEY:
            return FillMissing(_push(ToNumber(x.x)), _push(ToNumber(x.value)))
        if isinstance(x, Choice) and x.kind == Kind.KEY:
            return Choice(x.condition, _push(ToNumber(x.then)), _push(ToNumber(x.otherwise)))
    return node


def _inputs_settled(targets: list[Node]) -> list[Node]:
    """Integer features with any use as a number enter as numbers."""
    nodes = list(walk(targets))
    numeric = {
        node.x.name
        for node in nodes
        if isinstance(node, ToNumber) and type(node.x) is Input and node.x.kind == Kind.KEY
    }

    def settle(node: Node) -> Node:
        if type(node) is Input and node.name in numeric and node.kind == Kind.KEY:
            return ToKey(Input(node.name, node.type, Kind.NUMBER, node.required))
        return _push(node)

    return rewrite(targets, settle) if numeric else targets


def _into_lookup(node: Node) -> Node:
    """A constant fill before a lookup is an entry of the lookup."""
    if (
        isinstance(node, Lookup)
        and isinstance(node.x, FillMissing)
        and isinstance(node.x.value, Text | Key)
        and isinstance(node.tokens, Tokens)
    ):
        return Lookup(node.x.x, node.tokens, node.has_oov, node.x.value)
    return node


def _share(targets: list[Node]) -> list[Node]:
    """Structurally equal nodes become one."""
    table: dict[tuple[object, ...], Node] = {}

    def share(node: Node) -> Node:
        # repr tells 0.0 from -0.0 and 1 from 1.0 and True, which compare equal
        return table.setdefault((type(node), repr(node.settings), *map(id, node.operands)), node)

    return rewrite(targets, share)
