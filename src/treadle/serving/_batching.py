"""Joins the small requests that arrive together into one run of the model.

Running a graph has a price per call that one row pays as well as a hundred. There is no clock here and a request
alone waits for nobody: what is on the event loop when the first request is ready goes together, and while each turn
of the loop brings more, one more turn is waited for. Batches grow with the load and with nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from treadle.serving._version import Batch, Row, ServedVersion

_LARGE = 512  # rows: a request this large is worth a thread of its own, so that the loop stays free
_MAX_BATCH = 1024  # rows joined at most
_ENOUGH = 128  # requests that wait: more are not waited for


@dataclass(slots=True)
class Pending:
    """One request that waits for its answer."""

    rows: list[Row]
    ids: list[str]
    num_bytes: int
    answer: asyncio.Future[list[float]]


Answered = Callable[[ServedVersion, Batch, Sequence[Pending]], None]


class Batcher:
    """The queue in front of the models. Belongs to one event loop; a batch is of one version.

    Args:
        answered: Told of each batch that was answered, on the loop, before its requests are. It does not raise.
        executor: Runs large requests, so that the loop stays free.
    """

    def __init__(self, answered: Answered, executor: Executor) -> None:
        self._answered = answered
        self._executor = executor
        self._waiting: dict[ServedVersion, list[Pending]] = {}

    async def predict(self, version: ServedVersion, rows: list[Row], ids: list[str], num_bytes: int) -> list[float]:
        """The predictions of one request.

        Raises:
            InputValueError: A value is of the right type and still cannot be held by the graph.
        """
        loop = asyncio.get_running_loop()
        pending = Pending(rows, ids, num_bytes, loop.create_future())
        if len(rows) >= _LARGE:
            batch = await loop.run_in_executor(self._executor, version.run, rows)
            self._answered(version, batch, [pending])
            return batch.predictions
        waiting = self._waiting.get(version)
        if waiting is None:
            self._waiting[version] = [pending]
            loop.call_soon(self._flush, version, 1)
        else:
            waiting.append(pending)
        return await pending.answer

    def _flush(self, version: ServedVersion, seen: int) -> None:
        """Answer what waits; but while more comes with every turn of the loop, let it come."""
        waiting = self._waiting[version]
        if seen < len(waiting) < _ENOUGH:
            asyncio.get_running_loop().call_soon(self._flush, version, len(waiting))
            return
        del self._waiting[version]
        start = 0
        while start < len(waiting):
            end, num_rows = start + 1, len(waiting[start].rows)
            while end < len(waiting) and num_rows + len(waiting[end].rows) <= _MAX_BATCH:
                num_rows += len(waiting[end].rows)
                end += 1
            self._answer(version, waiting[start:end])
            start = end

    def _answer(self, version: ServedVersion, requests: list[Pending]) -> None:
        try:
            batch = version.run([row for request in requests for row in request.rows])
        except Exception as error:  # whatever it is, it belongs to the requests
            if len(requests) == 1:
                _fail(requests[0], error)
                return
            # One request's value must not fail its neighbours, nor be named by a row of their batch.
            for request in requests:
                self._answer(version, [request])
            return
        self._answered(version, batch, requests)
        start = 0
        for request in requests:
            end = start + len(request.rows)
            if not request.answer.done():
                request.answer.set_result(batch.predictions[start:end])
            start = end


def _fail(request: Pending, error: Exception) -> None:
    if not request.answer.done():
        request.answer.set_exception(error)
