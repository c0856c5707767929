"""check_source: what a source delivered, remembered from run to run; a source that fails may stop the run."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from treadle.artifact import Anomalies, Artifact, Examples, Output, canonical_json
from treadle.errors import DataRefusedError, UsageError
from treadle.pipeline import component

if TYPE_CHECKING:
    from treadle.metadata import ArtifactRecord, MetadataStore
    from treadle.monitoring import Delivered


class Deliveries(Artifact):
    """What a source has delivered, as far as anybody looked.

    Files: ``source.json``, format ``treadle.source/1``: of each span its beginning, rows, version, the digest of its
    content, and the time before which it cannot have come. Made by check_source, which goes on from the newest.
    """


@component(cache=False)
def check_source(
    examples: Examples | None = None,
    *,
    pattern: str,
    every: str | None = None,
    delay: str = "0d",
    stopped_after: int = 3,
    min_ratio: float = 0.5,
    history: int = 12,
    recent: int = 12,
    severity: dict[str, str] | None = None,
    stop: bool = True,
    name: str | None = None,
    now: str | None = None,
    delivered: Output[Deliveries],
    anomalies: Output[Anomalies],
) -> None:
    """Judge whether a source still delivers: late, missing, empty, shrunken and stale spans, a source that stopped.

    It runs every time, because time goes on. What an earlier run saw is known without its files: rows, content, and
    that a span was not there yet. A look that stopped the run is not remembered; neither is one that was collected.

    Args:
        examples: What was read of these files; their rows are not counted again.
        pattern: The files, as for ingest, with a date or ``{SPAN}``. Spans that are numbers are not judged as late.
        every: How often a span comes: ``30m``, ``6h``, ``1d``, ``2w``, ``1mo``; by default as the names say.
        delay: How long after its end a span may come.
        stopped_after: After how many spans that did not come the source counts as stopped.
        min_ratio: The least number of rows, as a share of the median of the spans before.
        history: How many spans before are usual.
        recent: How many of the newest spans are judged, and read again: an old gap is nobody's news.
        severity: Policy: reason (``SOURCE_LATE``, ``SOURCE_GAP``, ``SOURCE_EMPTY``, ``SOURCE_SHRANK``,
            ``SOURCE_STALE``, ``SOURCE_STOPPED``) -> ``error``, ``warning`` or ``ignore``; all are errors by default.
        stop: Whether an error fails the node, and with it the run.
        name: What the source is called, from run to run; by default its pattern.
        now: Judge as of this moment, ``2026-01-31T06:00``; by default the clock.
        delivered: Every span that is known.
        anomalies: What is wrong.

    Raises:
        DataRefusedError: There are anomalies of severity error.
        UsageError: A time, a limit or the pattern cannot be used.
    """
    from treadle.ingest import read_examples
    from treadle.monitoring import Duration, judged_at, look_at_source, source_limits
    from treadle.validation import check_source as judge

    try:
        at = datetime.now() if now is None else datetime.fromisoformat(now)
    except ValueError as error:
        raise UsageError(f"{now!r} is no moment.", hint="For example 2026-01-31T06:00.") from error
    limits = source_limits(
        pattern,
        every=None if every is None else Duration.parse(every),
        delay=Duration.parse(delay),
        stopped_after=stopped_after,
        min_ratio=min_ratio,
        history=history,
        recent=recent,
    )
    called = name or pattern
    sources = read_examples(examples.path).manifest.sources if examples is not None else ()
    known = look_at_source(
        pattern,
        now=at,
        before=_remembered(called),
        rows={source.digest: source.rows_read for source in sources},
        reread=recent,
    )
    report = judge(known.spans, limits, now=judged_at(pattern, known.spans, at), severity=severity)
    known.save(delivered.path / "source.json")
    (anomalies.path / "anomalies.json").write_bytes(canonical_json(report.to_json()))
    errors = len(report.errors)
    delivered.properties.update(source=called, spans=len(known.spans), last_span=known.spans[-1].name)
    anomalies.properties.update(errors=errors, warnings=len(report.anomalies) - errors)
    if errors and stop:
        raise DataRefusedError(
            f"The source {called} has {errors} faults:"
            + "".join(f"\n  {anomaly.message} [{anomaly.reason}]" for anomaly in report.errors),
            hint="Ask whoever delivers; or set severity for what is no fault here.",
        )


def _remembered(source: str) -> Delivered | None:
    """What the newest run that has ended knew of the source."""
    from treadle.components._resolvers import newest
    from treadle.config import home
    from treadle.errors import MissingArtifactError
    from treadle.monitoring import Delivered
    from treadle.storage import open_artifacts

    def look(metadata: MetadataStore, run: str) -> ArtifactRecord | None:
        for execution in metadata.executions(run):
            for record in execution.outputs.values():
                if record.type_name == Deliveries.type_name and record.properties.get("source") == source:
                    return record
        return None

    found = newest(None, look)
    if found is None:
        return None
    try:
        artifact = open_artifacts(home()).open(found["digest"], Deliveries)
    except MissingArtifactError:  # collected; those before it are older still
        return None
    return Delivered.load(artifact.path / "source.json")
