"""Reading a request's body, and no more of it than the limit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from treadle.errors import RequestTooLargeError

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]


class ClientGoneError(Exception):
    """The client closed the connection before its request was complete: nobody waits for an answer."""


async def read_body(announced: int | None, receive: Receive, limit: int) -> bytes:
    """The whole body.

    Args:
        announced: The length in the headers, if there is one.
        receive: The connection.
        limit: The most bytes to take.

    Raises:
        RequestTooLargeError: It is longer than ``limit`` bytes; an announced length is refused before it is read.
        ClientGoneError: The client went away.
    """
    if announced is not None and announced > limit:
        raise _too_large(f"{announced} bytes", limit)
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGoneError
    first: bytes = message.get("body", b"")
    if not message.get("more_body", False) and len(first) <= limit:
        return first
    parts, num_bytes = [first], len(first)
    while message.get("more_body", False) and num_bytes <= limit:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        part = message.get("body", b"")
        num_bytes += len(part)
        parts.append(part)
    if num_bytes > limit:
        raise _too_large(f"more than {limit} bytes", limit)
    return b"".join(parts)


def _too_large(size: str, limit: int) -> RequestTooLargeError:
    return RequestTooLargeError(
        f"The body has {size}; the limit is {limit}.", hint="Send the rows in several requests."
    )
