"""``treadle loop``: watch the traffic of a model and retrain by the policy its file declares."""

from __future__ import annotations

import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from treadle.cli._number import Number
from treadle.cli._output import emit_json, json_option, note
from treadle.errors import LoopError, UsageError

if TYPE_CHECKING:
    from treadle.loop import Loop, RetrainPolicy, Turn
    from treadle.pipeline import Pipeline


@click.command("loop")
@click.argument("file")
@click.option("--model", required=True, help="The model's name in the registry and on the server.")
@click.option("--serving", required=True, type=click.Path(path_type=Path), help="The folder the server reads.")
@click.option("--log", required=True, type=click.Path(path_type=Path), help="The server's request log.")
@click.option("--labels", required=True, type=click.Path(path_type=Path), help="The folder of labels.")
@click.option("--now", help="Event time to decide at, ISO 8601 without a zone; the clock's local time by default.")
@click.option("--watch", type=Number(min=1), help="Look again every so many seconds, until stopped.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A parameter of every run.")
@json_option
def command(
    file: str,
    model: str,
    serving: Path,
    log: Path,
    labels: Path,
    now: str | None,
    watch: float | None,
    settings: tuple[str, ...],
    as_json: bool,
) -> int:
    """Decide every window that has closed and was not decided yet.

    FILE.py holds the pipeline (FILE.py:NAME among several) and a RetrainPolicy. For each window of event time the loop
    compares the request log with the champion's baseline, joins the labels that have arrived, and asks the policy; if
    it says so, the pipeline runs on a rolling window, its gates judge, and what passes is promoted.

    Exit code 1 when a retraining was refused by a gate or did not finish.
    """
    from treadle.loop import Loop
    from treadle.pipeline import load_pipeline, parse_settings

    moment = _moment(now)
    pipeline = load_pipeline(file)
    loop = Loop(
        pipeline,
        _policy(pipeline, file),
        model=model,
        serving=serving,
        log=log,
        labels=labels,
        parameters={"serving": str(serving), **parse_settings(pipeline, settings)},
    )
    turns = _tick(loop, moment)
    while watch is not None:
        time.sleep(watch)
        turns += _tick(loop, None if now is None else moment)
    if as_json:
        emit_json({"model": model, "turns": [_fields(turn) for turn in turns]})
    elif not turns:
        note("No window has closed since the last turn.")
    return 1 if any(turn.action in ("refused", "failed") for turn in turns) else 0


def _tick(loop: Loop, moment: datetime | None) -> list[Turn]:
    turns = loop.tick(moment or datetime.now())
    for turn in turns:
        drifted = ", ".join(turn.drifted)
        note(
            f"{turn.window.name}  {turn.rows} rows  {turn.action}  v{turn.version}"
            + (f"  drifted: {drifted}" if drifted else "")
            + (f"  because {'; '.join(turn.reasons)}" if turn.reasons else "")
        )
    return turns


def _fields(turn: Turn) -> dict[str, Any]:
    return {
        "window": turn.window.name,
        "start": turn.window.start.isoformat(),
        "end": turn.window.end.isoformat(),
        "rows": turn.rows,
        "drifted": dict(turn.drifted),
        "quality": dict(turn.quality),
        "action": turn.action,
        "reasons": list(turn.reasons),
        "run": turn.run_id,
        "version": turn.version,
    }


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--now {text!r} is not a time", hint="Write 2019-03-01 or 2019-03-01T12:00:00.") from error
    if moment.tzinfo is not None:
        raise UsageError(f"--now {text!r} names a zone", hint="Event time is local and naive: leave the zone out.")
    return moment


def _policy(pipeline: Pipeline, file: str) -> RetrainPolicy:
    from treadle.loop import RetrainPolicy

    module = sys.modules[pipeline.function.__module__]
    found = {name: value for name, value in vars(module).items() if isinstance(value, RetrainPolicy)}
    if "policy" in found:
        return found["policy"]
    if len(found) == 1:
        return next(iter(found.values()))
    raise LoopError(
        f"{file} declares {len(found)} policies, and none is named policy",
        where={"file": file},
        hint="Write policy = treadle.RetrainPolicy(...) in the pipeline's file.",
    )
