"""How much the server takes from one client, and how long it waits for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one request and one connection. What exceeds them is refused before it costs memory."""

    max_body_bytes: int = 8 << 20
    """A larger body is refused from its announced length, or at the byte that exceeds this."""
    max_header_bytes: int = 64 << 10
    """Request line and headers together."""
    max_rows: int = 10_000
    """Rows of one request."""
    header_seconds: float = 10.0
    """From connecting, or from a request's first byte, to the end of its headers."""
    body_seconds: float = 30.0
    """From the end of the headers to the end of the body."""
    idle_seconds: float = 60.0
    """Between two requests of one connection."""
    read_seconds: float = 30.0
    """For the client to take a byte of an answer that waits for it."""
    drain_seconds: float = 0.5
    """On SIGTERM: how long requests are still taken, each answered with ``Connection: close``."""
    finish_seconds: float = 20.0
    """On SIGTERM: how long running requests may take after that."""
