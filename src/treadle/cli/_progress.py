"""What a run looks like while it goes: a live table on a terminal, one line an event elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from treadle.cli._output import note
from treadle.cli._progress_table import ProgressTable, short, why

if TYPE_CHECKING:
    from treadle.runner import Event


@contextmanager
def show_progress() -> Iterator[Callable[[Event], None]]:
    """A listener for `treadle.runner.run` that shows, on standard error, what happens."""
    lines = _Lines()
    if not sys.stderr.isatty():
        yield lambda event: _print_event(event, lines)
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    view = ProgressTable()
    console = Console(stderr=True)
    with Live(get_renderable=lambda: view.render(console.height), console=console) as live:

        def listen(event: Event) -> None:
            view.hear(event)
            for line in lines.hear(event):
                prefix = Text(f"{event.node or '':>{view.width}} │ ", style="dim")
                live.console.print(prefix.append(Text.from_ansi(line)), soft_wrap=True)

        try:
            yield listen
        finally:
            view.finish()


class _Lines:
    """What nodes print, in whole lines."""

    def __init__(self) -> None:
        self._begun: dict[str, str] = {}

    def hear(self, event: Event) -> list[str]:
        """The lines that an event has completed."""
        node = event.node or ""
        if event.kind == "printed":
            *lines, self._begun[node] = (self._begun.get(node, "") + event.text).split("\n")
            return [line.rpartition("\r")[2] for line in lines]  # of a line that was drawn over, how it was at last
        if event.kind in ("finished", "retrying") and (rest := self._begun.pop(node, "")):
            return [rest.rpartition("\r")[2]]
        return []


def _print_event(event: Event, lines: _Lines) -> None:
    for line in lines.hear(event):
        note(f"{event.node}| {line}")
    if event.kind == "started":
        note(f"{event.node}: running ({short(event.reason)})")
    elif event.kind == "retrying":
        note(f"{event.node}: again ({short(event.reason)})")
    elif event.kind == "finished" and event.result is not None:
        result = event.result
        took = f" in {result.seconds:.2f} s" if result.state in ("ran", "failed") and result.seconds else ""
        note(f"{result.name}: {result.state}{took}" + ("" if result.state == "ran" else f" ({short(why(result))})"))
