"""A run that has ended as OpenLineage events (https://openlineage.io), for catalogues that read them.

The pipeline's run is a run of its own, and the parent of each node's. A dataset is named after the output that made it,
``pipeline.node.output``, and the artifact's digest is its version; what no node of the run made is named by its digest.
The same run gives the same events, ids included, so a catalogue that gets them twice knows it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from treadle import __version__
from treadle.config import masked, without_secrets
from treadle.errors import EventDeliveryError
from treadle.metadata._executions import LOG_SLOT
from treadle.metadata._store import MetadataStore

if TYPE_CHECKING:
    from treadle.metadata._archive_format import Contents, ExecutionEntry

_EVENT = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
_FACETS = "https://openlineage.io/spec/facets"
_PRODUCER = f"urn:treadle:{__version__}"
_IDS = uuid.UUID("6f1c9a52-5e0e-4a37-9a55-2a3f3f6f0d11")
_ENDS = {"succeeded": "COMPLETE", "failed": "FAIL", "ran": "COMPLETE", "cached": "COMPLETE"}


def openlineage_events(metadata: MetadataStore, run_id: str, *, namespace: str = "treadle") -> list[dict[str, Any]]:
    """The events of a run, in the order of their times.

    Args:
        metadata: The lineage.
        run_id: A run that has ended.
        namespace: Where jobs and datasets live, in the catalogue's words.

    Raises:
        UsageError: When there is no such run, or it has not ended.
    """
    contents = metadata.contents(run_id)
    return sorted(_events(contents, namespace), key=lambda event: str(event["eventTime"]))


def post_event(event: Mapping[str, Any], url: str, *, timeout_seconds: float = 10.0) -> None:
    """Send an event to a catalogue, for example ``http://marquez:5000/api/v1/lineage``.

    Raises:
        EventDeliveryError: When it does not get there, or is refused.
    """
    import http.client
    import urllib.error
    import urllib.request

    if not url.startswith(("http://", "https://")):
        raise EventDeliveryError("Events are sent over http or https", where={"url": masked(url)})
    data = json.dumps(event, ensure_ascii=False).encode("utf-8", "replace")
    headers = {"Content-Type": "application/json"}
    try:
        request = urllib.request.Request(url, data, headers, method="POST")  # noqa: S310 - the scheme is checked above
        with urllib.request.urlopen(request, timeout=timeout_seconds):  # noqa: S310
            pass
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as error:
        raise EventDeliveryError(
            f"An event could not be delivered: {without_secrets(str(error), url)}",
            where={"url": masked(url)},
            hint="send the run again: the catalogue knows events by their ids",
        ) from error


def _events(contents: Contents, namespace: str) -> Iterator[dict[str, Any]]:
    run = contents.run
    job = {"namespace": namespace, "name": run.pipeline, "facets": {}}
    parent = {"runId": str(uuid.uuid5(_IDS, run.id)), "facets": {}}
    yield _event("START", run.created_at, parent, job)
    names = _names(contents)
    for number, execution in enumerate(contents.executions):
        if execution.state == "skipped" or execution.finished_at is None:
            continue
        facets: dict[str, Any] = {
            "parent": _facet(
                "1-2-0/ParentRunFacet",
                run={"runId": parent["runId"]},
                job={"namespace": namespace, "name": run.pipeline},
            )
        }
        own_run = {"runId": str(uuid.uuid5(_IDS, f"{run.id}/{number}")), "facets": facets}
        own_job = {"namespace": namespace, "name": f"{run.pipeline}.{execution.node}", "facets": {}}
        inputs = _datasets(contents, names, execution.inputs, namespace)
        yield _event("START", execution.started_at, own_run, own_job, inputs=inputs)
        if execution.state == "failed":
            message = str((execution.error or {}).get("what", execution.reason))
            error = _facet("1-0-1/ErrorMessageRunFacet", message=message, programmingLanguage="PYTHON")
            own_run = {**own_run, "facets": {**facets, "errorMessage": error}}
        outputs = _datasets(contents, names, _made(execution), namespace)
        end = _ENDS.get(execution.state, "OTHER")
        yield _event(
            end, max(execution.started_at, execution.finished_at), own_run, own_job, inputs=inputs, outputs=outputs
        )
    yield _event(_ENDS.get(run.state, "ABORT"), max(run.created_at, run.finished_at), parent, job)


def _event(
    kind: str,
    at: int,
    run: Mapping[str, Any],
    job: Mapping[str, Any],
    *,
    inputs: list[dict[str, Any]] | None = None,
    outputs: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    return {
        "eventType": kind,
        "eventTime": datetime.fromtimestamp(at / 1_000_000, UTC).isoformat(timespec="microseconds"),
        "run": dict(run),
        "job": dict(job),
        "inputs": inputs or [],
        "outputs": outputs or [],
        "producer": _PRODUCER,
        "schemaURL": _EVENT,
    }


def _facet(kind: str, **fields: Any) -> dict[str, Any]:
    name = kind.rpartition("/")[2]
    return {"_producer": _PRODUCER, "_schemaURL": f"{_FACETS}/{kind}.json#/$defs/{name}", **fields}


def _names(contents: Contents) -> dict[int, str]:
    """What artifacts are called: after the first output of the run that is it."""
    names: dict[int, str] = {}
    for execution in contents.executions:
        for slot, _, number in _made(execution):
            names.setdefault(number, f"{contents.run.pipeline}.{execution.node}.{slot}")
    return names


def _made(execution: ExecutionEntry) -> list[tuple[str, int, int]]:
    """The outputs of a node; what it printed is no dataset."""
    return [edge for edge in execution.outputs if edge[0] != LOG_SLOT]


def _datasets(
    contents: Contents, names: Mapping[int, str], edges: list[tuple[str, int, int]], namespace: str
) -> list[dict[str, Any]]:
    found = {}
    for number in dict.fromkeys(number for _, _, number in edges):
        digest = contents.artifacts[number].digest
        version = _facet("1-0-1/DatasetVersionDatasetFacet", datasetVersion=digest)
        name = names.get(number, digest)
        found[name] = {"namespace": namespace, "name": name, "facets": {"version": version}}
    return list(found.values())
