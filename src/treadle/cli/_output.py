"""What every command does alike: JSON on standard output, everything else on standard error."""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Any

import click

from treadle.errors import TreadleError, UserCodeError

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object, the last line.")


def emit_json(value: Any) -> None:
    """Print ``value`` as exactly one line on standard output; NaN and infinities become null."""
    sys.stdout.write(json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def shown(text: str) -> str:
    """A text from elsewhere, as a terminal may have it: what would move its cursor or color it is spelt out."""
    return "".join(
        letter if letter.isprintable() or letter in "\n\t" else letter.encode("unicode_escape").decode()
        for letter in text
    )


def open_standard_streams() -> None:
    """Let what was closed when the program began lead nowhere: otherwise the next file opened would be in its place."""
    while (file := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(file, True)
    os.close(file)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, as long as the program


def note(message: str) -> None:
    """Say something to the person at the terminal, on standard error."""
    click.echo(message, err=True)


def report_error(error: BaseException, *, as_json: bool) -> int:
    """Tell what went wrong and return the exit code 2."""
    if isinstance(error, UserCodeError) and error.__cause__ is not None:
        cause = error.__cause__
        click.echo("".join(traceback.format_exception(cause)).rstrip(), err=True)
    if not isinstance(error, TreadleError):
        # Not ours: a bug, or the operating system. The trace is for the report; the sentence for the reader.
        from treadle.config import shows_traces

        if shows_traces():
            traceback.print_exception(error)
        click.echo(f"Error: {type(error).__name__}: {error}", err=True)
        click.echo("Hint: TREADLE_TRACEBACK=1 shows where this happened.", err=True)
    else:
        click.echo(f"Error: {error}", err=True)
    if as_json:
        fields = (
            error.to_dict()
            if isinstance(error, TreadleError)
            else {"code": "INTERNAL", "what": f"{type(error).__name__}: {error}", "where": {}, "hint": None}
        )
        emit_json({"error": fields})
    return 2


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None  # noqa: PLR0124
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
