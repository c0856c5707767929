"""An HTTP client as plain as they come, so that what the tests see is what the server sent."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from treadle.serving import ServerProcess


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    data: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.data)


class Client:
    def __init__(self, server: ServerProcess | str, *, pid: int = 0) -> None:
        self.url = server if isinstance(server, str) else server.url
        self.pid = pid if isinstance(server, str) else server.pid
        parts = urlsplit(self.url)
        self.address = (str(parts.hostname), int(parts.port or 80))

    def call(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Reply:
        connection = http.client.HTTPConnection(*self.address, timeout=30)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            response = connection.getresponse()
            return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def get(self, path: str) -> Reply:
        return self.call("GET", path)

    def post(self, body: object, path: str = "/v1/models/taxi:predict") -> Reply:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.call("POST", path, data, {"content-type": "application/json"})

    def socket(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=30)

    def raw(self, data: bytes) -> bytes:
        """Everything the server answers to these bytes until it closes the connection."""
        with self.socket() as connection:
            connection.sendall(data)
            return read_all(connection)


def read_all(connection: socket.socket) -> bytes:
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def wait_until(condition: Callable[[], bool], *, seconds: float = 20.0) -> None:
    """Wait for what happens soon, but not at a known time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
