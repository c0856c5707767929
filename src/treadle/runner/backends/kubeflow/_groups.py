"""Where each node of a pipeline stands among Kubeflow's groups: under which conditions, in which loop.

Kubeflow's conditions and loops are blocks inside blocks, and what is in a block can be waited for only in it. In
Treadle a node that waits for a skipped one is skipped too, wherever it was written. So a node goes into the blocks of
the nodes it waits for, and then into those of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from treadle.errors import UnsupportedByBackendError
from treadle.pipeline import Condition, Item, NodeIR, conjuncts
from treadle.runner.backends.kubeflow._step import without_not


@dataclass(frozen=True, slots=True)
class Loop:
    """A block that is there once for each round of a loop."""

    name: str
    node: str = field(compare=False)
    """A node of its body, by which a task can name it."""
    parallelism: int | None = field(compare=False, default=None)


@dataclass(frozen=True, slots=True)
class If:
    """A block under a condition."""

    condition: Condition
    holds: bool
    """Whether it must hold, or must not."""
    node: str = field(compare=False)
    number: int = field(compare=False)
    """Which of the node's conditions it is: by this a task can name it."""


Group: TypeAlias = Loop | If
Path: TypeAlias = tuple[Group, ...]


def paths(nodes: Mapping[str, NodeIR]) -> dict[str, Path]:
    """The blocks of each node, outermost first.

    Raises:
        UnsupportedByBackendError: When a node would have to be in two blocks that are not inside each other.
    """
    found: dict[str, Path] = {}
    for name in ordered(nodes):
        node = nodes[name]
        path: Path = ()
        for up in node.upstream():
            seen = _seen_from(node, up, nodes, found)
            longer, shorter = (seen, path) if len(seen) > len(path) else (path, seen)
            if longer[: len(shorter)] != shorter:
                raise UnsupportedByBackendError(
                    f"{name!r} waits for nodes under different conditions, and on Kubeflow a node is under one",
                    where={"backend": "kubeflow", "feature": "joins", "node": name, "line": node.line},
                    hint="put the nodes under one condition, or the second under both",
                )
            path = longer
        found[name] = _with_own(node, path, nodes)
    return found


def ordered(nodes: Mapping[str, NodeIR]) -> list[str]:
    """The names, each after those it waits for or that must have ended before it."""
    done: dict[str, None] = {}

    def visit(name: str) -> None:
        if name not in done:
            for up in (*nodes[name].upstream(), *nodes[name].settles):
                if up in nodes:
                    visit(up)
            done[name] = None

    for name in nodes:
        visit(name)
    return list(done)


def siblings_in_order(items: Mapping[str, Iterable[str]], before: Mapping[str, Iterable[str]]) -> list[str]:
    """The things in one block, each after those it waits for.

    Args:
        items: By name of a thing: the nodes in it.
        before: By node: the nodes that it waits for.
    """
    home = {node: item for item, members in items.items() for node in members}
    done: dict[str, None] = {}

    def visit(item: str) -> None:
        if item in done:
            return
        for node in items[item]:
            for up in before.get(node, ()):
                if up in home and home[up] != item:
                    visit(home[up])
        done[item] = None

    for item in items:
        visit(item)
    return list(done)


def is_inside(path: Sequence[Group], outer: Sequence[Group]) -> bool:
    """Whether one place is another or in a block of it."""
    return tuple(path[: len(outer)]) == tuple(outer)


def _seen_from(node: NodeIR, up: str, nodes: Mapping[str, NodeIR], found: Mapping[str, Path]) -> Path:
    """The blocks of a node before this one, as far as this one must be in them too: not in its loop, if outside."""
    path, before = found[up], nodes[up]
    if before.each is None or (node.each is not None and node.each.name == before.each.name):
        return path
    at = next(place for place, group in enumerate(path) if isinstance(group, Loop))
    if len(path) > at + 1:
        raise UnsupportedByBackendError(
            f"{node.name!r} gathers what {up!r} makes in some rounds of a loop only",
            where={"backend": "kubeflow", "feature": "gathering under a condition", "node": node.name},
            hint="put the condition into the component: let it return None",
        )
    return path[:at]


def _with_own(node: NodeIR, path: Path, nodes: Mapping[str, NodeIR]) -> Path:
    inner: list[Group] = []
    outer: list[Group] = []
    for number, fact in enumerate([] if node.when is None else conjuncts(node.when)):
        condition, holds = without_not(fact)
        group = If(condition, holds, node.name, number)
        if group not in path:
            (inner if _is_of_loop(condition, node, nodes) else outer).append(group)
    if node.each is None:
        return (*path, *outer, *inner)
    loop = Loop(node.each.name, node.name, node.each.parallelism)
    return (*path, *outer, *inner) if loop in path else (*path, *outer, loop, *inner)


def _is_of_loop(condition: Condition, node: NodeIR, nodes: Mapping[str, NodeIR]) -> bool:
    """Whether a condition is decided anew in each round."""
    if node.each is None:
        return False
    made = [nodes[wire.node].each for wire in condition.wires() if wire.node in nodes]
    return _has_item(condition) or any(each is not None and each.name == node.each.name for each in made)


def _has_item(condition: Condition) -> bool:
    return any(
        _has_item(part) if isinstance(part, Condition) else isinstance(part, Item) for part in condition.operands
    )
