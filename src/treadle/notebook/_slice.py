"""From names to the statements that made them: what of a notebook a module needs, and no more.

A notebook is one long program, in the order in which its cells were executed. The statements that a name needs are
found from the end backwards: one that binds a name that is needed is needed itself, and then what it reads is needed
before it. Functions look names up when they are called, so these are needed as they are at the end.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from treadle.notebook._statement import CellStatement


@dataclass(frozen=True, slots=True)
class Slice:
    """The statements that some names need."""

    statements: tuple[CellStatement, ...]
    """In the order in which they were executed."""
    names: frozenset[str]
    """All names that are needed at the end; those of other places among them."""

    @property
    def bound(self) -> frozenset[str]:
        """The needed names that the statements bind."""
        return self.names & frozenset().union(*(statement.binds for statement in self.statements))


def needed_for(roots: Collection[str], statements: Sequence[CellStatement], live: Collection[str]) -> Slice:
    """The statements that some names need.

    Args:
        roots: The names.
        statements: What was executed.
        live: Names of objects of the notebook itself: what only changes things by way of them is not needed.
    """
    called = _Calls(statements)
    late = frozenset(roots)
    while True:
        chosen, more = _backwards(statements, late, called, frozenset(live))
        if more <= late:
            return Slice(tuple(chosen), late)
        late |= more


def _backwards(
    statements: Sequence[CellStatement], late: frozenset[str], called: _Calls, live: frozenset[str]
) -> tuple[list[CellStatement], frozenset[str]]:
    needed, more = set(late), set[str]()
    chosen = []
    for statement in reversed(statements):
        binds = statement.binds & needed
        changes = not statement.reads & live and _changes(statement, called) & needed
        if not (binds or changes or statement.is_future):
            continue
        chosen.append(statement)
        if statement.certain:
            needed -= statement.binds
        needed |= statement.reads | called.refers(statement.reads)
        more |= statement.looked_up_later
    return chosen[::-1], frozenset(more)


def _changes(statement: CellStatement, called: _Calls) -> frozenset[str]:
    """What executing a statement changes in place; by itself, and by way of functions it may call."""
    if statement.is_import:
        return frozenset()
    return statement.changes | called.changes(statement.reads)


class _Calls:
    """What calling the notebook's own functions may look up and change."""

    def __init__(self, statements: Sequence[CellStatement]) -> None:
        self._refers: dict[str, frozenset[str]] = {}
        self._changes: dict[str, frozenset[str]] = {}
        for statement in statements:
            for name in statement.binds:
                self._refers[name] = self._refers.get(name, frozenset()) | statement.refers
                self._changes[name] = self._changes.get(name, frozenset()) | statement.changes_when_called

    def refers(self, names: Collection[str]) -> frozenset[str]:
        """All names that functions of these names lead to."""
        found, pending = set[str](), list(names)
        while pending:
            for name in self._refers.get(pending.pop(), ()):
                if name not in found:
                    found.add(name)
                    pending.append(name)
        return frozenset(found)

    def changes(self, names: Collection[str]) -> frozenset[str]:
        """The names whose objects functions of these names may change."""
        reached = {*names, *self.refers(names)}
        return frozenset().union(*(self._changes.get(name, frozenset()) for name in reached))
