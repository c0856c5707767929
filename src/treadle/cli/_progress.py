"""What a run looks like while it goes: a live table on a terminal, one line an event elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from treadle.cli._output import note

if TYPE_CHECKING:
    from rich.table import Table

    from treadle.runner import Event

_SHOWN_REASON = 100
_COLORS = {"ran": "green", "cached": "cyan", "failed": "red", "skipped": "yellow", "running": "blue"}


@contextmanager
def show_progress() -> Iterator[Callable[[Event], None]]:
    """A listener for `treadle.runner.run` that shows, on standard error, what happens."""
    if not sys.stderr.isatty():
        yield _print_event
        return
    from rich.console import Console
    from rich.live import Live

    view = _Table()
    console = Console(stderr=True)
    with Live(get_renderable=view.render, console=console, refresh_per_second=8) as live:

        def listen(event: Event) -> None:
            if event.kind == "printed":
                live.console.print(f"{event.node}| {event.text.rstrip()}", markup=False, highlight=False, style="dim")
            else:
                view.hear(event)

        yield listen


def _print_event(event: Event) -> None:
    if event.kind == "printed":
        for line in event.text.splitlines():
            note(f"{event.node}| {line}")
    elif event.kind == "started":
        note(f"{event.node}: running ({_short(event.reason)})")
    elif event.kind == "retrying":
        note(f"{event.node}: again ({_short(event.reason)})")
    elif event.kind == "finished" and event.result is not None:
        result = event.result
        why = _short(result.reason) if result.error is None else _short(result.error.what)
        took = f" in {result.seconds:.2f} s" if result.state in ("ran", "failed") and result.seconds else ""
        note(f"{result.name}: {result.state}{took}" + ("" if result.state == "ran" else f" ({why})"))


class _Table:
    """The nodes of a run and what became of them so far."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[str, str, str]] = {}
        self._started: dict[str, float] = {}

    def hear(self, event: Event) -> None:
        """Take an event in."""
        if event.kind == "run":
            self._rows = dict.fromkeys(event.names, ("", "", ""))
        elif event.kind == "started" and event.node:
            self._started[event.node] = time.monotonic()
            self._rows[event.node] = ("running", "", event.reason)
        elif event.kind == "retrying" and event.node:
            self._started.pop(event.node, None)
            self._rows[event.node] = ("waiting", "", event.reason)
        elif event.kind == "finished" and event.result is not None:
            result = event.result
            self._started.pop(result.name, None)
            took = f"{result.seconds:.2f} s" if result.seconds else ""
            why = result.reason if result.error is None else result.error.what
            self._rows[result.name] = (result.state, took, why)

    def render(self) -> Table:
        """The table as it is now."""
        from rich.markup import escape
        from rich.table import Table

        table = Table(box=None, show_header=False, padding=(0, 1), expand=False)
        for _ in range(2):
            table.add_column(no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
        table.add_column(overflow="ellipsis", no_wrap=True, style="dim")
        for name, (state, took, why) in self._rows.items():
            so_far = f"{time.monotonic() - self._started[name]:.1f} s" if name in self._started else took
            color = _COLORS.get(state, "dim")
            table.add_row(name, f"[{color}]{state or 'waiting'}[/]", so_far, escape(_short(why)))
        return table


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN_REASON else line[: _SHOWN_REASON - 1] + "…"
