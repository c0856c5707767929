"""Where each node of a pipeline stands among Kubeflow's blocks: under which conditions, in which loops.

Kubeflow's conditions and loops are blocks inside blocks. In Treadle a node that waits for a skipped one is skipped too,
wherever it was written. So a node goes into the blocks of the nodes it waits for, and then into those of its own. Where
the nodes it waits for are in blocks that are not inside each other, it stands outside of them and waits for their end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import TypeAlias

from treadle.pipeline import Condition, Each, Item, NodeIR, conjuncts
from treadle.runner.backends.kubeflow._step import without_not


@dataclass(frozen=True, slots=True)
class Loop:
    """A block that is there once for each round of a loop."""

    name: str
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
    """The blocks of each node, outermost first; the nodes each after those it waits for."""
    found: dict[str, Path] = {}
    for name in _ordered(nodes):
        node = nodes[name]
        around = [_seen_from(node, found[up]) for up in node.upstream()]
        longest = max(around, key=len, default=())
        inside = all(longest[: len(path)] == path for path in around)
        found[name] = _with_own(node, longest if inside else _shared(around), nodes)
    return found


def stages(
    names: Sequence[str], depth: int, found: Mapping[str, Path], before: Mapping[str, Set[str]]
) -> list[tuple[Group | None, list[str]]]:
    """What to put into a block, each thing after what it waits for: a node (of no group), or nodes in a block inside.

    A block inside is opened once. Only when something outside of it has to come between its nodes, it is opened again.

    Args:
        names: The nodes of the block, each after those it waits for.
        depth: How many blocks the block is in, itself among them.
        found: The blocks of each node.
        before: The nodes that each waits for.
    """
    left = dict.fromkeys(names)
    placed = []
    while left:
        things: dict[Group | str, list[str]] = {}
        for name in left:
            path = found[name]
            things.setdefault(path[depth] if len(path) > depth else name, []).append(name)
        partly: tuple[Group | str, list[str]] | None = None
        for thing, members in things.items():
            ready = _ready(members, left.keys() - members, before)
            if len(ready) == len(members):
                break
            partly = partly or ((thing, ready) if ready else None)
        else:
            assert partly is not None  # the first node that is left waits for none that is
            thing, ready = partly
        placed.append((None if isinstance(thing, str) else thing, ready))
        for name in ready:
            del left[name]
    return placed


def _ready(members: Sequence[str], outside: Set[str], before: Mapping[str, Set[str]]) -> list[str]:
    """The members that wait for nothing outside, not by way of each other either."""
    held = set(outside)
    for name in members:
        if before[name] & held:
            held.add(name)
    return [name for name in members if name not in held]


def _ordered(nodes: Mapping[str, NodeIR]) -> list[str]:
    """The names, each after those that must have ended before it."""
    done: dict[str, None] = {}

    def visit(name: str) -> None:
        if name not in done:
            for up in nodes[name].before():
                visit(up)
            done[name] = None

    for name in nodes:
        visit(name)
    return list(done)


def _shared(around: Sequence[Path]) -> Path:
    """The blocks that all paths begin with."""
    shared = []
    for groups in zip(*around, strict=False):
        if any(group != groups[0] for group in groups):
            break
        shared.append(groups[0])
    return tuple(shared)


def _seen_from(node: NodeIR, path: Path) -> Path:
    """The blocks of a node before this one, as far as this one must be in them too: not in loops that it is not in."""
    own = {each.name for each in node.loops()}
    for place, group in enumerate(path):
        if isinstance(group, Loop) and group.name not in own:
            return path[:place]
    return path


def _with_own(node: NodeIR, path: Path, nodes: Mapping[str, NodeIR]) -> Path:
    """The path, and what is not in it of the node's own loops and conditions, each condition as far out as can be."""
    loops = node.loops()
    facts = [without_not(fact) for fact in ([] if node.when is None else conjuncts(node.when))]
    blocks = [If(condition, holds, node.name, number) for number, (condition, holds) in enumerate(facts)]
    own: list[Group] = []
    for depth in range(len(loops) + 1):
        own += [block for block in blocks if _depth(block.condition, loops, nodes) == depth]
        own += [Loop(each.name, each.parallelism) for each in loops[depth : depth + 1]]
    return (*path, *(group for group in own if group not in path))


def _depth(condition: Condition, loops: Sequence[Each], nodes: Mapping[str, NodeIR]) -> int:
    """In how many of the loops around a node its condition is decided anew in each round."""
    names = [each.name for each in loops]
    seen = set(_items(condition))
    for wire in condition.wires():
        seen |= {each.name for each in nodes[wire.node].loops()}
    return max((place for place, name in enumerate(names, 1) if name in seen), default=0)


def _items(condition: Condition) -> list[str]:
    """The loops whose items a condition looks at."""
    return [
        name
        for part in condition.operands
        for name in (_items(part) if isinstance(part, Condition) else [part.loop] if isinstance(part, Item) else [])
    ]
