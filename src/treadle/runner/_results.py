"""What a run hands back, and what it says while it goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from treadle.artifact import Artifact

NodeState: TypeAlias = Literal["ran", "cached", "failed", "skipped", "waiting"]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a node failed, as its process told it."""

    code: str
    """The code of the error (see `treadle.errors`); ``USER_CODE`` when a function of the user's raised."""
    what: str
    where: Mapping[str, Any]
    """Places and their values, the node first."""
    hint: str | None = None
    traceback: str | None = None
    """The traceback from the node's function on, as Python prints it."""

    def __str__(self) -> str:
        place = ", ".join(f"{name} {value}" for name, value in self.where.items())
        lines = [f"{self.what} [{self.code}]", f"  at {place}"]
        return "\n".join([*lines, f"Hint: {self.hint}"] if self.hint else lines)

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "code": self.code,
            "what": self.what,
            "where": dict(self.where),
            "hint": self.hint,
            "traceback": self.traceback,
        }


@dataclass(frozen=True, slots=True)
class NodeResult:
    """How one node of a run ended."""

    name: str
    state: NodeState
    reason: str
    """Why it ran, was reused or was skipped, in words."""
    outputs: Mapping[str, Artifact] = field(default_factory=dict)
    value: Any = None
    """The value the function returned, for a node with the output ``value``."""
    error: Failure | None = None
    seconds: float = 0.0
    log: Path | None = None
    """What the function printed."""
    attempts: int = 1
    """How many times it was tried in this run."""

    def to_json(self) -> dict[str, Any]:
        """JSON-able; what does not apply is left out."""
        fields: dict[str, Any] = {
            "state": self.state,
            "reason": self.reason,
            "seconds": round(self.seconds, 3),
        }
        if self.outputs:
            fields["outputs"] = {name: _told(output) for name, output in self.outputs.items()}
        if "value" in self.outputs:
            fields["value"] = self.value
        if self.error is not None:
            fields["error"] = self.error.to_json()
        if self.attempts > 1:
            fields["attempts"] = self.attempts
        if self.log is not None:
            fields["log"] = str(self.log)
        return fields


def _told(output: Artifact) -> dict[str, Any]:
    """An output in JSON; saying where it lies does not bring it here."""
    path = str(output.path) if output.is_here else None
    return {"type": output.type_name, "digest": output.digest, "path": path}


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended."""

    id: str
    state: Literal["succeeded", "failed", "waiting"]
    nodes: Mapping[str, NodeResult]
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """``{"run": id, "state": ..., "nodes": {name: {"state": ..., ...}}}``."""
        return {
            "run": self.id,
            "state": self.state,
            "seconds": round(self.seconds, 3),
            "nodes": {name: node.to_json() for name, node in self.nodes.items()},
        }


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened in a run."""

    kind: Literal["run", "started", "printed", "retrying", "finished"]
    """``run``: it began; ``started`` and ``finished``: a node did; ``printed``: a node wrote ``text``; ``retrying``: a
    node failed for a reason that may pass, and will be started again."""
    run: str
    node: str | None = None
    reason: str = ""
    text: str = ""
    result: NodeResult | None = None
    """Of a node that finished."""
    names: tuple[str, ...] = ()
    """The nodes of a run that began, in order."""
