"""Asking a run of another process to stop."""

from __future__ import annotations

from pathlib import Path

from treadle.errors import UsageError
from treadle.runner._earlier import LAST
from treadle.runner._layout import Layout
from treadle.runner._lock import ask_to_stop
from treadle.runner._why import history


def cancel(run: str = LAST, *, home: Path | None = None) -> str:
    """Ask a run at work to stop; it kills its nodes, records that, and can be resumed. Returns the run's id at once.

    Args:
        run: The run's id; ``last``: the newest at work.
        home: The store's folder; `treadle.config.home` when not given.

    Raises:
        UsageError: When it is not at work.
    """
    with history(home) as metadata:
        living = metadata.running()
    if run == LAST and not living:
        raise UsageError("No run is at work", hint="treadle status lists runs")
    chosen = living[-1] if run == LAST else run
    if chosen not in living or not ask_to_stop(chosen, Layout(home).staging):
        raise UsageError("The run is not at work", where={"run": chosen}, hint="treadle status lists runs")
    return chosen
