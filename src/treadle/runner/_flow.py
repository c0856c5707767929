"""What only the run knows: conditions, the items of loops, and how it went so far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from treadle.artifact import Value
from treadle.errors import PipelineError
from treadle.metadata import ArtifactRecord
from treadle.pipeline import (
    Argument,
    Constant,
    NodeIR,
    OneOf,
    RunStatus,
    Wire,
    expand,
    fill,
    items_of,
    known_items,
    loops,
    picked,
)
from treadle.runner._results import NodeResult
from treadle.storage import ArtifactStore

Outputs = Mapping[str, Mapping[str, ArtifactRecord]]
_RANK = {"ran": 0, "cached": 0, "waiting": 1, "failed": 2, "skipped": 3}


class Flow:
    """Reads the values that steer a run.

    Args:
        store: Where they are.
        outputs: What the nodes made so far; it grows while the run goes.
    """

    def __init__(self, store: ArtifactStore, outputs: Outputs) -> None:
        self._store = store
        self._outputs = outputs
        self._broken: dict[str, PipelineError] = {}
        self.rounds: dict[str, int] = {}
        """How many rounds the loops have that were written out."""

    def read(self, wire: Wire) -> Any:
        """The value behind a wire: of a value, itself; of another artifact, its properties."""
        return read_value(self._store, self._outputs[wire.node][wire.output], wire.path)

    def unmet(self, node: NodeIR) -> str | None:
        """Why a node's condition keeps it from running; None when nothing does.

        Raises:
            PipelineError: When the condition compares what cannot be compared.
        """
        if node.when is None or node.when.decide(self.read):
            return None
        return f"the condition does not hold: {node.when.told(self.read)}"

    def check(self, node: NodeIR) -> None:
        """Refuse a node of a loop that goes through something that is no list.

        Raises:
            PipelineError: For such a node.
        """
        for each in node.loops():
            if each.name in self._broken:
                raise self._broken[each.name]

    def chosen(self, node: NodeIR, states: Mapping[str, str]) -> NodeIR | None:
        """The node with the branch that ran in place of what takes one of several; None while that is not known.

        Where none ran, the branch that says most about why: one that waits, one that failed, one that was skipped.

        Args:
            node: The node.
            states: How nodes have ended so far.
        """
        if any(name not in states for names in node.options() for name in names):
            return None

        def choose(leaf: Any) -> Any:
            return leaf if not isinstance(leaf, OneOf) else min(leaf.options, key=lambda wire: _RANK[states[wire.node]])

        return fill(node, choose) if node.options() else node

    def is_open(self, node: NodeIR) -> bool:
        """Whether a node stands for the rounds of a loop whose items are not known yet."""
        return any(each.name not in self._broken for each in node.loops()[:1])

    def written_out(self, nodes: Mapping[str, NodeIR], *, but: frozenset[str] = frozenset()) -> Mapping[str, NodeIR]:
        """The nodes with every loop written out whose items are known by now; the same object when there is none.

        Args:
            nodes: The nodes.
            but: Loops to leave as they are, in every round of those around them.
        """
        for each in loops(nodes).values():
            if each.name in self._broken or any(f"{each.name}.".startswith(f"{kept}.") for kept in but):
                continue
            try:
                items = self._items(each.source)
            except PipelineError as error:
                self._broken[each.name] = error
                continue
            if items is not None:
                self.rounds[each.name] = len(items)
                return self.written_out(expand(nodes, each.name, items), but=but)
        return nodes

    def _items(self, source: Argument) -> list[Argument] | None:
        if not isinstance(source, Wire):
            return known_items(source)
        return items_of(self.read(source)) if source.node in self._outputs else None


def template_of(name: str, nodes: Mapping[str, NodeIR]) -> str:
    """The node of a loop's body that a node was made from; itself, when it was there before."""
    while name not in nodes:
        name = name.rpartition(".")[0]
    return name


def read_value(store: ArtifactStore, record: ArtifactRecord, path: tuple[str | int, ...]) -> Any:
    """The JSON value in a value artifact, or the properties of another; or what lies at a path inside.

    Raises:
        PipelineError: When there is nothing at the path.
    """
    if record.type_name == Value.type_name:
        value = store.open(record.digest, Value).read()
        store.let_go(record.digest)  # a run may read very many
        return picked(value, path)
    return picked(dict(record.properties), path)


def with_status(node: NodeIR, run: str, pipeline: str, results: Mapping[str, NodeResult]) -> NodeIR:
    """A node that runs at the end, told how the run went.

    Raises:
        PipelineError: When it asks for a part of the status that is not there.
    """
    if not node.at_exit:
        return node
    status = run_status(run, pipeline, results)

    def told(leaf: Any) -> Any:
        return Constant(picked(status, leaf.path)) if isinstance(leaf, RunStatus) else leaf

    return fill(node, told)


def run_status(run: str, pipeline: str, results: Mapping[str, NodeResult]) -> dict[str, Any]:
    """How a run went so far, as plain data."""
    return {
        "run": run,
        "pipeline": pipeline,
        "state": "failed" if any(result.state == "failed" for result in results.values()) else "succeeded",
        "nodes": {name: _node_status(result) for name, result in results.items()},
    }


def _node_status(result: NodeResult) -> dict[str, Any]:
    status: dict[str, Any] = {"state": result.state, "reason": result.reason}
    if result.error is not None:
        error = result.error.to_json()
        status["error"] = {name: error[name] for name in ("code", "what", "hint")}
    return status
