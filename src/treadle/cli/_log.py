"""``treadle log``: what a node of a run printed."""

from __future__ import annotations

import click

from treadle.cli._output import emit_json, json_option, note


@click.command("log")
@click.argument("node")
@click.option("--run", default="last", metavar="RUN", help='An id, or "last".')
@json_option
def command(node: str, run: str, *, as_json: bool) -> int:
    """Print what NODE printed in a run, one attempt after the other; for one that was reused, what it printed then."""
    from treadle.runner import logs

    found = logs(node, run=run)
    if as_json:
        told = [{"run": log.run, "state": log.state, "text": log.text, "gone": log.gone} for log in found]
        emit_json({"node": node, "attempts": told})
        return 0
    for number, log in enumerate(found, 1):
        if len(found) > 1:
            note(f"Attempt {number}: {log.state}")
        click.echo(log.text, nl=False)
        if log.gone:
            note(f"What it printed in run {log.run} is not kept any more.")
    if not any(log.text or log.gone for log in found):
        note(f"{node} printed nothing.")
    return 0
