"""``treadle run``: run a pipeline."""

from __future__ import annotations

import gc
import math
import re
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING

import click

from treadle.cli._output import emit_json, json_option, note, shown
from treadle.errors import UsageError

if TYPE_CHECKING:
    from treadle.runner import RunResult

# The codes of errors by which a check says no, as against something that broke.
_CHECKS = ("DATA_REFUSED", "SERVABLE_PARITY", "APPROVAL_REJECTED", "APPROVAL_EXPIRED")


@click.command("run")
@click.argument("file", metavar="FILE.py[:NAME]")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Set a run-time parameter (JSON or text).")
@click.option("--workers", type=click.IntRange(min=1), help="Nodes that may run at once; the number of cores.")
@click.option(
    "--limit", "limits", multiple=True, metavar="NAME=N", help="How much of a resource nodes may take at once."
)
@click.option("--from", "from_", multiple=True, metavar="NODE", help="Run only this node and everything after it.")
@click.option("--to", multiple=True, metavar="NODE", help="Run only this node and everything before it.")
@click.option("--only", multiple=True, metavar="NODE", help="Run only this node.")
@click.option("--base", metavar="RUN", help='Take what lies before from this run (an id, or "last"), whatever changed.')
@click.option(
    "--resume",
    is_flag=False,
    flag_value="last",
    metavar="[RUN]",
    help="Go on with a run (the last by default), with its parameters.",
)
@click.option("--backend", metavar="NAME", help="Where the nodes run: local, or ray.")
@json_option
def command(
    file: str,
    settings: tuple[str, ...],
    workers: int | None,
    limits: tuple[str, ...],
    from_: tuple[str, ...],
    to: tuple[str, ...],
    only: tuple[str, ...],
    base: str | None,
    resume: str | None,
    backend: str | None,
    *,
    as_json: bool,
) -> int:
    """Run the pipeline in FILE.py; nodes for which nothing changed are reused.

    The store is .treadle in the working directory, or TREADLE_HOME. Exit code 1 when the run ended because a check said
    no (data refused, parity missed, not approved), 2 when a node failed. A run that was stopped, by Ctrl-C or in any
    other way, is resumed by `treadle run FILE.py --resume`, or just by running again.
    """
    from treadle.cli._progress import show_progress
    from treadle.pipeline import load_pipeline, parse_settings
    from treadle.runner import Selection, run

    with redirect_stdout(sys.stderr if as_json else sys.stdout):  # the user's modules may print
        pipeline = load_pipeline(file)
        parameters = parse_settings(pipeline, settings)
        with _stopping_when_terminated(file), show_progress() as listen:
            gc.freeze()  # what the command has imported stays: nothing in it is garbage to look for
            result = run(
                pipeline,
                parameters,
                on_event=listen,
                workers=workers,
                limits=_amounts(limits),
                selection=Selection(from_, to, only) if from_ or to or only else None,
                base=base,
                resume=resume,
                backend=backend,
            )
    if as_json:
        emit_json(result.to_json())
    return _tell(result, as_json=as_json)


def _amounts(limits: Sequence[str]) -> dict[str, float]:
    amounts = {}
    for limit in limits:
        name, _, amount = limit.partition("=")
        try:
            amounts[name] = float(amount)
        except ValueError:
            amounts[name] = math.nan
        if not name or not amounts[name] >= 0:
            raise UsageError("A limit is NAME=NUMBER, from 0 on", where={"limit": limit}, hint="--limit gpu=2")
    return amounts


@contextmanager
def _stopping_when_terminated(file: str) -> Iterator[None]:
    """Inside the block a request to terminate is taken for Ctrl-C, so that what was going on is recorded."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        note(f"What has succeeded is kept: treadle run {file} --resume")
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


def go_on(file: str, run: str, *, as_json: bool) -> tuple[RunResult, int]:
    """Go on with a run that stopped or waits, and tell it as ``treadle run`` does; the exit code comes beside."""
    from treadle.cli._progress import show_progress
    from treadle.pipeline import load_pipeline
    from treadle.runner import run as run_pipeline

    with redirect_stdout(sys.stderr if as_json else sys.stdout), show_progress() as listen:
        result = run_pipeline(load_pipeline(file), on_event=listen, resume=run)
    return result, _tell(result, as_json=as_json)


def _tell(result: RunResult, *, as_json: bool) -> int:
    """Tell how a run ended, in words; its exit code."""
    _tell_failures(result)
    if not as_json:
        click.echo(_summary(result))
    if result.state == "waiting":
        _tell_questions(result)
    return _exit_code(result)


def _tell_questions(result: RunResult) -> None:
    """What somebody is asked, and how to answer."""
    from treadle.components import Approvals
    from treadle.config import home

    with Approvals(home()) as approvals:
        asked = [(node, request) for run, node, request in approvals.waiting() if run == result.id]
    for node, request in asked:
        until = "" if request.expires_at is None else f", until {request.expires_at:%Y-%m-%d %H:%M} UTC"
        note(f"{node} asks for approval of {request.digest}{until}: {request.verdict}")
        note(f"  treadle approve {result.id} {node} --reason TEXT    (or: treadle reject)")


def _tell_failures(result: RunResult) -> None:
    for node in result.nodes.values():
        if node.error is None:
            continue
        if node.error.traceback and node.error.code not in _CHECKS and _says_more(node.error.traceback):
            note(shown(node.error.traceback.rstrip()))
        note(shown(f"Error: {node.error}"))
        if node.log is not None and node.log.is_file() and node.log.stat().st_size:
            note(f"What it printed: {node.log}")


def _says_more(traceback: str) -> bool:
    """Whether a traceback tells more than its error: that of Treadle's own does where it passes the user's code."""
    from treadle.config import shows_traces
    from treadle.pipeline import is_users

    if shows_traces() or not re.search(r"^treadle\.errors\.\w+: ", traceback, re.MULTILINE):
        return True
    files = re.findall(r'^  File "(.+)", line \d+', traceback, re.MULTILINE)
    return any(map(is_users, files))


def _summary(result: RunResult) -> str:
    states = [node.state for node in result.nodes.values()]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    color = "green" if result.state == "succeeded" else "red"
    state = click.style(result.state, fg=color) if sys.stdout.isatty() else result.state
    return f"Run {result.id} {state} in {result.seconds:.2f} s: {counts}."


def _exit_code(result: RunResult) -> int:
    if result.state != "failed":
        return 0
    codes = {node.error.code for node in result.nodes.values() if node.error is not None}
    return 1 if codes and codes <= set(_CHECKS) else 2
