"""``treadle source``: what a source delivered, and whether it still does."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from treadle.cli._number import Number
from treadle.cli._output import emit_json, json_option
from treadle.cli._table import print_table
from treadle.errors import MonitoringError

if TYPE_CHECKING:
    from treadle.monitoring import Duration
    from treadle.validation import SpanSeen

_COLORS = {"error": "red", "warning": "yellow"}


# not generic in every click that we take
class _Duration(click.ParamType):  # type: ignore[type-arg]
    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Duration:
        from treadle.monitoring import Duration

        if isinstance(value, Duration):
            return value
        try:
            return Duration.parse(value)
        except MonitoringError as error:
            self.fail(f"{error.what}. {error.hint}", param, ctx)


@click.command(name="source")
@click.argument("pattern")
@click.option(
    "--every", type=_Duration(), help="How often a span comes (6h, 1d, 2w, 1mo); by default as the names say."
)
@click.option(
    "--delay", type=_Duration(), default="0d", help="How long after its end a span may come (30m, 3d).  [default: 0d]"
)
@click.option("--stopped-after", type=click.IntRange(1), default=3, show_default=True, help="Missed spans.")
@click.option("--min-ratio", type=Number(0), default=0.5, show_default=True, help="Of the usual rows.")
@click.option("--recent", type=click.IntRange(1), help="Judge only so many of the newest spans.")
@click.option("--history", type=click.IntRange(1), default=12, show_default=True, help="Spans before that are usual.")
@click.option("--now", type=click.DateTime(), help="Judge as of then; by default the clock.")
@click.option("--by-file-time", is_flag=True, help="Files say by their time when they came; copies do not.")
@json_option
def command(
    pattern: str,
    every: Duration | None,
    delay: Duration,
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
    from treadle.monitoring import judged_at, look_at_source, source_limits
    from treadle.validation import check_source

    at = now or datetime.now()
    limits = source_limits(
        pattern,
        every=every,
        delay=delay,
        stopped_after=stopped_after,
        min_ratio=min_ratio,
        history=history,
        recent=recent,
    )
    spans = look_at_source(pattern, now=at, by_file_time=by_file_time).spans
    report = check_source(spans, limits, now=judged_at(pattern, spans, at))
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
