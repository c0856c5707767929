"""Why a node of a past run ran or was reused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from treadle.errors import UsageError
from treadle.metadata import ExecutionRecord, MetadataStore
from treadle.runner._changes import Change, changes
from treadle.runner._earlier import find_run
from treadle.runner._layout import Layout
from treadle.runner._lock import recover
from treadle.runner._select import shown_names


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a node ran or was reused."""

    node: str
    pipeline: str
    run: str
    state: str
    reason: str
    compared_with: str | None
    """The run whose execution of this node was the latest success before; None when there was none."""
    changes: Sequence[Change]
    """The named parts of the fingerprint that differ from that execution's."""
    parts: int
    """How many parts the fingerprint has."""

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "node": self.node,
            "pipeline": self.pipeline,
            "run": self.run,
            "state": self.state,
            "reason": self.reason,
            "compared_with": self.compared_with,
            "changes": [change.to_json() for change in self.changes],
            "parts": self.parts,
        }


def history(home: Path | None = None) -> MetadataStore:
    """The lineage of a store that has some; close it after use.

    Raises:
        UsageError: When nothing has run there yet.
    """
    layout = Layout(home)
    if not layout.has_metadata():
        raise UsageError(
            "Nothing has run here yet", where={"store": layout.home}, hint="treadle run FILE.py; or set TREADLE_HOME"
        )
    metadata = layout.open_metadata()
    recover(layout.staging, metadata)
    return metadata


def why(node: str, *, run: str | None = None, home: Path | None = None) -> Explanation:
    """Explain what became of a node, by what changed since it last succeeded.

    Args:
        node: The node's name.
        run: The run; the newest that has the node when not given.
        home: The store's folder; `treadle.config.home` when not given.

    Raises:
        UsageError: When there is no such run, or no such node in it.
    """
    with history(home) as metadata:
        execution, pipeline = _find(metadata, node, run)
        parts = metadata.parts(execution.fingerprint) if execution.fingerprint else {}
        previous = metadata.latest_success(pipeline, node, before=execution.id)
        before = metadata.parts(previous.fingerprint) if previous and previous.fingerprint else None
        return Explanation(
            node=node,
            pipeline=pipeline,
            run=execution.run_id,
            state=execution.state,
            reason=execution.reason,
            compared_with=None if previous is None else previous.run_id,
            changes=changes(before, parts) if before is not None and parts else [],
            parts=len(parts),
        )


def _find(metadata: MetadataStore, node: str, run: str | None) -> tuple[ExecutionRecord, str]:
    runs = metadata.runs(limit=100) if run is None else [find_run(metadata, run)]
    names: dict[str, None] = {}
    for record in runs:
        for execution in metadata.executions(record.id):
            if execution.node == node:
                return execution, record.pipeline
            names.setdefault(execution.node)
    raise UsageError(
        f"No run has a node {node!r}" if run is None else f"The run has no node {node!r}",
        where={"run": run},
        hint=f"there are {shown_names(names)}",
    )
