"""What a run would do, and why, before anything runs."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from treadle import config
from treadle.metadata import ArtifactRecord
from treadle.pipeline import CodeReader, NodeIR, Pipeline
from treadle.runner._decide import Decider
from treadle.runner._flow import Flow
from treadle.runner._layout import Layout
from treadle.runner._memory import CodeMemory
from treadle.storage import ArtifactStore

Intent: TypeAlias = Literal["run", "cached", "depends", "skipped"]


@dataclass(frozen=True, slots=True)
class PlannedNode:
    """What a run would do about one node."""

    name: str
    state: Intent
    """``run``, ``cached`` (its outputs would be used again), ``skipped`` (a condition does not hold), or ``depends``: a
    node before it would run, and only what that makes will tell."""
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


def plan(pipeline: Pipeline, parameters: Mapping[str, Any] | None = None, *, home: Path | None = None) -> Plan:
    """Decide about every node as `run` would, and run none. Steps that look at the world (``resolve=``) do look.

    Args:
        pipeline: The pipeline.
        parameters: Values of its run-time parameters.
        home: The store's folder; `treadle.config.home` when not given. Nothing is recorded in it.

    Raises:
        PipelineError: When the pipeline does not compile with these parameters, or a file it names is not there.
    """
    ir = pipeline.compile(parameters)
    layout = Layout(home)
    with config.using_home(layout.home):  # resolve steps look at the store too, and must see this one
        if layout.has_metadata():
            return Plan(ir.name, _plan(pipeline, ir.nodes, layout))
        with tempfile.TemporaryDirectory() as nothing:
            return Plan(ir.name, _plan(pipeline, ir.nodes, Layout(Path(nothing))))


def _plan(pipeline: Pipeline, nodes: Mapping[str, NodeIR], layout: Layout) -> dict[str, PlannedNode]:
    planned: dict[str, PlannedNode] = {}
    outputs: dict[str, Mapping[str, ArtifactRecord]] = {}
    with layout.open_metadata() as metadata:
        decider = Decider(pipeline, metadata, ArtifactStore(layout.home), CodeReader(pipeline, CodeMemory(layout.code)))
        flow = Flow(decider.store, outputs)
        nodes = flow.written_out(nodes)
        while (name := next((name for name in nodes if name not in planned), None)) is not None:
            planned[name] = _planned(nodes[name], planned, outputs, decider, flow)
            nodes = flow.written_out(nodes)
    return {name: planned[name] for name in nodes}


def _planned(
    node: NodeIR,
    planned: Mapping[str, PlannedNode],
    outputs: dict[str, Mapping[str, ArtifactRecord]],
    decider: Decider,
    flow: Flow,
) -> PlannedNode:
    if node.at_exit:
        return PlannedNode(node.name, "run", "at the end of the run, however it went")
    unmet = next((up for up in node.upstream() if planned[up].state == "skipped"), None)
    if unmet is not None:
        return PlannedNode(node.name, "skipped", f"{unmet} would be skipped")
    unknown = [up for up in node.upstream() if planned[up].state != "cached"]
    if any(up in unknown for up in node.wired()):
        if node.cache or node.when is not None or node.each is not None:
            return PlannedNode(node.name, "depends", f"on what {unknown[0]} makes")
        return PlannedNode(node.name, "run", "it runs every time")
    if flow.is_open(node):
        return PlannedNode(node.name, "depends", "on the items of its loop")
    flow.check(node)
    if (reason := flow.unmet(node)) is not None:
        return PlannedNode(node.name, "skipped", reason)
    decision = decider.decide(node, outputs)
    if decision.hit is not None:
        outputs[node.name] = decision.hit.outputs
    return PlannedNode(node.name, "run" if decision.hit is None else "cached", decision.reason)
