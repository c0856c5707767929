"""What a task prints outlives it: kept by whoever finds that it was lost, from the file or from beside the artifacts.

A node prints into a file of the store's folder. Where all tasks share that folder the file is there when its task is
not. A store whose artifacts are under a URL may have a folder of its own in every task, which goes with the task's
machine; there what was printed so far is also put beside the artifacts, a second after it began and then ever less
often.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from treadle.artifact import Log
from treadle.errors import TreadleError
from treadle.metadata import ArtifactRecord, ExecutionRecord, MetadataStore
from treadle.runner._layout import Layout
from treadle.runner._logs import keep
from treadle.storage import ArtifactStore

_FIRST_SECONDS, _MOST_SECONDS = 1.0, 30.0


class Printed:
    """The logs of one run's nodes, as a task of the run sees them.

    Args:
        run: The run's id.
        layout: Where the files are.
        store: Where logs are kept.
        metadata: Knows which attempts are at work.
    """

    def __init__(self, run: str, layout: Layout, store: ArtifactStore, metadata: MetadataStore) -> None:
        self._run, self._layout, self._store, self._metadata = run, layout, store, metadata
        self._begins: dict[str, int] = {}
        """Where in its file what a node prints now begins, for the nodes that this task runs."""
        self._sent: dict[int, int] = {}
        """How much of what an attempt printed lies beside the artifacts."""

    def begin(self, node: str) -> None:
        """What a node prints from now on is another attempt's."""
        file = self._layout.log(self._run, node)
        self._begins[node] = file.stat().st_size if file.exists() else 0

    @contextmanager
    def outliving(self, nodes: Iterable[str]) -> Iterator[None]:
        """Inside the block what these nodes print is put where the loss of this machine does not take it."""
        for node in nodes:
            self.begin(node)
        if self._store.remote is None:
            yield
            return
        ended, end = os.pipe()
        sender = threading.Thread(target=self._send_on, args=(ended,), daemon=True)
        sender.start()
        try:
            yield
        finally:
            os.close(end)
            sender.join()
            os.close(ended)
        for execution in self._sent:  # they have ended, and their logs are artifacts
            self._drop(execution)

    def of_lost(self, lost: ExecutionRecord, before: Iterable[ExecutionRecord], staging: Path) -> ArtifactRecord | None:
        """What a lost attempt printed, as an artifact; None when that is nothing, or nowhere any more.

        Args:
            lost: The attempt.
            before: The attempts at the node before it; what they printed comes before it in the file.
            staging: A folder.
        """
        file, begin = self._layout.log(self._run, lost.node), self._begins.get(lost.node)
        if begin is None:
            begin = sum(self._size(one) for one in before)
        kept = keep(file, begin, staging / "kept", self._store)
        if (remote := self._store.remote) is None:
            return kept
        if kept is None and (data := remote.laid_aside(_name(lost.id))) is not None:
            (staging / "sent").write_bytes(data)
            kept = keep(staging / "sent", 0, staging / "kept", self._store)
        self._drop(lost.id)
        return kept

    def _size(self, attempt: ExecutionRecord) -> int:
        if attempt.log is None:
            return 0
        return (self._store.open(attempt.log.digest, Log).path / "log.txt").stat().st_size

    def _send_on(self, ended: int) -> None:
        seconds = _FIRST_SECONDS
        while not select.select([ended], [], [], seconds)[0]:
            seconds = min(2 * seconds, _MOST_SECONDS)
            # a database or a place out of reach: the next time may do
            with contextlib.suppress(TreadleError, OSError):
                self._send()

    def _send(self) -> None:
        assert self._store.remote is not None
        for execution in self._metadata.executions(self._run):
            file = self._layout.log(self._run, execution.node)
            if execution.state == "running" and execution.node in self._begins and file.exists():
                data = file.read_bytes()[self._begins[execution.node] :]
                if len(data) > self._sent.get(execution.id, 0):
                    self._store.remote.lay_aside(_name(execution.id), data)
                    self._sent[execution.id] = len(data)

    def _drop(self, execution: int) -> None:
        assert self._store.remote is not None
        with contextlib.suppress(TreadleError):  # then the collection finds it
            self._store.remote.drop_aside(_name(execution))


def _name(execution: int) -> str:
    return f"log-{execution}"
