"""What a run looks like in a notebook while it goes: one table, which is drawn over."""

from __future__ import annotations

import time
from collections.abc import Callable
from html import escape
from typing import Any

from treadle.notebook._markup import fold, pre, state, table
from treadle.runner import Event, NodeResult

_AT_MOST_EVERY_SECONDS = 0.2
_LINES = 200


class Progress:
    """Listens to a run and shows it.

    Args:
        show: Called with the HTML, and the same as text, each time there is something new.
    """

    def __init__(self, show: Callable[[str, str], object]) -> None:
        self._show = show
        self._shown = 0.0
        self._states: dict[str, tuple[str, str]] = {}
        self._results: dict[str, NodeResult] = {}
        self._printed: dict[str, list[str]] = {}
        self._started: dict[str, float] = {}

    def hear(self, event: Event) -> None:
        """Take an event in."""
        if event.kind == "run":
            self._states = dict.fromkeys(event.names, ("", ""))
        elif event.node is None:
            return
        elif event.kind == "started":
            self._started[event.node] = time.monotonic()
            self._put(event.node, "running", event.reason)
        elif event.kind == "retrying":
            self._put(event.node, "retrying", event.reason)
        elif event.kind == "printed":
            lines = self._printed.setdefault(event.node, [""])
            lines[-1:] = (lines[-1] + event.text).split("\n")
            del lines[:-_LINES]
        elif event.result is not None:
            self._results[event.node] = event.result
            self._put(event.node, event.result.state, _why(event.result))
        if time.monotonic() - self._shown >= _AT_MOST_EVERY_SECONDS:
            self.draw()

    def finish(self) -> None:
        """Show it for the last time: without the loops that had no rounds."""
        self._states = {name: (word, why) for name, (word, why) in self._states.items() if word}
        self.draw()

    def draw(self) -> None:
        """Show it as it is now."""
        self._shown = time.monotonic()
        self._show(self.html(), self.text())

    def html(self) -> str:
        """The table as it is now, and below it what nodes printed."""
        rows = [
            [name, state(word or "to come"), self._took(name, word), why] for name, (word, why) in self._states.items()
        ]
        logs = [
            fold(f"{escape(name)} printed", pre("\n".join(lines).rstrip()), is_open=self._is_open(name))
            for name, lines in self._printed.items()
            if any(lines)
        ]
        return f'<div class="treadle-run">{table(["node", "", "", ""], rows)}{"".join(logs)}</div>'

    def text(self) -> str:
        """The same for those who cannot show HTML."""
        return "\n".join(f"{name}: {word or 'to come'} {why}".rstrip() for name, (word, why) in self._states.items())

    def _put(self, name: str, word: str, why: str) -> None:
        """Note a node's state; rounds take the place of the loop's node that they were made from."""
        loop = name
        while loop and loop not in self._states:
            loop = loop.rpartition(".")[0]
        if loop and loop != name and not self._states[loop][0]:
            del self._states[loop]
        self._states[name] = (word, why)

    def _took(self, name: str, word: str) -> str:
        if word == "running":
            return f"{time.monotonic() - self._started[name]:.0f} s so far"
        found = self._results.get(name)
        return f"{found.seconds:.2f} s" if found is not None and found.seconds else ""

    def _is_open(self, name: str) -> bool:
        return self._states.get(name, ("", ""))[0] in ("running", "failed")


def notebook_display() -> Callable[[str, str], Any]:
    """A place in the output of the cell at work, which each call draws over; nowhere outside of notebooks."""
    try:
        from IPython import get_ipython
        from IPython.display import DisplayHandle
    except ImportError:
        return lambda html, plain: None  # noqa: ARG005
    if get_ipython() is None:
        return lambda html, plain: None  # noqa: ARG005
    handle_of: Callable[[], Any] = DisplayHandle
    handle: Any = None

    def show(html: str, plain: str) -> None:
        nonlocal handle
        shown = {"text/html": html, "text/plain": plain}
        if handle is None:
            handle = handle_of()
            handle.display(shown, raw=True)
        else:
            handle.update(shown, raw=True)

    return show


def _why(result: NodeResult) -> str:
    return result.reason if result.error is None else result.error.what.partition("\n")[0]
