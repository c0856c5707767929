"""The table of a run on a terminal: a row for each node, as wide as the terminal and never longer than it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from treadle.cli._output import shown

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from treadle.runner import Event, NodeResult

_SHOWN_REASON = 100
_WIDEST_NAME = 32
_STATES = {
    "ran": ("✓", "green"),
    "cached": ("=", "cyan"),
    "failed": ("✗", "bold red"),
    "skipped": ("-", "yellow"),
    "running": ("•", "bold blue"),
    "retrying": ("↻", "yellow"),
    "waiting": ("?", "magenta"),
    "stopped": ("■", "red"),
    "": (" ", "dim"),
}
_BUSY = ("running", "retrying", "stopped", "failed", "waiting")


@dataclass(slots=True)
class _Row:
    state: str = ""
    took: str = ""
    why: str = ""
    began: float | None = None
    """When it was started, while it runs."""


class ProgressTable:
    """The nodes of a run and what became of them so far."""

    def __init__(self) -> None:
        self._rows: dict[str, _Row] = {}
        self._began = time.monotonic()

    @property
    def width(self) -> int:
        """Of the names."""
        return min(max(map(len, self._rows), default=0), _WIDEST_NAME)

    def hear(self, event: Event) -> None:
        """Take an event in."""
        if event.kind == "run":
            self._rows = {name: _Row() for name in event.names}
        elif event.node is None or event.kind == "printed":
            return
        elif event.kind == "started":
            self._put(event.node, _Row("running", "", event.reason, time.monotonic()))
        elif event.kind == "retrying":
            self._put(event.node, _Row("retrying", "", event.reason))
        elif event.result is not None:
            result = event.result
            took = f"{result.seconds:.2f} s" if result.seconds else ""
            told = "" if result.state == "ran" and result.attempts == 1 else why(result)
            self._put(event.node, _Row(result.state, took, told))

    def finish(self) -> None:
        """The run is over: what was going on has stopped, and what never came is left out."""
        self._rows = {
            name: _Row("stopped", "", row.why) if row.state in ("running", "retrying") else row
            for name, row in self._rows.items()
            if row.state
        }

    def render(self, height: int) -> Table:
        """The table as it is now, for a terminal of this height."""
        from rich.table import Table

        table = Table(box=None, show_header=False, padding=(0, 1, 0, 0), expand=True)
        table.add_column(no_wrap=True, width=1)
        table.add_column(no_wrap=True, width=self.width, overflow="ellipsis")
        table.add_column(no_wrap=True, width=8)
        table.add_column(justify="right", no_wrap=True, width=8)
        table.add_column(no_wrap=True, ratio=1, overflow="ellipsis", style="dim")
        shown = self._most_telling(max(height - 4, 3))
        for name in shown:
            table.add_row(*self._cells(name))
        left_out = [row.state for name, row in self._rows.items() if name not in shown]
        if left_out:
            table.add_row("", "…", "", "", f"and {len(left_out)} more: {_counted(left_out)}")
        summary = _counted(row.state for row in self._rows.values())
        table.add_row("", "", "", f"{time.monotonic() - self._began:.1f} s", summary)
        return table

    def _cells(self, name: str) -> Iterable[str | Text]:
        from rich.text import Text

        row = self._rows[name]
        mark, style = _STATES[row.state]
        took = row.took if row.began is None else f"{time.monotonic() - row.began:.1f} s"
        name_style = "bold" if row.state in ("running", "failed") else ""
        return Text(mark, style), Text(name, name_style), Text(row.state, style), took, Text(short(row.why))

    def _most_telling(self, most: int) -> list[str]:
        """The names that fit: first what is busy or went wrong, then what comes next, then what is done."""
        if len(self._rows) <= most:
            return list(self._rows)
        rank = {name: (row.state not in _BUSY, row.state != "") for name, row in self._rows.items()}
        kept = set(sorted(self._rows, key=rank.__getitem__)[:most])
        return [name for name in self._rows if name in kept]

    def _put(self, name: str, row: _Row) -> None:
        """Put a row in its place: a round of a loop stands where its loop stood."""
        if name in self._rows:
            self._rows[name] = row
            return
        loop = name
        while loop and loop not in self._rows:
            loop = loop.rpartition(".")[0]
        rows: dict[str, _Row] = {}
        for other, there in self._rows.items():
            if other == loop and not there.state:
                rows[name] = row  # the first of its rounds
            else:
                rows[other] = there
        self._rows = rows if name in rows else self._beside(name, row)

    def _beside(self, name: str, row: _Row) -> dict[str, _Row]:
        """The rows with a new one after the last of the other rounds of its loop."""
        loop = name.rpartition(".")[0]
        names = list(self._rows)
        others = [place for place, other in enumerate(names) if other.rpartition(".")[0] == loop and loop]
        at = others[-1] + 1 if others else len(names)
        items = list(self._rows.items())
        return dict([*items[:at], (name, row), *items[at:]])


def _counted(states: Iterable[str]) -> str:
    counts = Counter(state or "to come" for state in states)
    order = ["running", "retrying", "ran", "cached", "failed", "stopped", "skipped", "waiting", "to come"]
    return ", ".join(f"{counts[state]} {state}" for state in order if counts[state])


def why(result: NodeResult) -> str:
    """Why a node ended as it did, in a line."""
    return result.reason if result.error is None else result.error.what


def short(text: str) -> str:
    """A text as one line that is not too long."""
    line = shown(" ".join(text.split()))
    return line if len(line) <= _SHOWN_REASON else line[: _SHOWN_REASON - 1] + "…"
