"""Sending recorded rows to a server as requests: history played again, in bounded batches."""

from __future__ import annotations

import http.client
import selectors
import socket
import urllib.parse
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from treadle.errors import LoopError

_HEADERS = {"Content-Type": "application/json"}


@dataclass(slots=True)
class Sent:
    """What became of the rows that were sent."""

    rows: int = 0
    """Rows sent."""
    failed: int = 0
    """Rows of requests that were not answered with predictions."""
    by_version: dict[int, int] = field(default_factory=dict)
    """Rows answered, by the model version that answered."""
    errors: list[str] = field(default_factory=list)
    """The distinct reasons of failures, in order of appearance."""

    def add(self, other: Sent) -> None:
        """Count ``other`` in."""
        self.rows += other.rows
        self.failed += other.failed
        for version, rows in other.by_version.items():
            self.by_version[version] = self.by_version.get(version, 0) + rows
        self.errors += [error for error in other.errors if error not in self.errors]


class Replay:
    """A client that sends rows to one model, one batch at a time over one connection.

    Args:
        url: The server, ``http://127.0.0.1:8501``.
        model: The model's name; requests follow its champion.
        batch_rows: Rows per request.
        timeout: Seconds to wait for an answer.
    """

    def __init__(self, url: str, model: str, *, batch_rows: int = 500, timeout: float = 30.0) -> None:
        address = urllib.parse.urlsplit(url)
        if address.scheme != "http" or not address.hostname:
            raise LoopError(f"{url!r} is not the address of a server", hint="Write it as http://127.0.0.1:8501.")
        self._path = f"/v1/models/{urllib.parse.quote(model)}:predict"
        self._batch_rows = batch_rows
        self._connection = http.client.HTTPConnection(address.hostname, address.port or 80, timeout=timeout)

    def __enter__(self) -> Replay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def send(self, rows: pa.Table, ids: pa.ChunkedArray | pa.Array) -> Sent:
        """Send ``rows`` in batches and wait for the answers.

        Args:
            rows: The columns that the model's schema expects at serving.
            ids: The prediction id of each row; labels are joined by it later.
        """
        total = Sent()
        for start in range(0, rows.num_rows, self._batch_rows):
            batch = rows.slice(start, self._batch_rows)
            body = {
                "inputs": {name: _json_values(batch[name]) for name in batch.column_names},
                "ids": ids.slice(start, self._batch_rows).to_pylist(),
            }
            total.add(self._post(body, batch.num_rows))
        return total

    def _post(self, body: dict[str, Any], rows: int) -> Sent:
        if self._connection.sock is not None and _is_over(self._connection.sock):
            self._connection.close()  # the next request opens a new one
        try:
            self._connection.request("POST", self._path, msgspec.json.encode(body), _HEADERS)
            response = self._connection.getresponse()
            answer = msgspec.json.decode(response.read())
            problem = None if response.status == 200 else f"{response.status}: {answer.get('error')}"
        except (OSError, http.client.HTTPException, msgspec.DecodeError) as error:
            self._connection.close()  # the next request opens a new one
            answer, problem = {}, f"{type(error).__name__}: {error}"
        if problem is None and len(answer.get("prediction_ids") or ()) != rows:
            problem = "an answer of another length than its request"
        if problem is not None:
            return Sent(rows, failed=rows, errors=[problem])
        return Sent(rows, by_version={int(answer.get("model_version", 0)): rows})


def _is_over(connection: socket.socket) -> bool:
    """Whether the server has closed a connection on which it owes no answer, as it does with those that are idle."""
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        return bool(selector.select(0))


def _json_values(column: pa.ChunkedArray) -> list[Any]:
    if pa.types.is_timestamp(column.type):
        column = pc.strftime(column, format="%Y-%m-%dT%H:%M:%S")  # writes the fraction of a second too
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_finite(column), column, None)  # JSON has no NaN; a null means missing
    values: list[Any] = column.to_pylist()
    return values
