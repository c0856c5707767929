"""Which nodes of a pipeline take part in a run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
    selection: Selection = field(default_factory=Selection)
    """What was asked for."""

    def __contains__(self, name: str) -> bool:
        return name in self.selected or name in self.given

    def again(self, nodes: Mapping[str, NodeIR]) -> Part:
        """The same, when a loop has been written out: a round may have been asked for.

        Raises:
            PipelineError: When there is no such round.
        """
        return choose(nodes, self.selection)


def choose(nodes: Mapping[str, NodeIR], selection: Selection) -> Part:
    """The nodes that a selection means. The name of a node in a loop means all of its rounds, ``fit.1`` one of them.

    Raises:
        UsageError: When ``only`` is combined with the others, or nothing is left.
        PipelineError: When it names a node that is not there.
    """
    from_, to, only = ([*_meant(names, nodes)] for names in (selection.from_, selection.to, selection.only))
    if selection.only and (selection.from_ or selection.to):
        raise UsageError("Only these nodes, or from some to others: not both", hint="leave out --only")
    if selection.only:
        selected = set(only)
    else:
        selected = set(nodes)
        if selection.from_:
            selected &= _closure(from_, _downstream(nodes))
        if selection.to:
            selected &= _closure(to, lambda name: _with_options(nodes[name], nodes[name].upstream()))
    if not selected:
        where = {name: ", ".join(names) or None for name, names in (("from", selection.from_), ("to", selection.to))}
        raise UsageError("No node lies between these", where=where, hint="--from comes before --to")
    before = _closure(selected, lambda name: _with_options(nodes[name], nodes[name].wired()))
    return Part(frozenset(selected), frozenset(before - selected), selection)


def _meant(names: Iterable[str], nodes: Mapping[str, NodeIR]) -> Iterator[str]:
    for name in names:
        rounds = [each for each in nodes if each.startswith(f"{name}.") and _is_round(each[len(name) :])]
        loop = next((each for each in nodes if name.startswith(f"{each}.") and _is_round(name[len(each) :])), None)
        if name in nodes:
            yield name
        elif rounds:
            yield from rounds
        elif loop is not None and nodes[loop].each is not None:
            yield loop  # its rounds are not known yet
        else:
            raise PipelineError(
                f"The pipeline has no node {name!r}", where={"node": name}, hint=f"it has {shown_names(nodes)}"
            )


def shown_names(names: Iterable[str]) -> str:
    """Names of nodes for a hint: of the rounds of a loop the first and the last."""
    loops: dict[str, list[str]] = {}
    for name in names:
        loops.setdefault(re.sub(r"(\.\d+)+$", "", name), []).append(name)
    shown = (f"{found[0]} to {found[-1]}" if len(found) > 2 else ", ".join(found) for found in loops.values())
    return ", ".join(shown) or "none"


def _is_round(suffix: str) -> bool:
    return all(part.isdecimal() for part in suffix.split(".")[1:])


def _with_options(node: NodeIR, names: list[str]) -> list[str]:
    return [*names, *(name for options in node.options() for name in options)]


def _downstream(nodes: Mapping[str, NodeIR]) -> Callable[[str], Sequence[str]]:
    after: dict[str, list[str]] = {name: [] for name in nodes}
    for name, node in nodes.items():
        for up in _with_options(node, node.upstream()):
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
