"""What a task prints outlives it: kept by whoever finds that it was lost, from the file or from beside the artifacts.

A node prints into a file of the store's folder. Where all tasks share that folder the file is there when its task is
not. A store whose artifacts are under a URL may have a folder of its own in every task, which goes with the task's
machine; there what was printed so far is also put beside the artifacts, a second after it began and then ever less
often.
"""

from __future__ import annotations

import contextlib
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
_END_SECONDS = 5.0
"""How long a task that ends waits for a copy on its way: what it has to record counts more."""
_MOST_BYTES = 8 * 2**20
"""What a copy holds at most, the end of what was printed: it is read into memory, and sent whole each time."""


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
        """How much an attempt had printed when it was last copied."""

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
        ended = threading.Event()
        sender = threading.Thread(target=self._send_on, args=(ended,), daemon=True)
        sender.start()
        try:
            yield
        finally:
            ended.set()
            sender.join(_END_SECONDS)
        for execution in list(self._sent):
            with contextlib.suppress(TreadleError):  # then the collection finds it
                if self._metadata.execution(execution).log is not None:
                    self.drop(execution)

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
        remote = self._store.remote
        if kept is None and remote is not None and (data := remote.laid_aside(_name(lost.id))) is not None:
            (staging / "sent").write_bytes(data)
            kept = keep(staging / "sent", 0, staging / "kept", self._store)
        return kept

    def drop(self, execution: int) -> None:
        """Take away the copy of what an attempt printed: its log is recorded."""
        if (remote := self._store.remote) is not None:
            with contextlib.suppress(TreadleError):  # then the collection finds it
                remote.drop_aside(_name(execution))

    def _size(self, attempt: ExecutionRecord) -> int:
        if attempt.log is None:
            return 0
        return (self._store.open(attempt.log.digest, Log).path / "log.txt").stat().st_size

    def _send_on(self, ended: threading.Event) -> None:
        seconds = _FIRST_SECONDS
        while not ended.wait(seconds):
            seconds = min(2 * seconds, _MOST_SECONDS)
            # a database or a place out of reach: the next time may do
            with contextlib.suppress(TreadleError, OSError):
                self._send(ended)

    def _send(self, ended: threading.Event) -> None:
        assert self._store.remote is not None
        for execution, node in self._metadata.at_work(self._run).items():
            file = self._layout.log(self._run, node)
            begin = self._begins.get(node)
            if ended.is_set() or begin is None or not file.exists():
                continue
            length = file.stat().st_size - begin
            if length > self._sent.get(execution, 0):
                self._store.remote.lay_aside(_name(execution), _last(file, begin, length))
                self._sent[execution] = length


def _last(file: Path, begin: int, length: int) -> bytes:
    """A part of a file, or its last `_MOST_BYTES` and how much came before them."""
    before = max(0, length - _MOST_BYTES)
    with open(file, "rb") as printed:
        printed.seek(begin + before)
        data = printed.read(length - before)
    return b"[treadle] %d bytes before this were lost with the task\n%b" % (before, data) if before else data


def _name(execution: int) -> str:
    return f"log-{execution}"
