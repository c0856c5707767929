"""Serving over loopback: what a request costs the server, against an empty app on the same web server.

The server has one core and the client another. The client is a Python program and often the limit of the requests
per second; the CPU time of the server's process is the figure that stands, also on a busy machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import taxi_model
import uvloop

EMPTY = """
import socket, sys, uvicorn
async def app(scope, receive, send):
    await receive()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{}"})
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
config = uvicorn.Config(app, loop="uvloop", http="httptools", ws="none", lifespan="off", access_log=False,
                        log_level="error", server_header=False, proxy_headers=False)
uvicorn.Server(config).run(sockets=[listener])
"""
ROUNDS, SECONDS = 5, 1.0
CORES = sorted(os.sched_getaffinity(0))


def run() -> list[dict]:
    from treadle.serving import ServerProcess

    os.sched_setaffinity(0, {CORES[-1]})
    empty = subprocess.Popen([sys.executable, "-c", EMPTY], stdout=subprocess.PIPE, text=True)
    figures = []
    try:
        with tempfile.TemporaryDirectory() as folder:
            rows = taxi_model.build(Path(folder) / "taxi").rows
            reference = Server(empty.pid, int(empty.stdout.readline()))
            with ServerProcess(Path(folder) / "taxi") as process:
                server = Server(process.pid, urlsplit(process.url).port)
                figures += compare("one row, 16 connections", server, reference, rows[:1], 16)
                figures += compare("one row, 1 connection", server, reference, rows[:1], 1)
                least = min(measure(server, rows, 1)["cpu"] for _ in range(ROUNDS))
                figures.append({"name": "1000 rows a request", "value": least / 1000, "unit": "server CPU us/row"})
            with ServerProcess(Path(folder) / "taxi", log=Path(folder) / "log") as process:
                server = Server(process.pid, urlsplit(process.url).port)
                figures += compare("one row, 16 connections, request log", server, reference, rows[:1], 16)
    finally:
        empty.kill()
        empty.communicate()
        os.sched_setaffinity(0, set(CORES))
    return figures


class Server(NamedTuple):
    """Which process to measure, and where it listens."""

    pid: int
    port: int


def compare(name: str, server: Server, empty: Server, rows: list[dict], connections: int) -> list[dict]:
    """Best of some rounds, ours and the empty app's in turns: a busy machine slows both."""
    ours, reference = [], []
    for _ in range(ROUNDS):
        reference.append(measure(empty, rows, connections))
        ours.append(measure(server, rows, connections))
    figures = []
    for key, unit, best in (
        ("cpu", "server CPU us/request", min),
        ("rate", "requests/s", max),
        ("p99", "us p99", min),
    ):
        value, other = best(found[key] for found in ours), best(found[key] for found in reference)
        against = f"an empty app ({other:,.0f})"
        figures.append(
            {"name": name, "value": value, "unit": unit, "against": against, "reference": other, "ratio": value / other}
        )
    return figures


def measure(server: Server, rows: list[dict], connections: int) -> dict:
    """Closed loop over kept connections: CPU us a request of the server, requests a second, p99 latency in us."""
    for task in os.listdir(f"/proc/{server.pid}/task"):
        os.sched_setaffinity(int(task), {CORES[0]})
    body = json.dumps({"instances": rows}).encode()
    head = ("POST /v1/models/taxi:predict HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", "", "")
    request = "\r\n".join(head).encode() + body
    before = cpu_seconds(server.pid)
    latencies = uvloop.run(load(server.port, request, connections, SECONDS))
    used = cpu_seconds(server.pid) - before
    latencies.sort()
    return {
        "cpu": used / len(latencies) * 1e6,
        "rate": len(latencies) / SECONDS,
        "p99": latencies[len(latencies) * 99 // 100] * 1e6,
    }


async def load(port: int, request: bytes, connections: int, seconds: float) -> list[float]:
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    callers = [
        (await loop.create_connection(lambda: Caller(request, end), "127.0.0.1", port))[1] for _ in range(connections)
    ]
    await asyncio.gather(*(caller.done for caller in callers))
    return [latency for caller in callers for latency in caller.latencies]


class Caller(asyncio.Protocol):
    """Sends the request, waits for the whole answer, sends it again."""

    def __init__(self, request: bytes, end: float) -> None:
        self.request, self.end = request, end
        self.loop = asyncio.get_running_loop()
        self.done = self.loop.create_future()
        self.latencies: list[float] = []
        self.answer = b""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Send the first request."""
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.transport = transport
        self.send()

    def send(self) -> None:
        """Send the request and note the time."""
        self.began = time.perf_counter()
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        """Take a part of the answer; after its last, go on or stop."""
        self.answer += data
        head, separator, body = self.answer.partition(b"\r\n\r\n")
        if not separator or len(body) < int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]):
            return
        if not self.answer.startswith(b"HTTP/1.1 200 "):
            self.done.set_exception(RuntimeError(self.answer[:200]))
            return
        self.latencies.append(time.perf_counter() - self.began)
        self.answer = b""
        if self.loop.time() < self.end:
            self.send()
        else:
            self.transport.close()
            self.done.set_result(None)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    for figure in run():
        print(json.dumps(figure))
