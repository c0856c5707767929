"""What nodes printed: while they run from the file they print to, afterwards from the store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from treadle.artifact import Log
from treadle.errors import UsageError
from treadle.runner._earlier import LAST, find_run
from treadle.runner._layout import Layout
from treadle.runner._why import history


@dataclass(frozen=True, slots=True)
class NodeLog:
    """What one attempt at a node printed."""

    run: str
    """The run it was made in: an earlier one, when the node was reused."""
    state: str
    text: str


def logs(node: str, *, run: str = LAST, home: Path | None = None) -> list[NodeLog]:
    """What a node of a run printed, each attempt by itself.

    Args:
        node: Its name.
        run: The run's id, or ``last``.
        home: The store's folder; `treadle.config.home` when not given.

    Raises:
        UsageError: When there is no such run, or no such node in it.
    """
    layout = Layout(home)
    store = layout.open_artifacts()
    with history(home) as metadata:
        record = find_run(metadata, run)
        executions = metadata.executions(record.id)
        mine = [execution for execution in executions if execution.node == node]
        if not mine:
            names = ", ".join(dict.fromkeys(execution.node for execution in executions))
            raise UsageError(
                f"The run has no node {node!r}", where={"run": record.id}, hint=f"there are {names or 'none'}"
            )
        found, told = [], 0
        for execution in mine:
            made = execution if execution.reused is None else metadata.execution(execution.reused)
            data = b""
            if made.log is not None:
                data = (store.open(made.log.digest, Log).path / "log.txt").read_bytes()
            elif made.state == "running" and (file := layout.log(record.id, node)).is_file():
                data = file.read_bytes()[told:]  # the attempts before it are in the same file
            told += len(data)
            found.append(NodeLog(made.run_id, execution.state, data.decode("utf-8", errors="replace")))
    return found
