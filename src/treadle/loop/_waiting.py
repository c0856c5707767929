"""Runs that wait for a person: whether there is an answer, and going on with them when there is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from treadle import runner
from treadle.components import Approvals
from treadle.metadata import MetadataStore, RunRecord
from treadle.pipeline import Pipeline

_LOOKED_AT = 200


def go_on(
    pipeline: Pipeline, run: str, *, home: Path, on_event: Callable[[Any], None] | None
) -> runner.RunResult | None:
    """Go on with a run that waited; None while nobody has answered.

    ``treadle approve`` may have gone on with it already. What it did is then taken as it is: nothing is done twice.

    Args:
        pipeline: The pipeline.
        run: The run that ended waiting.
        home: The store.
        on_event: Called with the runner's events.
    """
    with runner.history(home) as metadata:
        newest = _newest(metadata, run)
    if newest is None or newest.state == "running" or (newest.state == "waiting" and _is_open(newest.id, home)):
        return None
    result = runner.run(pipeline, resume=newest.id, home=home, on_event=on_event)
    return None if result.state == "waiting" else result


def _newest(metadata: MetadataStore, run: str) -> RunRecord | None:
    """The newest run that is the same again: of the same pipeline, with the same parameters."""
    record = metadata.run(run)
    if record is None:
        return None
    runs = metadata.runs(pipeline=record.pipeline, limit=_LOOKED_AT)
    return next((found for found in runs if found.ir["parameters"] == record.ir["parameters"]), record)


def _is_open(run: str, home: Path) -> bool:
    """Whether a run waits for an answer that may still come."""
    with Approvals(home) as approvals:
        asked = [request for place, _, request in approvals.waiting() if place == run]
    now = datetime.now(UTC)
    return any(not request.has_expired(now) for request in asked)
