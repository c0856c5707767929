"""What the lineage store hands out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

RunState: TypeAlias = Literal["running", "succeeded", "failed", "waiting"]
ExecutionState: TypeAlias = Literal["running", "ran", "cached", "failed", "skipped", "waiting"]


@dataclass(frozen=True, slots=True)
class ArtifactRecord:
    """An artifact as metadata knows it: what it is, not where its bytes live."""

    digest: str
    type_name: str
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One pass over a pipeline."""

    id: str
    pipeline: str
    state: RunState
    ir: Mapping[str, Any]
    """The compiled pipeline, parameters included."""
    created_at: int
    """Microseconds since 1970, UTC."""
    finished_at: int | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is known when a node is about to run: what it is made from, and why."""

    run_id: str
    node: str
    component: str
    reason: str
    fingerprint: str | None = None
    parts: Mapping[str, str] = field(default_factory=dict)
    """The named parts that the fingerprint was made of."""
    inputs: Mapping[str, Sequence[ArtifactRecord]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExecutionRecord:
    """One attempt at a node."""

    id: int
    run_id: str
    node: str
    component: str
    state: ExecutionState
    fingerprint: str | None
    reads: Mapping[str, str | None]
    """Files the function was seen to open under the project, and their digests; None was absent."""
    reused: int | None
    """The execution whose outputs these are, when the node was not run."""
    reason: str
    error: Mapping[str, Any] | None
    started_at: int
    finished_at: int | None
    outputs: Mapping[str, ArtifactRecord]
    log: ArtifactRecord | None = None
    """What it printed; None when that was nothing."""
