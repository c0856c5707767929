"""What nodes printed: while they run from the file they print to, afterwards from the store."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from treadle.artifact import Log
from treadle.errors import ArtifactError, UsageError
from treadle.metadata import ArtifactRecord, ExecutionRecord
from treadle.runner._earlier import LAST, find_run
from treadle.runner._layout import Layout
from treadle.runner._select import shown_names
from treadle.runner._why import history
from treadle.storage import ArtifactStore


@dataclass(frozen=True, slots=True)
class NodeLog:
    """What one attempt at a node printed."""

    run: str
    """The run it was made in: an earlier one, when the node was reused."""
    state: str
    text: str
    gone: bool = False
    """Whether it printed something that is not kept any more."""


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
            names = shown_names(dict.fromkeys(execution.node for execution in executions))
            raise UsageError(f"The run has no node {node!r}", where={"run": record.id}, hint=f"there are {names}")
        found = []
        for execution in mine:
            made = execution
            while made.reused is not None:
                made = metadata.execution(made.reused)
            attempts = [other for other in metadata.executions(made.run_id) if other.node == made.node]
            data = _printed(attempts, store, layout.log(made.run_id, made.node))[made.id]
            gone = not data and made.log is not None
            found.append(NodeLog(made.run_id, execution.state, data.decode("utf-8", errors="replace"), gone))
    return found


def keep(log: Path, offset: int, staged: Path, store: ArtifactStore) -> ArtifactRecord | None:
    """Publish what an attempt printed as an artifact; None when that is nothing.

    Args:
        log: The file that it printed to.
        offset: Where in it the attempt begins, after those before it.
        staged: A folder that is not there yet, in the store's staging.
        store: Where it goes.
    """
    if not log.exists() or log.stat().st_size <= offset:
        return None
    staged.mkdir(mode=0o700)
    with open(log, "rb") as printed, open(staged / "log.txt", "xb") as copy:
        printed.seek(offset)
        shutil.copyfileobj(printed, copy)
    return ArtifactRecord(store.publish(staged, Log).digest, Log.type_name)


def _printed(attempts: Sequence[ExecutionRecord], store: ArtifactStore, file: Path) -> dict[int, bytes]:
    """What the attempts at one node of a run printed, by execution.

    What the store has not of the last one is in the file: it runs still, its driver was killed, or it was collected.
    """
    found, told = {}, 0
    for attempt in attempts:
        data = _stored(attempt, store)
        if data is None:
            data = b""
            if attempt is attempts[-1] and file.is_file():
                data = file.read_bytes()[told:]  # the attempts before it are in the same file
        told += len(data)
        found[attempt.id] = data
    return found


def _stored(attempt: ExecutionRecord, store: ArtifactStore) -> bytes | None:
    if attempt.log is None:
        return None
    try:
        return (store.open(attempt.log.digest, Log).path / "log.txt").read_bytes()
    except ArtifactError:
        return None
