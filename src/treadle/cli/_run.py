"""``treadle run``: run a pipeline."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

import click

from treadle.cli._output import emit_json, json_option, note

if TYPE_CHECKING:
    from treadle.runner import RunResult

# The codes of errors by which a check says no, as against something that broke.
_CHECKS = ("DATA_REFUSED", "SERVABLE_PARITY")


@click.command("run")
@click.argument("file", metavar="FILE.py[:NAME]")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Set a run-time parameter (JSON or text).")
@click.option("--workers", type=click.IntRange(min=1), help="Nodes that may run at once; the number of cores.")
@json_option
def command(file: str, settings: tuple[str, ...], workers: int | None, *, as_json: bool) -> int:
    """Run the pipeline in FILE.py; nodes for which nothing changed are reused.

    The store is .treadle in the working directory, or TREADLE_HOME. Exit code 1 when the run ended because a check said
    no (data refused, parity missed), 2 when a node failed.
    """
    from treadle.cli._progress import show_progress
    from treadle.pipeline import load_pipeline, parse_settings
    from treadle.runner import run

    with redirect_stdout(sys.stderr if as_json else sys.stdout):  # the user's modules may print
        pipeline = load_pipeline(file)
        parameters = parse_settings(pipeline, settings)
        with show_progress() as listen:
            result = run(pipeline, parameters, on_event=listen, workers=workers)
    _tell_failures(result)
    if as_json:
        emit_json(result.to_json())
    else:
        click.echo(_summary(result))
    return _exit_code(result)


def _tell_failures(result: RunResult) -> None:
    for node in result.nodes.values():
        if node.error is None:
            continue
        if node.error.traceback and node.error.code not in _CHECKS:
            note(node.error.traceback.rstrip())
        note(f"Error: {node.error}")
        if node.log is not None and node.log.is_file() and node.log.stat().st_size:
            note(f"What it printed: {node.log}")


def _summary(result: RunResult) -> str:
    states = [node.state for node in result.nodes.values()]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    color = "green" if result.state == "succeeded" else "red"
    state = click.style(result.state, fg=color) if sys.stdout.isatty() else result.state
    return f"Run {result.id} {state} in {result.seconds:.2f} s: {counts}."


def _exit_code(result: RunResult) -> int:
    if result.state == "succeeded":
        return 0
    codes = {node.error.code for node in result.nodes.values() if node.error is not None}
    return 1 if codes and codes <= set(_CHECKS) else 2
