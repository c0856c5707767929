"""The rows of the past for one request at a time: what ``History`` kept, in a dictionary by key."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from treadle.transform._history import History, Timeline


class Recent:
    """Keeps the latest rows of each key in memory, for a service that asks for predictions.

    A request needs the lists that :meth:`before` gives; once a row has happened, :meth:`see` takes it in. Not safe to
    call from several threads at once. It holds ``rows`` rows for every key, and forgets no key.

    Args:
        history: What was kept of the rows of training; the state of it is copied.

    Examples:
        >>> recent = Recent(History.load(folder))  # doctest: +SKIP
        >>> servable.predict_rows([row | recent.before(row)])  # doctest: +SKIP
        >>> recent.see(row)  # doctest: +SKIP
    """

    def __init__(self, history: History) -> None:
        self._lines = [_Line(line) for line in history.timelines]
        for line in self._lines:
            kept = history.kept(line.of)
            for row in [] if kept is None else kept.to_pylist():
                line.see(row)

    def before(self, row: Mapping[str, Any]) -> dict[str, list[Any] | None]:
        """The lists that a request with this row needs: what was in the rows before it, the oldest first."""
        return {name: past for line in self._lines for name, past in line.before(row).items()}

    def see(self, row: Mapping[str, Any]) -> None:
        """Take a row in: rows later than it have it in their past."""
        for line in self._lines:
            line.see(row)


class _Line:
    """The latest rows of each key, in order of time."""

    def __init__(self, line: Timeline) -> None:
        self.of = line
        self._times: dict[tuple[Any, ...], list[Any]] = {}
        self._rows: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}

    def before(self, row: Mapping[str, Any]) -> dict[str, list[Any] | None]:
        key, time = self._place(row)
        if key is None:
            return {self.of.name_of(name): None for name in self.of.of}
        end = bisect_left(self._times.get(key, []), time)
        past = self._rows.get(key, [])[max(0, end - self.of.rows) : end]
        return {self.of.name_of(name): [each[name] for each in past] for name in self.of.of}

    def see(self, row: Mapping[str, Any]) -> None:
        key, time = self._place(row)
        if key is None:
            return
        times, rows = self._times.setdefault(key, []), self._rows.setdefault(key, [])
        at = bisect_right(times, time)
        times.insert(at, time)
        rows.insert(at, {name: row.get(name) for name in self.of.of})
        # A row at the last moment does not see the others there, so these do not count.
        excess = bisect_left(times, times[-1]) - self.of.rows
        if excess > 0:
            del times[:excess], rows[:excess]

    def _place(self, row: Mapping[str, Any]) -> tuple[tuple[Any, ...] | None, Any]:
        """The key of a row and its time; no key where either is missing."""
        key = tuple(row.get(name) for name in self.of.by)
        time = row.get(self.of.order)
        if isinstance(time, str):
            time = datetime.fromisoformat(time)
        if None in key or time is None or time != time:  # noqa: PLR0124 - NaN is no time
            return None, None
        return key, time
