"""What differs between two runs: code, data, parameters, packages, results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from treadle.artifact import canonical_json
from treadle.metadata import ExecutionRecord, MetadataStore, RunRecord
from treadle.runner._changes import Change, changes
from treadle.runner._earlier import LAST, find_run, run_before
from treadle.runner._why import history

ChangeKind: TypeAlias = Literal["code", "data", "parameters", "packages"]
_KINDS: dict[str, ChangeKind] = {
    "parameter": "parameters",
    "shape": "parameters",
    "input": "data",
    "file": "data",
    "resolved": "data",
    "package": "packages",
    "python": "packages",
}


@dataclass(frozen=True, slots=True)
class NodeDifference:
    """One node in two runs."""

    node: str
    before: str | None
    """How it ended; None: it was not there."""
    after: str | None
    changes: Sequence[Change]
    """Parts of the fingerprint that differ."""
    results: Mapping[str, tuple[str | None, str | None]]
    """Outputs whose digests differ, by name."""

    @property
    def same(self) -> bool:
        """Whether it was made from the same, and made the same."""
        return not self.changes and not self.results and (self.before is None) == (self.after is None)

    def of_kind(self, kind: ChangeKind) -> list[Change]:
        """The changes of one kind."""
        return [change for change in self.changes if kind_of(change.part) == kind]

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "same": self.same,
            "before": self.before,
            "after": self.after,
            "changes": {
                kind: [change.to_json() for change in self.of_kind(kind)]
                for kind in ("code", "data", "parameters", "packages")
            },
            "results": {name: {"before": before, "after": after} for name, (before, after) in self.results.items()},
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """Two runs, compared."""

    before: str
    after: str
    parameters: Sequence[Change]
    """Of the pipeline."""
    nodes: Mapping[str, NodeDifference]

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not self.parameters and all(node.same for node in self.nodes.values())

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "before": self.before,
            "after": self.after,
            "same": self.same,
            "parameters": [change.to_json() for change in self.parameters],
            "nodes": {name: node.to_json() for name, node in self.nodes.items()},
        }


def kind_of(part: str) -> ChangeKind:
    """What a part of a fingerprint is about."""
    return _KINDS.get(part.split(" ", 1)[0].split("[", 1)[0], "code")


def diff(before: str | None = None, after: str = LAST, *, home: Path | None = None) -> Difference:
    """Compare two runs, each an id or ``last``.

    The first, when it is not given or is the second, is the one before the second.

    Raises:
        UsageError: When one of them is not there.
    """
    with history(home) as metadata:
        newer = find_run(metadata, after)
        older = newer if before is None else find_run(metadata, before)
        return compare(metadata, run_before(metadata, newer) if older.id == newer.id else older, newer)


def compare(metadata: MetadataStore, before: RunRecord, after: RunRecord) -> Difference:
    """Compare two runs of a store."""
    ours, theirs = _last_of_each(metadata, before.id), _last_of_each(metadata, after.id)
    return Difference(
        before.id,
        after.id,
        changes(_texts(before), _texts(after)),
        {name: _compare(metadata, name, ours.get(name), theirs.get(name)) for name in dict.fromkeys([*ours, *theirs])},
    )


def _compare(
    metadata: MetadataStore, name: str, before: ExecutionRecord | None, after: ExecutionRecord | None
) -> NodeDifference:
    found: list[Change] = []
    if before and after and before.fingerprint and after.fingerprint and before.fingerprint != after.fingerprint:
        found = changes(metadata.parts(before.fingerprint), metadata.parts(after.fingerprint))
    ours = {slot: artifact.digest for slot, artifact in before.outputs.items()} if before else {}
    theirs = {slot: artifact.digest for slot, artifact in after.outputs.items()} if after else {}
    results = {
        slot: (ours.get(slot), theirs.get(slot))
        for slot in sorted({*ours, *theirs})
        if ours.get(slot) != theirs.get(slot)
    }
    return NodeDifference(name, before.state if before else None, after.state if after else None, found, results)


def _last_of_each(metadata: MetadataStore, run: str) -> dict[str, ExecutionRecord]:
    """The last attempt at each node of a run."""
    return {execution.node: execution for execution in metadata.executions(run)}


def _texts(record: RunRecord) -> dict[str, str]:
    parameters = record.ir["parameters"].items()
    return {name: canonical_json(value).decode("utf-8", "surrogatepass") for name, value in parameters}
