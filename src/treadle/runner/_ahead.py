"""Processes of nodes that are prepared ahead: they import while others are at work, where the backend can do that."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from treadle.pipeline import NodeIR
from treadle.runner._decide import Decider
from treadle.runner.backends._contract import Launcher, Preparer

CORES = 2
"""With fewer, a process that prepares itself would only be in the way."""
_AT_MOST = 2
"""Processes: each has its libraries in memory."""


class Ahead:
    """The nodes of one run whose processes have been prepared, and wait.

    Args:
        launcher: Starts their processes.
        decider: Knows what they import.
        place: Where they will run, as in `Preparer.prepare`.
    """

    def __init__(self, launcher: Launcher, decider: Decider, place: Callable[[], Mapping[str, Any]]) -> None:
        self._preparer = launcher if isinstance(launcher, Preparer) else None
        self._decider = decider
        self._place = place
        self._looked_at: set[str] = set()
        self._prepared: set[str] = set()

    def prepare_next(self, waiting: Iterable[NodeIR], soon: Collection[str]) -> None:
        """Have the process of a node prepared that is likely to run soon.

        Args:
            waiting: The nodes that have not been decided upon, in order.
            soon: The names of those that have ended or are at work.
        """
        if self._preparer is None or len(self._prepared) >= _AT_MOST:
            return
        before = {*soon, *self._looked_at}
        for node in waiting:
            if node.name in self._looked_at or node.when is not None or node.each is not None:
                continue
            if before.issuperset(node.before()):
                self._looked_at.add(node.name)
                self._prepared.add(node.name)
                self._preparer.prepare(node.name, self._imports(node), self._place(), self._decider.sources())
                return

    def started(self, node: str) -> None:
        """A node starts: what was prepared for it is its own."""
        self._prepared.discard(node)

    def drop(self, node: str) -> None:
        """A node does not run."""
        if self._preparer is not None and node in self._prepared:
            self._prepared.remove(node)
            self._preparer.drop(node)

    def _imports(self, node: NodeIR) -> list[tuple[str, str]]:
        try:
            return self._decider.imports(node)
        except Exception:  # whatever it is: the decision upon the node meets it again, and tells
            return []
