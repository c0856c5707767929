"""``treadle status``: runs and their nodes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from treadle.cli._output import emit_json, json_option, shown

if TYPE_CHECKING:
    from treadle.metadata import ExecutionRecord, RunRecord

_COLORS = {
    "succeeded": "green",
    "ran": "green",
    "cached": "cyan",
    "failed": "red",
    "skipped": "yellow",
    "waiting": "magenta",
}


@click.command("status")
@click.argument("run", required=False)
@click.option("--limit", default=10, show_default=True, type=click.IntRange(min=1), help="How many runs to list.")
@json_option
def command(run: str | None, limit: int, *, as_json: bool) -> int:
    """List the newest runs, or the nodes of one RUN (an id, or "last")."""
    from treadle.runner import find_run, history

    with history() as metadata:
        if run is None:
            runs = [(record, metadata.went_on_as(record.id)) for record in metadata.runs(limit=limit)]
            if as_json:
                emit_json({"runs": [_run(*found) for found in runs]})
            for found in runs if not as_json else ():
                click.echo(_line(*found))
            return 0
        record = find_run(metadata, run)
        nodes = metadata.executions(record.id)
        after = metadata.went_on_as(record.id)
        if as_json:
            emit_json({**_run(record, after), "nodes": {node.node: _node(node) for node in nodes}})
            return 0
        click.echo(_line(record, after))
        width = max([len(node.node) for node in nodes], default=0)
        for node in nodes:
            click.echo(f"  {node.node:<{width}}  {_state(node.state, 7)}  {_seconds(node):8.2f} s  {_told(node)}")
    return 0


def _line(record: RunRecord, after: str | None) -> str:
    line = f"{record.id}  {_state(record.state, 9)}  {_time(record.created_at)}  {record.pipeline}"
    return line if after is None else f"{line}  (went on as {after})"


def _run(record: RunRecord, after: str | None) -> dict[str, Any]:
    fields = {
        "run": record.id,
        "pipeline": record.pipeline,
        "state": record.state,
        "created_at": _time(record.created_at),
        "finished_at": None if record.finished_at is None else _time(record.finished_at),
    }
    return fields if after is None else {**fields, "went_on_as": after}


def _told(node: ExecutionRecord) -> str:
    if node.error is None:
        return shown(node.reason)
    what, *more = str(node.error["what"]).splitlines() or [""]
    return f"{shown(what)}{'…' if more else ''} [{node.error['code']}]"


def _node(node: ExecutionRecord) -> dict[str, Any]:
    outputs = {name: {"type": found.type_name, "digest": found.digest} for name, found in node.outputs.items()}
    fields = {"state": node.state, "reason": node.reason, "seconds": _seconds(node), "outputs": outputs}
    return fields if node.error is None else {**fields, "error": dict(node.error)}


def _seconds(node: ExecutionRecord) -> float:
    return 0.0 if node.finished_at is None else round((node.finished_at - node.started_at) / 1_000_000, 3)


def _state(state: str, width: int) -> str:
    return click.style(f"{state:<{width}}", fg=_COLORS.get(state))


def _time(microseconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(microseconds / 1_000_000))
