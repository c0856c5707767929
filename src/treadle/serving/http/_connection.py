"""One HTTP connection: uvicorn's, with deadlines and a limit on headers.

uvicorn waits for ever for a client that connects and says nothing, or says it very slowly, and takes headers of
any size. Here each phase of a connection has a deadline. A phase only notes a time and one sweep a second looks
for the overdue, so that a request costs no timer.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable
from enum import Enum

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from treadle.serving._limits import Limits
from treadle.serving.http._codec import encode


class _Phase(Enum):
    IDLE = "idle"
    HEADERS = "headers"
    BODY = "body"
    ANSWER = "answer"


class Connection(HttpToolsProtocol):  # type: ignore[misc]  # its types are not followed
    """A connection that does not wait for ever."""

    limits = Limits()
    """The limits of all connections; :func:`with_limits` makes a class with others."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """The client connected: it has so long to send a request's headers."""
        super().connection_made(transport)
        self._phase = _Phase.IDLE
        self._deadline = self.loop.time() + self.limits.header_seconds
        self._num_messages = 0
        self._header_bytes = 0
        self._waiting_bytes, self._waiting_since = 0, math.inf

    def data_received(self, data: bytes) -> None:
        """Bytes came. A read that lies within headers from its first to its last byte counts as headers."""
        message, phase = self._num_messages, self._phase
        super().data_received(data)
        if phase is _Phase.HEADERS and self._phase is _Phase.HEADERS and message == self._num_messages:
            self._header_bytes += len(data)
            if self._header_bytes > self.limits.max_header_bytes:
                self._refuse(431, "HTTP_HEADERS", "The headers are larger than the server takes.")

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._num_messages += 1
        self._header_bytes = 0
        self._enter(_Phase.HEADERS, self.limits.header_seconds)

    def on_headers_complete(self) -> None:
        """The headers are there; the application starts."""
        super().on_headers_complete()
        self._enter(_Phase.BODY, self.limits.body_seconds)

    def on_message_complete(self) -> None:
        """The body is there: now it is the server's turn, unless it has refused the request already."""
        super().on_message_complete()
        self._await_server()

    def on_response_complete(self) -> None:
        """An answer was handed to the network."""
        super().on_response_complete()
        if self._phase is _Phase.ANSWER:
            self._await_server()

    def send_400_response(self, msg: str) -> None:
        """What cannot be parsed as HTTP gets one answer, in JSON as all others, and the connection ends."""
        self._refuse(400, "HTTP_MALFORMED", msg)

    def check(self, now: float) -> None:
        """Close the connection if its phase is overdue, or if the client takes nothing of an answer."""
        if self.transport.is_closing() and not self.transport.get_write_buffer_size():
            return
        waiting = self.transport.get_write_buffer_size()
        if waiting == 0 or waiting != self._waiting_bytes:
            self._waiting_bytes, self._waiting_since = waiting, now
        elif now - self._waiting_since > self.limits.read_seconds:
            self.transport.abort()
            return
        if now <= self._deadline or self.transport.is_closing():
            return
        answering = self.cycle is not None and self.cycle.response_started
        if self._phase in (_Phase.HEADERS, _Phase.BODY) and not answering:
            self._refuse(408, "HTTP_TIMEOUT", "The request did not come within the time the server waits.")
        else:
            self.transport.close()

    def _enter(self, phase: _Phase, seconds: float) -> None:
        self._phase = phase
        self._deadline = self.loop.time() + seconds

    def _await_server(self) -> None:
        if self.cycle.response_complete:
            self._enter(_Phase.IDLE, self.limits.idle_seconds)
        else:
            self._enter(_Phase.ANSWER, math.inf)

    def _refuse(self, status: int, code: str, what: str) -> None:
        body = encode({"error": what, "code": code})
        head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        self.transport.write(STATUS_LINE[status] + head + body)
        self.transport.close()


def with_limits(limits: Limits) -> type[Connection]:
    """The connection class for a server with these limits."""
    return type("LimitedConnection", (Connection,), {"limits": limits})


def sweep(connections: Iterable[object], now: float) -> None:
    """Close what is overdue among a server's connections."""
    for connection in list(connections):
        if isinstance(connection, Connection):
            connection.check(now)
