"""``treadle plan``: what a run would do."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout

import click

from treadle.cli._output import emit_json, json_option

_COLORS = {
    "run": "green",
    "cached": "cyan",
    "taken": "cyan",
    "depends": "yellow",
    "skipped": "yellow",
    "missing": "red",
}


@click.command("plan")
@click.argument("file", metavar="FILE.py[:NAME]")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Set a run-time parameter (JSON or text).")
@click.option("--from", "from_", multiple=True, metavar="NODE", help="Only this node and everything after it.")
@click.option("--to", multiple=True, metavar="NODE", help="Only this node and everything before it.")
@click.option("--only", multiple=True, metavar="NODE", help="Only this node.")
@click.option("--base", metavar="RUN", help='Take what lies before from this run (an id, or "last"), whatever changed.')
@json_option
def command(
    file: str,
    settings: tuple[str, ...],
    from_: tuple[str, ...],
    to: tuple[str, ...],
    only: tuple[str, ...],
    base: str | None,
    *,
    as_json: bool,
) -> int:
    """Say what a run of the pipeline in FILE.py would do, and why; nothing runs.

    A node would run, is cached (its outputs would be used again), or depends: a node before it would run, and what that
    makes will tell. Before a part of the pipeline it is taken from the run that --base names, or it is missing: it has
    nothing up to date to give, so the run would fail; exit code 1 then.
    """
    from treadle.pipeline import load_pipeline, parse_settings
    from treadle.runner import Selection, plan

    with redirect_stdout(sys.stderr if as_json else sys.stdout):  # the user's modules may print
        pipeline = load_pipeline(file)
        planned = plan(
            pipeline,
            parse_settings(pipeline, settings),
            selection=Selection(from_, to, only) if from_ or to or only else None,
            base=base,
        )
    code = 1 if any(node.state == "missing" for node in planned.nodes.values()) else 0
    if as_json:
        emit_json(planned.to_json())
        return code
    width = max(len(name) for name in planned.nodes)
    for node in planned.nodes.values():
        click.echo(f"{node.name:<{width}}  {click.style(f'{node.state:<7}', fg=_COLORS[node.state])}  {node.reason}")
    return code
