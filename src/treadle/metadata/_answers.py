"""What lineage answers with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from treadle.metadata._records import ArtifactRecord


@dataclass(frozen=True, slots=True)
class Related:
    """An artifact that another was made from, or that was made from it."""

    artifact: ArtifactRecord
    depth: int
    """How many executions lie between; the fewest, where there are several ways."""
    run: str
    """A run in which the way leads there."""

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "digest": self.artifact.digest,
            "type": self.artifact.type_name,
            "properties": dict(self.artifact.properties),
            "depth": self.depth,
            "run": self.run,
        }


@dataclass(frozen=True, slots=True)
class Making:
    """An execution that made an artifact."""

    execution: int
    run: str
    pipeline: str
    node: str
    component: str
    state: str
    slot: str
    finished_at: int | None
    """Microseconds since 1970, UTC."""
    parts: Mapping[str, str]
    """What its fingerprint was made of: code, packages, parameters, inputs."""

    def to_json(self) -> dict[str, Any]:
        """JSON-able, with code and packages apart."""
        return {
            "run": self.run,
            "pipeline": self.pipeline,
            "node": self.node,
            "component": self.component,
            "state": self.state,
            "output": self.slot,
            "finished_at": self.finished_at,
            "packages": {name[8:]: value for name, value in self.parts.items() if name.startswith("package ")},
            "parts": {name: value for name, value in self.parts.items() if not name.startswith("package ")},
        }


@dataclass(frozen=True, slots=True)
class SpanRange:
    """The data spans of examples that an artifact was made from."""

    examples: str
    """The digest of the examples."""
    first: str
    last: str

    def to_json(self) -> dict[str, str]:
        """JSON-able."""
        return {"examples": self.examples, "first_span": self.first, "last_span": self.last}

    def holds(self, span: str) -> bool:
        """Whether a span lies between: as numbers where all are numbers, and as text otherwise, ``2018-03``."""
        spans = (self.first, span, self.last)
        if all(text.isascii() and text.isdigit() for text in spans):
            return int(self.first) <= int(span) <= int(self.last)
        return self.first <= span <= self.last


def spans_of(artifact: ArtifactRecord) -> SpanRange | None:
    """The spans that an artifact says it holds, in its properties ``first_span`` and ``last_span``."""
    first, last = artifact.properties.get("first_span"), artifact.properties.get("last_span")
    if not isinstance(first, str | int) or not isinstance(last, str | int):
        return None
    return SpanRange(artifact.digest, str(first), str(last))
