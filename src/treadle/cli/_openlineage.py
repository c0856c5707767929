"""``treadle openlineage``: a run as OpenLineage events."""

from __future__ import annotations

import json
from pathlib import Path

import click

from treadle.cli._output import emit_json, json_option


@click.command("openlineage")
@click.argument("run")
@click.option("--to", metavar="FILE|URL", help="A file, one event a line, that is new; or http(s)://… of a catalogue.")
@click.option(
    "--namespace", default="treadle", show_default=True, help="Where jobs and datasets live in the catalogue."
)
@json_option
def command(run: str, to: str | None, namespace: str, *, as_json: bool) -> int:
    """Tell what RUN (an id, or "last") read and made as OpenLineage events: printed, into a file, or to a catalogue."""
    from treadle.config import masked
    from treadle.metadata import openlineage_events, post_event
    from treadle.runner import find_run, history

    with history() as metadata:
        events = openlineage_events(metadata, find_run(metadata, run).id, namespace=namespace)
    lines = [json.dumps(event, ensure_ascii=False) for event in events]
    if to is None:
        if as_json:
            emit_json({"events": events})
        else:
            click.echo("\n".join(lines))
        return 0
    if "://" in to:
        for event in events:
            post_event(event, to)
    else:
        with Path(to).open("x", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
    shown = masked(to)
    if as_json:
        emit_json({"sent": len(events), "to": shown})
    else:
        click.echo(f"{len(events)} events {'went to' if '://' in to else 'are in'} {shown}.")
    return 0
