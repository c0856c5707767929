"""``treadle source``: what a source delivered, and whether it still does."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from treadle.cli._output import emit_json, json_option
from treadle.cli._table import print_table

if TYPE_CHECKING:
    from treadle.validation import SpanSeen

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
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
@click.option("--recent", type=click.IntRange(1), help="Judge only so many of the newest spans.")
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
    recent: int | None,
    history: int,
    now: datetime | None,
    *,
    by_file_time: bool,
    as_json: bool,
) -> int:
    """The spans of PATTERN (rides_{YYYY}-{MM}.parquet), their rows, and what is wrong with them.

    Late, missing, empty and shrunken spans, one delivered twice, a source that stopped. Spans that are numbers
    ({SPAN}) have no time: they are not judged as late. Exit code 1 if there is an error. The step check_source does the
    same in a pipeline, and remembers what was there.
    """
    from treadle.monitoring import look_at_source, span_length
    from treadle.validation import SourceLimits, check_source

    at = now or datetime.now()
    spans = look_at_source(pattern, now=at, by_file_time=by_file_time).spans
    named = span_length(pattern)
    limits = SourceLimits(
        every=(every or named) if named else timedelta(days=1),  # numbers follow each other as days do
        delay=delay,
        stopped_after=stopped_after,
        min_ratio=min_ratio,
        history=history,
        recent=recent,
    )
    report = check_source(spans, limits, now=at if named else spans[-1].start)
    if as_json:
        emit_json({**report.to_json(), "spans": [_told(span) for span in spans]})
        return 1 if report.has_errors else 0
    rows = [[span.name, f"{span.rows:,}", "" if span.version is None else str(span.version)] for span in spans]
    print_table(["span", "rows", "version"], rows)
    for anomaly in report.anomalies:
        severity = click.style(f"{anomaly.severity:<7}", fg=_COLORS.get(anomaly.severity))
        click.echo(f"{severity}  {anomaly.message} [{anomaly.reason}]")
    click.echo(f"{len(spans):,} spans, {report.num_rows:,} rows: {len(report.errors)} errors.")
    return 1 if report.has_errors else 0


def _told(span: SpanSeen) -> dict[str, Any]:
    arrived = {"arrived": span.arrived.isoformat()} if span.arrived else {}
    return {"span": span.name, "rows": span.rows, "version": span.version, "digest": span.digest, **arrived}
