"""Earlier runs that a run goes on from: one to resume, one to take results from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from treadle.errors import UsageError
from treadle.metadata import ExecutionRecord, MetadataStore, RunRecord
from treadle.runner._select import Selection

LAST = "last"
_LOOKED_AT = 1000
ELSEWHERE = "kubeflow"
"""What a run says of itself that an orchestrator makes, task by task."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What earlier runs contribute to a run."""

    resumed: Mapping[str, ExecutionRecord] = field(default_factory=dict)
    """By node: what the run that is resumed has done. A node that runs every time does not run again for the same."""
    base: Mapping[str, ExecutionRecord] | None = None
    """By node: what the nodes that are not selected have made, whatever changed since."""
    base_run: str | None = None


def find_run(metadata: MetadataStore, run: str, *, pipeline: str | None = None) -> RunRecord:
    """A run by its id; ``last``: the newest, of a pipeline when one is named.

    Raises:
        UsageError: When there is none.
    """
    if run == LAST:
        newest = metadata.runs(pipeline=pipeline, limit=1)
        if not newest:
            raise UsageError("There is no run yet", where={"pipeline": pipeline}, hint="treadle run FILE.py")
        return newest[0]
    found = metadata.run(run)
    if found is None:
        raise UsageError("There is no such run", where={"run": run}, hint="treadle status lists runs")
    if pipeline is not None and found.pipeline != pipeline:
        raise UsageError(
            f"The run is of another pipeline: {found.pipeline}",
            where={"run": run, "pipeline": pipeline},
            hint="treadle status lists runs",
        )
    return found


def run_before(metadata: MetadataStore, record: RunRecord) -> RunRecord:
    """The run of the same pipeline before a run.

    Raises:
        UsageError: When it was the first.
    """
    limit, found = _LOOKED_AT, None
    while found is None:
        newest = metadata.runs(pipeline=record.pipeline, limit=limit)
        runs = iter(newest)
        found = next((older for run in runs if run.id == record.id for older in runs), None)
        if found is None and len(newest) < limit:
            raise UsageError(
                "There is no run of this pipeline before it",
                where={"run": record.id, "pipeline": record.pipeline},
                hint="treadle status lists runs",
            )
        limit *= 10
    return found


def done_in(metadata: MetadataStore, run: str) -> dict[str, ExecutionRecord]:
    """The executions of a run that ended well, by node."""
    return {found.node: found for found in metadata.executions(run) if found.state in ("ran", "cached")}


def parameters_of(record: RunRecord) -> dict[str, Any]:
    """The parameter values of a run."""
    return dict(record.ir["parameters"])


def selection_of(record: RunRecord) -> Selection:
    """The part of the pipeline that a run was asked for."""
    return Selection.from_json(record.ir.get("selection", {}))


def base_of(record: RunRecord) -> str | None:
    """The run that a run took results from."""
    base: str | None = record.ir.get("base")
    return base


def backend_of(record: RunRecord) -> str | None:
    """Where the nodes of a run ran, by name; None when that is not for a runner to say."""
    backend: str | None = record.ir.get("backend")
    return None if is_elsewhere(record) else backend


def is_elsewhere(record: RunRecord) -> bool:
    """Whether an orchestrator makes the run, task by task, so that no runner goes on with it."""
    return record.ir.get("backend") == ELSEWHERE
