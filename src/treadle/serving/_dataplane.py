"""Everything the server does, in no protocol's words: find a version, answer rows, log them, say what is served.

A protocol skin (``http/``) decodes bytes, calls this and encodes what comes back. It belongs to one event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from treadle.errors import ModelNotFoundError, RequestShapeError, RequestTooLargeError
from treadle.serving._batching import Batcher, Pending
from treadle.serving._limits import Limits
from treadle.serving._metrics import Metrics
from treadle.serving._models import Models
from treadle.serving._request_log import LogEntry, RequestLog
from treadle.serving._version import Batch, Row, ServedVersion

_logger = logging.getLogger("treadle.serving")

_MAX_ID = 256  # characters
_FOLLOW_SECONDS = 0.25  # between two looks at the served folder


@dataclass(slots=True)
class Prediction:
    """The answer to one request."""

    predictions: list[float]
    ids: list[str]
    """One for each prediction: what labels are joined by."""


class Dataplane:
    """Serves models.

    Args:
        models: The models of the served folder, champions loaded.
        log: The request log, started; ``None`` for none.
        limits: How much one request may ask for.
    """

    def __init__(self, models: Models, log: RequestLog | None, limits: Limits) -> None:
        self.models = models
        self.metrics = Metrics(models, log)
        self.limits = limits
        self.draining = False
        """Set when the server is about to stop: it is no longer ready, and still answers."""
        self._log = log
        self._loader = ThreadPoolExecutor(1, "loader")
        self._large = ThreadPoolExecutor(1, "large-requests")
        self._batcher = Batcher(self._answered, self._large)
        # seeded by the operating system; ids must differ, they need not be secret
        self._random_bits = random.Random().getrandbits  # noqa: S311
        self._following: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether requests should be sent here."""
        return self.models.ready and not self.draining

    async def start(self) -> None:
        """Begin to follow the served folder."""
        self._following = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """Stop following, and let go of the threads. Requests must have been answered before."""
        if self._following is not None:
            self._following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._following
        self._loader.shutdown()
        self._large.shutdown()

    async def version(self, model: str, number: int | None) -> ServedVersion:
        """The version that answers a request.

        Args:
            model: The model's name.
            number: The version asked for; ``None`` for the champion.

        Raises:
            ModelNotFoundError: No such model or version, or no champion.
            ModelUnavailableError: The version cannot be loaded.
        """
        found = self.models.get(model)
        if number is not None:
            version = found.loaded(number)
            if version is None:
                loop = asyncio.get_running_loop()
                version = await loop.run_in_executor(self._loader, found.load_pinned, number)
            return version
        if found.current is None:
            raise ModelNotFoundError(
                f"Model {model!r} has no champion.",
                where={"model": model},
                hint="Ask for a version by its number, or point the alias at one.",
            )
        return found.current

    async def predict(
        self, version: ServedVersion, rows: list[Row], *, ids: Sequence[str] | None = None, num_bytes: int = 0
    ) -> Prediction:
        """Answer checked rows.

        Args:
            version: Which version answers.
            rows: Rows as the version's checker gives them.
            ids: The client's ids, one a row; without them each row is given one.
            num_bytes: The request's size on the wire.

        Raises:
            RequestShapeError: No rows, or the ids do not fit them.
            RequestTooLargeError: More rows than the limit.
            InputValueError: A value is of the right type and still cannot be held by the graph.
        """
        if not rows:
            raise RequestShapeError("The request has no rows.", hint="Send at least one.")
        if len(rows) > self.limits.max_rows:
            raise RequestTooLargeError(
                f"The request has {len(rows)} rows; the limit is {self.limits.max_rows}.",
                hint="Send several requests.",
            )
        names = [f"{self._random_bits(128):032x}" for _ in rows] if ids is None else _checked_ids(ids, len(rows))
        predictions = await self._batcher.predict(version, rows, names, num_bytes)
        return Prediction(predictions, names)

    def _answered(self, version: ServedVersion, batch: Batch, requests: Sequence[Pending]) -> None:
        findings = batch.findings
        self.metrics.batch(version.model, version.label, len(batch.predictions), findings.counts)
        if self._log is not None:
            self._log.put(
                LogEntry(
                    version.model,
                    version.number,
                    version.log_schema,
                    batch.columns,
                    requests[0].ids if len(requests) == 1 else [id_ for request in requests for id_ in request.ids],
                    batch.predictions,
                    findings.per_row,
                    time.time_ns() // 1000,
                    sum(request.num_bytes for request in requests),
                )
            )

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_FOLLOW_SECONDS)
            try:
                await loop.run_in_executor(self._loader, self.models.follow)
            except Exception:  # what is loaded goes on answering; the next look may succeed
                _logger.exception("following the served folder failed")


def _checked_ids(ids: Sequence[str], num_rows: int) -> list[str]:
    if len(ids) != num_rows:
        raise RequestShapeError(
            f"The request has {num_rows} rows and {len(ids)} ids.",
            where={"field": "ids"},
            hint="Send one id for each row, or none at all.",
        )
    if "" in ids:
        raise RequestShapeError(
            "An id is empty.", where={"field": "ids", "row": ids.index("")}, hint="Send text, or no ids at all."
        )
    if len(max(ids, key=len)) > _MAX_ID:
        raise RequestShapeError(
            f"An id is longer than {_MAX_ID} characters.",
            where={"field": "ids", "row": next(row for row, id_ in enumerate(ids) if len(id_) > _MAX_ID)},
        )
    if len(set(ids)) != len(ids):
        seen: set[str] = set()
        row = next(row for row, id_ in enumerate(ids) if id_ in seen or seen.add(id_))  # type: ignore[func-returns-value]
        raise RequestShapeError(
            f"The id {ids[row][:80]!r} stands for two rows.",
            where={"field": "ids", "row": row},
            hint="Labels are joined by id: each row of a request needs its own.",
        )
    return list(ids)
