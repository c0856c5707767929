"""Where the graph is cut for running over tables: what is left of a text feature as late as it is one column."""

from __future__ import annotations

from treadle.graph._nodes import Cut, Input, Kind, Lookup, Node, categories, width
from treadle.graph._nodes_text import Bag, Prepared, Present, Weighted
from treadle.graph._passes import replace_nodes, walk


def cut(targets: list[Node]) -> tuple[list[Node], list[tuple[Input, list[tuple[str, Node]]]]]:
    """Replace what is no longer text, and depends on one text feature, by inputs: as late as it is one column.

    Returns:
        The targets over such inputs, and for each text feature the inputs' names and what they stand for.
    """
    replaced: dict[int, Node] = {}
    cuts: dict[Input, list[tuple[str, Node]]] = {}
    within = _of_one_text(targets)
    used_outside = {id(o) for node in walk(targets) if id(node) not in within for o in node.operands}
    used_outside |= set(map(id, targets))
    for node in walk(targets):
        if id(node) in within and id(node) in used_outside:
            name = f"/cut_{len(replaced)}"
            replaced[id(node)] = Cut(name, "cut", node.kind, found=categories(node), wide=width(node))
            cuts.setdefault(within[id(node)], []).append((name, node))
    return replace_nodes(targets, replaced), list(cuts.items())


def _of_one_text(targets: list[Node]) -> dict[int, Input]:
    """What the dictionary of a text feature can be run through, and the feature: no texts, and nothing made wider."""
    sources: dict[int, set[Input]] = {}
    within: dict[int, Input] = {}
    inner = _inner(targets)
    for node in walk(targets):
        found = {node} if isinstance(node, Input) else set().union(*(sources[id(o)] for o in node.operands))
        sources[id(node)] = found
        text = next(iter(found)) if len(found) == 1 else None
        if text is None or text.kind != Kind.TEXT or node.kind == Kind.TEXT or id(node) in inner:
            continue
        is_first = all(o.kind == Kind.TEXT or id(o) in inner or not sources[id(o)] for o in node.operands)
        if is_first or width(node) <= max(width(o) for o in node.operands if id(o) in within):
            within[id(node)] = text
    return within


def _inner(targets: list[Node]) -> set[int]:
    """Steps on the way from tokens to a bag, which is one result: nothing else takes them."""
    users: dict[int, set[type[Node]]] = {id(node): {Node} for node in targets}
    nodes = list(walk(targets))
    for node in nodes:
        for operand in node.operands:
            users.setdefault(id(operand), set()).add(type(node))
    return {id(node) for node in nodes if users.get(id(node), {Node}) <= _USERS_INSIDE.get(type(node), frozenset())}


_USERS_INSIDE: dict[type[Node], frozenset[type[Node]]] = {
    Lookup: frozenset({Bag}),
    Bag: frozenset({Present, Weighted}),
    Prepared: frozenset({Weighted}),
}
