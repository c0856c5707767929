"""What a run would do, and why, before anything runs."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from treadle import config
from treadle.errors import PipelineError, TreadleError
from treadle.metadata import ArtifactRecord
from treadle.pipeline import CodeReader, NodeIR, Pipeline
from treadle.runner._decide import Decider, Decision
from treadle.runner._earlier import Earlier, done_in, find_run
from treadle.runner._flow import Flow
from treadle.runner._layout import Layout
from treadle.runner._memory import CodeMemory
from treadle.runner._results import NodeState
from treadle.runner._select import Part, Selection, choose

Intent: TypeAlias = Literal["run", "cached", "taken", "depends", "skipped", "missing"]


@dataclass(frozen=True, slots=True)
class PlannedNode:
    """What a run would do about one node."""

    name: str
    state: Intent
    """``run``, ``cached`` (its outputs would be used again), ``skipped`` (a condition does not hold), ``depends`` (a
    node before it would run, and only what that makes will tell), ``taken`` (from the run that was named), or
    ``missing``: it is not selected and has nothing to give, so the run would fail."""
    reason: str

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return {"state": self.state, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do."""

    pipeline: str
    nodes: Mapping[str, PlannedNode]

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return {"pipeline": self.pipeline, "nodes": {name: node.to_json() for name, node in self.nodes.items()}}


def plan(
    pipeline: Pipeline,
    parameters: Mapping[str, Any] | None = None,
    *,
    home: Path | None = None,
    selection: Selection | None = None,
    base: str | None = None,
) -> Plan:
    """Decide about every node as `run` would, and run none. Steps that look at the world (``resolve=``) do look.

    Args:
        pipeline: The pipeline.
        parameters: Values of its run-time parameters.
        home: The store's folder; `treadle.config.home` when not given. Nothing is recorded in it.
        selection: The part of the pipeline that would run.
        base: A run (an id, or ``last``) whose results would be taken for the nodes before the selection.

    Raises:
        PipelineError: When the pipeline does not compile with these parameters, or a file it names is not there.
    """
    ir = pipeline.compile(parameters)
    layout = Layout(home)
    with config.using_home(layout.home):  # resolve steps look at the store too, and must see this one
        if layout.has_metadata():
            return Plan(ir.name, _plan(pipeline, ir.nodes, layout, selection, base))
        with tempfile.TemporaryDirectory() as nothing:
            return Plan(ir.name, _plan(pipeline, ir.nodes, Layout(Path(nothing)), selection, base))


def _plan(
    pipeline: Pipeline, nodes: Mapping[str, NodeIR], layout: Layout, selection: Selection | None, base: str | None
) -> dict[str, PlannedNode]:
    with layout.open_metadata() as metadata:
        earlier = Earlier()
        if base is not None:
            found = find_run(metadata, base, pipeline=pipeline.name)
            earlier = Earlier(base=done_in(metadata, found.id), base_run=found.id)
        code = CodeReader(pipeline, CodeMemory(layout.code))
        planner = _Planner(Decider(pipeline, metadata, layout.open_artifacts(), code, earlier=earlier), earlier)
        return planner.plan(nodes, choose(nodes, selection or Selection()))


class _Planner:
    """Goes through a pipeline as a run would."""

    def __init__(self, decider: Decider, earlier: Earlier) -> None:
        self._decider = decider
        self._is_based = earlier.base is not None
        self._planned: dict[str, PlannedNode] = {}
        self._outputs: dict[str, Mapping[str, ArtifactRecord]] = {}
        self._flow = Flow(decider.store, self._outputs)

    def plan(self, nodes: Mapping[str, NodeIR], part: Part) -> dict[str, PlannedNode]:
        """What would be done about each node of a part."""
        while True:
            written = self._flow.written_out(nodes)
            if written is not nodes:
                nodes, part = written, part.again(written)
            name = next((name for name in nodes if name in part and name not in self._planned), None)
            if name is None:
                return {name: self._planned[name] for name in nodes if name in self._planned}
            try:
                self._planned[name] = self._decide(nodes[name], is_given=name in part.given)
            except TreadleError as error:
                error.where = {"node": name, **error.where}
                raise

    def _decide(self, placed: NodeIR, *, is_given: bool) -> PlannedNode:
        if placed.at_exit:
            return PlannedNode(placed.name, "run", "at the end of the run, however it went")
        node = self._flow.chosen(placed, {name: _as_ended(found) for name, found in self._planned.items()})
        assert node is not None  # nodes come after those they wait for
        states = {up: self._planned[up].state for up in node.upstream() if up in self._planned}
        unmet = next((up for up, state in states.items() if state == "skipped"), None)
        if unmet is not None:
            return PlannedNode(node.name, "skipped", f"{unmet} would be skipped")
        if is_given and self._is_based and node.when is None and not self._flow.is_open(node):
            return self._take(node)
        unknown = [up for up, state in states.items() if state not in ("cached", "taken")]
        if is_given and unknown:
            return PlannedNode(node.name, "missing", f"it is not selected, and {unknown[0]} is not up to date")
        if any(up in unknown for up in node.wired()):
            if node.cache or node.when is not None or node.each is not None:
                return PlannedNode(node.name, "depends", f"on what {unknown[0]} makes")
            return PlannedNode(node.name, "run", "it runs every time")
        if self._flow.is_open(node):
            return PlannedNode(node.name, "depends", "on the items of its loop")
        self._flow.check(node)
        if (reason := self._flow.unmet(node)) is not None:
            return PlannedNode(node.name, "skipped", reason)
        return self._take(node) if is_given else self._found(node, self._decider.decide(node, self._outputs))

    def _take(self, node: NodeIR) -> PlannedNode:
        """What a node gives that is not selected."""
        try:
            return self._found(node, self._decider.take(node, self._outputs), "taken" if self._is_based else "cached")
        except PipelineError as error:
            return PlannedNode(node.name, "missing", error.what)

    def _found(self, node: NodeIR, decision: Decision, state: Intent = "cached") -> PlannedNode:
        if decision.hit is None:
            return PlannedNode(node.name, "run", decision.reason)
        self._outputs[node.name] = decision.hit.outputs
        return PlannedNode(node.name, state, decision.reason)


def _as_ended(found: PlannedNode) -> NodeState:
    """How a node will have ended, as far as a plan can tell."""
    return "skipped" if found.state == "skipped" else "ran"
