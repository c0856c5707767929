"""``treadle why``: why a node ran or was reused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from treadle.cli._output import emit_json, json_option

if TYPE_CHECKING:
    from treadle.runner import Change


@click.command("why")
@click.argument("node")
@click.option("--run", help="The run's id; the newest that has the node by default.")
@json_option
def command(node: str, run: str | None, *, as_json: bool) -> int:
    """Say why NODE ran or was reused: what changed since it last succeeded, by name."""
    from treadle.runner import why

    found = why(node, run=run)
    if as_json:
        emit_json(found.to_json())
        return 0
    click.echo(f"{found.node} {_verb(found.state)} in run {found.run}: {found.reason}")
    if found.changes:
        click.echo(f"Of {found.parts} things it depends on, these differ from run {found.compared_with}:")
        for change in found.changes:
            click.echo(f"  {_line(change)}")
    elif found.compared_with is not None and found.parts:
        click.echo(f"All {found.parts} things it depends on are as in run {found.compared_with}.")
    return 0


def _verb(state: str) -> str:
    return {"cached": "was reused", "skipped": "was skipped", "running": "is running"}.get(state, state)


def _line(change: Change) -> str:
    if change.before is None:
        return f"{click.style('+', fg='green')} {change.part}"
    if change.after is None:
        return f"{click.style('-', fg='red')} {change.part}"
    detail = f": {change.before} -> {change.after}" if change.is_readable else ""
    return f"{click.style('~', fg='yellow')} {change.part}{detail}"
