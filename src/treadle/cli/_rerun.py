"""``treadle rerun``: does a past run come out the same."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout

import click

from treadle.cli._output import emit_json, json_option

_COLORS = {"reproduced": "green", "taken": "cyan", "changed": "yellow", "different": "red", "failed": "red"}


@click.command("rerun")
@click.argument("file", metavar="FILE.py[:NAME]")
@click.argument("run", default="last")
@click.option("--workers", type=click.IntRange(min=1), help="Nodes that may run at once; the number of cores.")
@json_option
def command(file: str, run: str, workers: int | None, *, as_json: bool) -> int:
    """Run every node of RUN (the pipeline's newest by default) again and compare what they make, by digest.

    Nodes with effects (cache=False) are not run again. Exit code 1 when something came out differently.
    """
    from treadle.cli._diff import show_node
    from treadle.cli._progress import show_progress
    from treadle.pipeline import load_pipeline
    from treadle.runner import rerun

    with redirect_stdout(sys.stderr if as_json else sys.stdout):  # the user's modules may print
        pipeline = load_pipeline(file)
        with show_progress() as listen:
            found = rerun(pipeline, run, on_event=listen, workers=workers)
    if as_json:
        emit_json(found.to_json())
        return 0 if found.reproduced else 1
    width = max(len(name) for name in found.nodes)
    for name, outcome in found.nodes.items():
        click.echo(f"{name:<{width}}  {click.style(outcome, fg=_COLORS[outcome])}")
        if outcome in ("changed", "different"):
            show_node(found.difference.nodes[name])
    return 0 if found.reproduced else 1
