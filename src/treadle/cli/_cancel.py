"""``treadle cancel``: stop a run of another process."""

from __future__ import annotations

import click

from treadle.cli._output import emit_json, json_option


@click.command("cancel")
@click.argument("run", default="last")
@json_option
def command(run: str, *, as_json: bool) -> int:
    """Ask RUN, or the newest that is at work, to stop. `treadle run FILE.py --resume` goes on with it."""
    from treadle.runner import cancel

    stopped = cancel(run)
    if as_json:
        emit_json({"run": stopped, "asked": True})
    else:
        click.echo(f"Asked run {stopped} to stop.")
    return 0
