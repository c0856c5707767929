"""Which nodes of a pipeline take part in a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from treadle.errors import PipelineError, UsageError
from treadle.pipeline import NodeIR


@dataclass(frozen=True, slots=True)
class Selection:
    """A part of a pipeline, as somebody asked for it; everything when nothing is said."""

    from_: tuple[str, ...] = ()
    """These nodes and everything after them."""
    to: tuple[str, ...] = ()
    """These nodes and everything before them."""
    only: tuple[str, ...] = ()
    """These nodes alone."""

    def __bool__(self) -> bool:
        return bool(self.from_ or self.to or self.only)

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return {"from": list(self.from_), "to": list(self.to), "only": list(self.only)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Selection:
        """What `to_json` gave."""
        return cls(tuple(value.get("from", ())), tuple(value.get("to", ())), tuple(value.get("only", ())))


@dataclass(frozen=True, slots=True)
class Part:
    """The nodes of a pipeline that take part."""

    selected: frozenset[str]
    """Decided upon and run as always."""
    given: frozenset[str] = field(default_factory=frozenset)
    """Lie before those that are selected; what they made is used, and they are not run."""


def choose(nodes: Mapping[str, NodeIR], selection: Selection) -> Part:
    """The nodes that a selection means.

    Raises:
        UsageError: When ``only`` is combined with the others, or nothing is left.
        PipelineError: When it names a node that is not there.
    """
    for name in (*selection.from_, *selection.to, *selection.only):
        if name not in nodes:
            raise PipelineError(
                f"The pipeline has no node {name!r}", where={"node": name}, hint=f"it has {', '.join(nodes)}"
            )
    if selection.only and (selection.from_ or selection.to):
        raise UsageError("only these nodes, or from some to others: not both", hint="leave out --only")
    if selection.only:
        selected = set(selection.only)
    else:
        selected = set(nodes)
        if selection.from_:
            selected &= _closure(selection.from_, _downstream(nodes))
        if selection.to:
            selected &= _closure(selection.to, lambda name: nodes[name].upstream())
    if not selected:
        raise UsageError("No node lies between these", where=selection.to_json(), hint="--from comes before --to")
    before = _closure(selected, lambda name: nodes[name].wired())
    return Part(frozenset(selected), frozenset(before - selected))


def _downstream(nodes: Mapping[str, NodeIR]) -> Callable[[str], Sequence[str]]:
    after: dict[str, list[str]] = {name: [] for name in nodes}
    for name, node in nodes.items():
        for up in node.upstream():
            after[up].append(name)
    return after.__getitem__


def _closure(start: Iterable[str], following: Callable[[str], Iterable[str]]) -> set[str]:
    found, waiting = set(start), list(start)
    while waiting:
        for name in following(waiting.pop()):
            if name not in found:
                found.add(name)
                waiting.append(name)
    return found
