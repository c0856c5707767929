"""``treadle source``: what a source delivered, and whether it still does."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from treadle.cli._output import emit_json, json_option
from treadle.cli._table import print_table
from treadle.errors import UsageError

if TYPE_CHECKING:
    from treadle.ingest import SpanFiles
    from treadle.validation import SpanSeen

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_FORMS = {7: ("%Y-%m", timedelta(days=31)), 10: ("%Y-%m-%d", timedelta(days=1))}
_COLORS = {"error": "red", "warning": "yellow"}


# not generic in every click that we take
class _Duration(click.ParamType):  # type: ignore[type-arg]
    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        found = re.fullmatch(r"(\d+)([mhdw])", value) if isinstance(value, str) else None
        if found is None:
            self.fail(f"{value!r} is not a duration such as 30m, 6h, 1d or 2w.", param, ctx)
        return int(found[1]) * _UNITS[found[2]]


@click.command(name="source")
@click.argument("pattern")
@click.option(
    "--every", type=_Duration(), help="How often a span comes; by default a day or a month, as the names say."
)
@click.option("--delay", type=_Duration(), default="0d", help="How long after its end a span may come.  [default: 0d]")
@click.option("--stopped-after", type=click.IntRange(1), default=3, show_default=True, help="Missed spans.")
@click.option("--min-ratio", type=click.FloatRange(0), default=0.5, show_default=True, help="Of the usual rows.")
@click.option("--history", type=click.IntRange(1), default=12, show_default=True, help="Spans before that are usual.")
@click.option("--now", type=click.DateTime(), help="Judge as of then; by default the clock.")
@click.option("--by-file-time", is_flag=True, help="Files say by their time when they came; copies do not.")
@json_option
def command(
    pattern: str,
    every: timedelta | None,
    delay: timedelta,
    stopped_after: int,
    min_ratio: float,
    history: int,
    now: datetime | None,
    *,
    by_file_time: bool,
    as_json: bool,
) -> int:
    """The spans of PATTERN (rides_{YYYY}-{MM}.parquet), their rows, and what is wrong with them.

    Late, missing, empty and shrunken spans, one delivered twice, a source that stopped. Spans that are numbers
    ({SPAN}) have no time: they are not judged as late. Exit code 1 if there is an error.
    """
    from treadle.ingest import list_spans
    from treadle.validation import SourceLimits, check_source

    found = list_spans(pattern)
    form = _FORMS.get(len(found[0].span)) if "-" in found[0].span else None
    if not found[0].span:
        raise UsageError(
            "The pattern names no spans.", where={"pattern": pattern}, hint="Put {YYYY}-{MM}, {DD} or {SPAN} into it."
        )
    spans = [_seen(each, form[0] if form else None, by_file_time=by_file_time) for each in found]
    each_span = every if every is not None and form else form[1] if form else timedelta(days=1)
    limits = SourceLimits(
        every=each_span, delay=delay, stopped_after=stopped_after, min_ratio=min_ratio, history=history
    )
    at = (now or datetime.now()) if form else spans[-1].start
    report = check_source(spans, limits, now=at)
    if as_json:
        told = [_told(each, span) for each, span in zip(found, spans, strict=True)]
        emit_json({**report.to_json(), "spans": told})
        return 1 if report.has_errors else 0
    rows = [[span.name, f"{span.rows:,}", _version(each)] for each, span in zip(found, spans, strict=True)]
    print_table(["span", "rows", "version"], rows)
    for anomaly in report.anomalies:
        severity = click.style(f"{anomaly.severity:<7}", fg=_COLORS.get(anomaly.severity))
        click.echo(f"{severity}  {anomaly.message} [{anomaly.reason}]")
    click.echo(f"{len(spans):,} spans, {report.num_rows:,} rows: {len(report.errors)} errors.")
    return 1 if report.has_errors else 0


def _seen(files: SpanFiles, form: str | None, *, by_file_time: bool) -> SpanSeen:
    from treadle.errors import EmptyFileError
    from treadle.ingest import digest_source, scan
    from treadle.validation import SpanSeen

    start = datetime.strptime(files.span, form) if form else datetime(1970, 1, 1) + timedelta(days=int(files.span))
    rows = 0
    for path in files.paths:
        try:
            rows += scan(path).num_rows
        except EmptyFileError:
            continue
    times = [path.stat().st_mtime for path in files.paths if isinstance(path, Path)] if by_file_time else []
    digest = ",".join(digest_source(path) for path in files.paths)
    arrived = datetime.fromtimestamp(max(times)) if times else None
    return SpanSeen(start, rows, arrived, digest, name=files.span)


def _told(files: SpanFiles, span: SpanSeen) -> dict[str, Any]:
    arrived = {"arrived": span.arrived.isoformat()} if span.arrived else {}
    return {"span": span.name, "rows": span.rows, "version": files.version, "digest": span.digest, **arrived}


def _version(files: SpanFiles) -> str:
    return "" if files.version is None else str(files.version)
