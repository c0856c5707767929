"""The request log: every answered row, on disk, without a request ever waiting for the disk.

Answers are put on a bounded queue; one thread turns them into Arrow, appends them to an open segment and seals it
by rows, bytes or seconds. What does not fit the queue, or the disk, is dropped and counted: rows given = rows
written + rows dropped, always.

Durability: a killed server loses what was on the queue (about a tenth of a second). What was appended is recovered
at the next start; what was sealed is synced to disk and complete.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from treadle.artifact import (
    FINDINGS_COLUMN,
    PREDICTION_COLUMN,
    PREDICTION_ID_COLUMN,
    TIME_COLUMN,
    VERSION_COLUMN,
)
from treadle.errors import RequestLogError
from treadle.schema import Schema
from treadle.serving._segment import Segment, recover

if TYPE_CHECKING:
    import pyarrow as pa

_logger = logging.getLogger("treadle.serving")

_TICK = 0.1  # seconds between two looks at the queue: many answers become one batch
_MAX_SEGMENT_BYTES = 64 << 20  # sealing holds one segment in memory
_RETRY_SECONDS = 5.0  # after a disk that failed


class LogSchema:
    """The columns of the log for a servable's schema: its features, then the log's own columns."""

    def __init__(self, schema: Schema) -> None:
        import pyarrow as pa

        own = [
            (PREDICTION_ID_COLUMN, pa.string()),
            (PREDICTION_COLUMN, pa.float32()),
            (VERSION_COLUMN, pa.int64()),
            (TIME_COLUMN, pa.timestamp("us", tz="UTC")),
            (FINDINGS_COLUMN, pa.int32()),
        ]
        self.arrow: pa.Schema = pa.schema([*schema.arrow_schema(), *(pa.field(*column) for column in own)])
        self.key = self.arrow.to_string()
        """Equal for equal schemas: versions with the same columns share a segment."""


@dataclass(slots=True)
class LogEntry:
    """Answered rows of one model version."""

    model: str
    version: int
    schema: LogSchema
    columns: Sequence[Sequence[Any]]
    """The raw features, in the order of the schema."""
    ids: Sequence[str]
    predictions: Sequence[float]
    findings: Sequence[int]
    time: int
    """The server's clock: microseconds since 1970, UTC."""
    num_bytes: int
    """The size of the requests on the wire: what the queue is bounded by."""


@dataclass(slots=True)
class LogCounts:
    """Rows and segments since the server started. Written by the log's thread, read by anybody."""

    written: int = 0
    dropped_queue_full: int = 0
    dropped_write_failed: int = 0
    sealed_segments: int = 0
    sealed_rows: int = 0
    seals: int = 0
    """Times that sealing on demand was finished."""


class RequestLog:
    """Writes the request log of all models of one server.

    Args:
        folder: Holds one folder for each model; made if it is not there.
        seal_rows: A segment with this many rows is sealed.
        seal_seconds: A segment is sealed this long after its first row.
        queue_bytes: The queue's bound, by the size of the requests on the wire; as Python objects they are a few
            times larger.

    Raises:
        RequestLogError: The folder cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        *,
        seal_rows: int = 100_000,
        seal_seconds: float = 60.0,
        queue_bytes: int = 32 << 20,
    ) -> None:
        self.folder = folder
        self.counts = LogCounts()
        self._seal_rows = seal_rows
        self._seal_seconds = seal_seconds
        self._queue_bytes = queue_bytes
        self._queue: deque[LogEntry] = deque()
        # Two counters, each written by one thread: their difference is the queue's size without a lock.
        self._bytes_in = 0
        self._bytes_out = 0
        self._open: dict[tuple[str, str], _OpenSegment] = {}
        self._blocked_until = 0.0
        self._wake = threading.Event()
        self._seal_wanted = False
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="request-log", daemon=True)
        self._recover()

    @property
    def pending_bytes(self) -> int:
        """What the queue holds, by the size of the requests on the wire."""
        return self._bytes_in - self._bytes_out

    @property
    def open_rows(self) -> int:
        """Rows in segments that are not sealed yet."""
        return sum(opened.segment.num_rows for opened in tuple(self._open.values()))

    def start(self) -> None:
        """Start the thread that writes."""
        self._thread.start()

    def put(self, entry: LogEntry) -> None:
        """Give the log answered rows; never waits. Called by one thread (the event loop's)."""
        if self.pending_bytes + entry.num_bytes > self._queue_bytes:
            self.counts.dropped_queue_full += len(entry.ids)
            return
        self._bytes_in += entry.num_bytes
        self._queue.append(entry)

    def seal(self) -> None:
        """Have all that was put so far sealed soon; ``counts.seals`` tells when it is done."""
        self._seal_wanted = True
        self._wake.set()

    def close(self) -> None:
        """Write and seal all that was put, then stop."""
        self._stopping = True
        self._wake.set()
        self._thread.join()

    def _recover(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            probe = self.folder / ".writable"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise RequestLogError(
                f"The request log cannot be written: {error.strerror}.",
                where={"folder": self.folder},
                hint="Name another folder with --log, or serve without a log with --no-log.",
            ) from error
        for path in sorted(self.folder.glob("*/segment-*.open")):
            try:
                sealed = recover(path)
            except Exception as error:  # one bad file must not keep the server from starting
                _logger.error("request log: %s is left as it is: %s", path, error)
                continue
            if sealed is not None:
                _logger.warning("request log: recovered %s from a server that was killed", sealed)

    def _run(self) -> None:
        while not self._stopping:
            self._wake.wait(_TICK)
            self._wake.clear()
            self._turn()
        self._turn(last=True)

    def _turn(self, *, last: bool = False) -> None:
        wanted = self._seal_wanted or last
        self._seal_wanted = False
        self._drain()
        for key, opened in list(self._open.items()):
            if wanted or (opened.due <= time.monotonic()):
                self._seal_one(key, opened)
        if last:
            for opened in self._open.values():
                opened.segment.abandon()
        elif wanted:
            self.counts.seals += 1

    def _drain(self) -> None:
        groups: dict[tuple[str, str], list[LogEntry]] = {}
        while self._queue:
            entry = self._queue.popleft()
            self._bytes_out += entry.num_bytes
            groups.setdefault((entry.model, entry.schema.key), []).append(entry)
        for key, entries in groups.items():
            self._append(key, entries)

    def _append(self, key: tuple[str, str], entries: list[LogEntry]) -> None:
        num_rows = sum(len(entry.ids) for entry in entries)
        if time.monotonic() < self._blocked_until:
            self.counts.dropped_write_failed += num_rows
            return
        try:
            opened = self._open.get(key)
            if opened is None:
                segment = Segment.create(self.folder / key[0], entries[0].schema.arrow, entries[0].time)
                opened = self._open[key] = _OpenSegment(segment, time.monotonic() + self._seal_seconds)
            opened.segment.append(_batch(entries))
        except Exception as error:  # the log may fail, the server may not
            self.counts.dropped_write_failed += num_rows
            self._blocked_until = time.monotonic() + _RETRY_SECONDS
            _logger.error("request log: %d rows dropped: %s", num_rows, error)
            return
        self.counts.written += num_rows
        if opened.segment.num_rows >= self._seal_rows or opened.segment.num_bytes >= _MAX_SEGMENT_BYTES:
            opened.due = opened.due if opened.failed else 0.0

    def _seal_one(self, key: tuple[str, str], opened: _OpenSegment) -> None:
        num_rows = opened.segment.num_rows
        try:
            opened.segment.seal()
        except Exception as error:  # as above; the open segment stays and is tried again
            opened.failed = True
            opened.due = time.monotonic() + _RETRY_SECONDS
            _logger.error("request log: a segment of %d rows could not be sealed yet: %s", num_rows, error)
            return
        del self._open[key]
        self.counts.sealed_segments += 1
        self.counts.sealed_rows += num_rows


@dataclass(slots=True)
class _OpenSegment:
    segment: Segment
    due: float
    """When it is to be sealed, by the monotonic clock."""
    failed: bool = False
    """Sealing failed before: ``due`` is when to try again, however full the segment is."""


def _batch(entries: list[LogEntry]) -> pa.RecordBatch:
    """The entries, all of one schema, as one record batch."""
    import pyarrow as pa

    schema = entries[0].schema.arrow
    features = zip(*(entry.columns for entry in entries), strict=True)
    columns: list[list[Any]] = [[value for part in parts for value in part] for parts in features]
    columns += [
        [id_ for entry in entries for id_ in entry.ids],
        [prediction for entry in entries for prediction in entry.predictions],
        [entry.version for entry in entries for _ in entry.ids],
        [entry.time for entry in entries for _ in entry.ids],
        [count for entry in entries for count in entry.findings],
    ]
    arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
