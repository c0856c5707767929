"""``treadle plan``: what a run would do."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout

import click

from treadle.cli._output import emit_json, json_option

_COLORS = {"run": "green", "cached": "cyan", "depends": "yellow", "skipped": "yellow"}


@click.command("plan")
@click.argument("file", metavar="FILE.py[:NAME]")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Set a run-time parameter (JSON or text).")
@json_option
def command(file: str, settings: tuple[str, ...], *, as_json: bool) -> int:
    """Say what a run of the pipeline in FILE.py would do, and why; nothing runs.

    A node would run, is cached (its outputs would be used again), or depends: a node before it would run, and what that
    makes will tell.
    """
    from treadle.pipeline import load_pipeline, parse_settings
    from treadle.runner import plan

    with redirect_stdout(sys.stderr if as_json else sys.stdout):  # the user's modules may print
        pipeline = load_pipeline(file)
        planned = plan(pipeline, parse_settings(pipeline, settings))
    if as_json:
        emit_json(planned.to_json())
        return 0
    width = max(len(name) for name in planned.nodes)
    for node in planned.nodes.values():
        click.echo(f"{node.name:<{width}}  {click.style(f'{node.state:<7}', fg=_COLORS[node.state])}  {node.reason}")
    return 0
