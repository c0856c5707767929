"""One HTTP connection: uvicorn's, with deadlines and a limit on headers.

uvicorn waits for ever for a client that connects and says nothing, or says it very slowly, and takes headers of
any size. Here each phase of a connection may last so long and no longer. A sweep once a second looks which have not
moved on, so that a request costs no timer and no look at the clock; a limit is therefore kept within two seconds.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from treadle.serving._limits import Limits
from treadle.serving.http._codec import encode

# the phases of a connection
_CONNECTED, _HEADERS, _BODY, _ANSWER, _IDLE = range(5)


class Connection(HttpToolsProtocol):  # type: ignore[misc]  # its types are not followed
    """A connection that does not wait for ever."""

    limits = Limits()
    """The limits of all connections; :func:`with_limits` makes a class with others."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """The client connected."""
        super().connection_made(transport)
        self._phase = _CONNECTED
        self._num_messages = 0
        self._header_bytes = 0
        self._seen, self._since = (0, _CONNECTED), self.loop.time()
        self._unsent, self._unsent_since = 0, 0.0

    def data_received(self, data: bytes) -> None:
        """Bytes came. A read that lies within headers from its first to its last byte counts as headers."""
        message, phase = self._num_messages, self._phase
        super().data_received(data)
        if phase is _HEADERS and self._phase is _HEADERS and message == self._num_messages:
            self._header_bytes += len(data)
            if self._header_bytes > self.limits.max_header_bytes:
                self._refuse(431, "HTTP_HEADERS", "The headers are larger than the server takes.")

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._phase = _HEADERS
        self._num_messages += 1
        self._header_bytes = 0

    def on_headers_complete(self) -> None:
        """The headers are there; the application starts."""
        super().on_headers_complete()
        self._phase = _BODY

    def on_message_complete(self) -> None:
        """The body is there: now it is the server's turn, unless it has refused the request already."""
        super().on_message_complete()
        self._phase = _IDLE if self.cycle.response_complete else _ANSWER

    def on_response_complete(self) -> None:
        """An answer was handed to the network; another request may have been waiting for that."""
        super().on_response_complete()
        if self._phase is _ANSWER and self.cycle.response_complete:
            self._phase = _IDLE

    def send_400_response(self, msg: str) -> None:
        """What cannot be parsed as HTTP gets one answer, in JSON as all others, and the connection ends."""
        self._refuse(400, "HTTP_MALFORMED", msg)

    def check(self, now: float) -> None:
        """Close the connection if its phase is overdue, or if the client takes nothing of an answer."""
        unsent = self.transport.get_write_buffer_size()
        if unsent == 0 or unsent != self._unsent:
            self._unsent, self._unsent_since = unsent, now
        elif now - self._unsent_since > self.limits.read_seconds:
            self.transport.abort()
        seen = (self._num_messages, self._phase)
        if seen != self._seen:
            self._seen, self._since = seen, now
        elif now - self._since > self._patience() and not self.transport.is_closing():
            self._give_up()

    def _patience(self) -> float:
        limits = self.limits
        # in the order of the phases; an answer takes the time it takes
        return (limits.header_seconds, limits.header_seconds, limits.body_seconds, math.inf, limits.idle_seconds)[
            self._phase
        ]

    def _give_up(self) -> None:
        cycle = self.cycle
        unanswered = self._phase is _BODY and not cycle.response_started
        between = self._phase is _HEADERS and (cycle is None or cycle.response_complete)
        if unanswered or between:
            self._refuse(408, "HTTP_TIMEOUT", "The request did not come within the time the server waits.")
        else:
            self.transport.close()

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
