"""Resolvers: what earlier runs made, and which data there is, as inputs of this run.

Each looks before its node is decided upon. What it finds counts in the fingerprint, so that a resolver that finds the
same runs nothing again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from treadle.artifact import Artifact, Model, Output, ServableArtifact, canonical_json, digest_bytes
from treadle.errors import UsageError
from treadle.pipeline import component

if TYPE_CHECKING:
    from treadle.metadata import ArtifactRecord, MetadataStore

_RUNS = 1000

Found = dict[str, Any]


def _find_latest(*, output: str, pipeline: str) -> Found | None:
    node, dot, slot = output.rpartition(".")
    if not dot:
        raise UsageError(f"{output!r} names no output of a node", hint='output="fit.model"')

    def look(metadata: MetadataStore, run: str) -> ArtifactRecord | None:
        made = {found.node: found.outputs for found in metadata.executions(run) if found.state in ("ran", "cached")}
        return made.get(node, {}).get(slot)

    return newest(pipeline, look)


def _find_blessed(*, pipeline: str | None = None, slot: str = "servable") -> Found | None:
    return newest(pipeline, lambda store, run: _subject(store, run, slot, "Verdict", {"state": "passed"}))


def _find_pushed(*, name: str, pipeline: str | None = None, slot: str = "servable") -> Found | None:
    facts = {"pushed": True, "name": name}
    return newest(pipeline, lambda store, run: _subject(store, run, slot, "Pushed", facts))


@component(resolve=_find_latest)
def latest(
    *,
    pipeline: str,  # noqa: ARG001 - its resolver reads it
    output: str,
    missing_ok: bool = False,
    artifact: Output[Artifact],
    resolved: Found | None,
) -> None:
    """The newest output of a node in a run that has ended: ``latest(..., of=Model)``.

    Args:
        pipeline: The pipeline's name.
        output: The node and its output, ``fit.model``.
        missing_ok: Without one, make an empty artifact in place of failing.
        artifact: The same bytes and properties; ``of=`` at the call says of which type.
        resolved: Which artifact that is.

    Raises:
        UsageError: There is none yet.
    """
    _bring(resolved, artifact, f"an output {output!r}", missing_ok=missing_ok)


@component(resolve=_find_blessed)
def latest_blessed(
    *,
    pipeline: str | None = None,  # noqa: ARG001
    slot: str = "servable",  # noqa: ARG001
    missing_ok: bool = False,
    servable: Output[ServableArtifact],
    resolved: Found | None,
) -> None:
    """The newest servable whose verdict is ``passed``.

    Args:
        pipeline: Only runs of this pipeline.
        slot: The input of the judging node that holds what was judged.
        missing_ok: Without one, make an empty artifact in place of failing.
        servable: The same bytes and properties.
        resolved: Which artifact that is.

    Raises:
        UsageError: There is none yet.
    """
    _bring(resolved, servable, "a servable that passed", missing_ok=missing_ok)


@component(resolve=_find_pushed)
def latest_pushed(
    *,
    name: str,
    pipeline: str | None = None,  # noqa: ARG001
    slot: str = "servable",  # noqa: ARG001
    missing_ok: bool = False,
    servable: Output[ServableArtifact],
    resolved: Found | None,
) -> None:
    """The servable that was pushed last under a model's name.

    Args:
        name: The model's name.
        pipeline: Only runs of this pipeline.
        slot: The input of the pushing node that holds what was pushed.
        missing_ok: Without one, make an empty artifact in place of failing.
        servable: The same bytes and properties.
        resolved: Which artifact that is.

    Raises:
        UsageError: There is none yet.
    """
    _bring(resolved, servable, f"a push of {name!r}", missing_ok=missing_ok)


def _list_spans(
    *,
    pattern: str,
    first: str | None = None,
    last: str | None = None,
    window: int | None = None,
    skip: int = 0,
    complete: bool = False,
) -> list[str]:
    from treadle.ingest import list_spans, select_spans

    chosen = select_spans(list_spans(pattern), first=first, last=last, window=window, skip=skip, complete=complete)
    return [found.span for found in chosen]


@component(resolve=_list_spans)
def spans(
    *,
    pattern: str,  # noqa: ARG001
    first: str | None = None,  # noqa: ARG001
    last: str | None = None,  # noqa: ARG001
    window: int | None = None,  # noqa: ARG001
    skip: int = 0,  # noqa: ARG001
    complete: bool = False,  # noqa: ARG001
    resolved: list[str],
) -> list[str]:
    """The data spans there are, oldest first: all, a range, or a rolling window of the newest.

    ``ingest(first=found.value[0], last=found.value[-1], ...)`` reads them; ``treadle.for_each(found)`` goes through
    them.

    Args:
        pattern: Files, as for ingest.
        first: The first span; the earliest when not given.
        last: The last span, included; the latest when not given.
        window: Of these, only so many of the newest.
        skip: Leave so many of the newest out before the window is taken.
        complete: Fail where a span is missing.
        resolved: What was found.
    """
    return resolved


@component(cache=False)
def trained_on(model: Model) -> list[str]:
    """The data spans that a model was made from, oldest first, as lineage knows them.

    Args:
        model: The model; made in this store.
    """
    from treadle.artifact import Examples
    from treadle.config import home
    from treadle.metadata import open_metadata
    from treadle.storage import open_artifacts

    store = open_artifacts(home())
    found: set[str] = set()
    with open_metadata(home()) as metadata:
        for related in metadata.lineage.ancestors(model.digest):
            if related.artifact.type_name == Examples.type_name:
                examples = store.open(related.artifact.digest, Examples)
                found |= set(json.loads((examples.path / "examples.json").read_bytes())["spans"])
    return sorted(found)


def newest(pipeline: str | None, look: Callable[[MetadataStore, str], ArtifactRecord | None]) -> Found | None:
    """What a look into the runs that have ended finds first, the newest run first."""
    from treadle.config import home
    from treadle.metadata import has_metadata, open_metadata

    if not has_metadata(home()):
        return None
    with open_metadata(home()) as metadata:
        for run in metadata.runs(pipeline=pipeline, limit=_RUNS):
            record = look(metadata, run.id) if run.state != "running" else None
            if record is not None:
                return {"digest": record.digest, "type": record.type_name, "properties": dict(record.properties)}
    return None


def _subject(
    metadata: MetadataStore, run: str, slot: str, type_name: str, facts: Mapping[str, Any]
) -> ArtifactRecord | None:
    """What an output of a type, with these properties, was made about: the maker's input of the name ``slot``."""
    for execution in reversed(metadata.executions(run)):
        for record in execution.outputs.values():
            if record.type_name != type_name or execution.fingerprint is None:
                continue
            if any(record.properties.get(name) != value for name, value in facts.items()):
                continue
            wanted = metadata.parts(execution.fingerprint).get(f"input {slot}")
            for related in metadata.lineage.ancestors(record.digest, run=run, max_depth=1):
                if wanted in (related.artifact.digest, _with_properties(related.artifact)):
                    return related.artifact
    return None


def _with_properties(record: ArtifactRecord) -> str:
    """As the runner writes an input with properties into a fingerprint."""
    return digest_bytes(canonical_json([record.digest, dict(record.properties)]))


def _bring(found: Found | None, output: Output[Any], what: str, *, missing_ok: bool) -> None:
    """Copy an artifact of the store into an output."""
    from treadle.config import home
    from treadle.storage import open_artifacts

    if found is None:
        if missing_ok:
            return
        raise UsageError(f"There is not yet {what}", hint="missing_ok=True makes an empty artifact then")
    source = open_artifacts(home()).open(found["digest"], Artifact)
    for path in sorted(source.path.rglob("*")):
        target = output.path / path.relative_to(source.path)
        if path.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    output.properties.update(found["properties"])
