"""What a run would do, and why, before anything runs."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from treadle.metadata import ArtifactRecord, MetadataStore
from treadle.pipeline import CodeReader, NodeIR, Pipeline
from treadle.runner._decide import Decider
from treadle.runner._layout import Layout
from treadle.runner._memory import CodeMemory
from treadle.storage import ArtifactStore

Intent: TypeAlias = Literal["run", "cached", "depends"]


@dataclass(frozen=True, slots=True)
class PlannedNode:
    """What a run would do about one node."""

    name: str
    state: Intent
    """``run``, ``cached`` (its outputs would be used again), or ``depends``: a node before it would run, and only what
    that makes will tell."""
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
    if layout.metadata.exists():
        return Plan(ir.name, _plan(pipeline, ir.nodes, layout))
    with tempfile.TemporaryDirectory() as nothing:
        return Plan(ir.name, _plan(pipeline, ir.nodes, Layout(Path(nothing))))


def _plan(pipeline: Pipeline, nodes: Mapping[str, NodeIR], layout: Layout) -> dict[str, PlannedNode]:
    planned: dict[str, PlannedNode] = {}
    outputs: dict[str, Mapping[str, ArtifactRecord]] = {}
    with MetadataStore(layout.metadata) as metadata:
        decider = Decider(pipeline, metadata, ArtifactStore(layout.home), CodeReader(pipeline, CodeMemory(layout.code)))
        for name, node in nodes.items():
            unknown = [up for up in node.upstream() if planned[up].state != "cached"]
            if any(up in unknown for up in node.wired()):
                state: Intent = "depends" if node.cache else "run"
                reason = f"on what {unknown[0]} makes" if node.cache else "it runs every time"
                planned[name] = PlannedNode(name, state, reason)
                continue
            decision = decider.decide(node, outputs)
            if decision.hit is not None:
                outputs[name] = decision.hit.outputs
            planned[name] = PlannedNode(name, "run" if decision.hit is None else "cached", decision.reason)
    return planned
