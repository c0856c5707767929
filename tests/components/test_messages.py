"""Messages about a run, received by a server that listens for them."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from treadle.components import email, webhook
from treadle.errors import MessageError, MessageRefusedError
from treadle.pipeline import load_pipeline
from treadle.runner import run

STATUS: dict[str, Any] = {
    "run": "r1",
    "pipeline": "taxi",
    "state": "failed",
    "nodes": {
        "read": {"state": "ran", "reason": "first run"},
        "fit": {"state": "failed", "reason": "", "error": {"code": "X", "what": "no rows", "hint": None}},
        "push": {"state": "skipped", "reason": "fit failed"},
    },
}
SUMMARY = "Pipeline taxi failed: 1 ran, 1 failed, 1 skipped (run r1)\nfit failed: no rows"


@contextmanager
def listening(*codes: int) -> Iterator[tuple[str, list[Any]]]:
    received: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.headers["Content-Type"], json.loads(body)))
            self.send_response((codes or (200,))[min(len(received), len(codes or (200,))) - 1])
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def mail_server(*, refuse: bool = False) -> Iterator[tuple[int, list[str]]]:
    """As much of SMTP as a client needs."""
    mails: list[str] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        while line := (await reader.readline()).decode().strip():
            word = line.split()[0].upper()
            if word == "DATA":
                writer.write(b"354 go on\r\n")
                mail = await reader.readuntil(b"\r\n.\r\n")
                mails.append(mail.decode())
                writer.write(b"250 taken\r\n")
            elif word == "QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"550 no\r\n" if refuse and word == "RCPT" else b"250 ok\r\n")
        await writer.drain()
        writer.close()

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(talk, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1], mails
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_webhook_gets_the_summary(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    with listening() as (url, received):
        assert webhook(STATUS, url=url) == 200
        secret.write_text(f"{url}\n")
        assert webhook(STATUS, url_file=secret, style="plain") == 200
    assert received == [
        ("application/json", {"text": SUMMARY}),
        ("application/json", {"summary": SUMMARY, "status": STATUS}),
    ]


def test_a_webhook_that_does_not_take_it_is_told() -> None:
    with listening(500) as (url, _), pytest.raises(MessageError, match="answered 500"):
        webhook(STATUS, url=url)
    with listening(404) as (url, _), pytest.raises(MessageRefusedError, match="answered 404"):
        webhook(STATUS, url=url)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(MessageError, match="timed out"):
        webhook(STATUS, url=f"http://127.0.0.1:{silent.getsockname()[1]}/", seconds=0.2)
    with pytest.raises(MessageError, match="cannot be reached"):
        webhook(STATUS, url=f"http://127.0.0.1:{free_port()}/")
    with pytest.raises(MessageError, match="begins with http"):
        webhook(STATUS, url="file:///etc/passwd")
    with pytest.raises(MessageError, match="one of them"):
        webhook(STATUS)


def test_a_mail_gets_there() -> None:
    with mail_server() as (port, mails):
        sent = email(STATUS, to=["a@b.c", "d@e.f"], sender="t@x.y", host="127.0.0.1", port=port, security="none")
    assert sent == 2
    assert "Subject: taxi: failed" in mails[0]
    assert "fit failed: no rows" in mails[0]


def test_a_mail_that_does_not_get_there_is_told() -> None:
    mail: dict[str, Any] = {"to": ["a@b.c"], "sender": "t@x.y", "host": "127.0.0.1"}
    with mail_server(refuse=True) as (port, _), pytest.raises(MessageError, match="could not be sent|was refused"):
        email(STATUS, port=port, security="none", **mail)
    with mail_server() as (port, _), pytest.raises(MessageError, match="could not be sent|was refused"):
        email(STATUS, port=port, security="starttls", **mail)  # it has none
    with pytest.raises(MessageError, match="could not be sent|was refused"):
        email(STATUS, port=free_port(), security="none", **mail)
    with pytest.raises(MessageError, match="Not an address"):
        email(STATUS, port=1, security="none", **{**mail, "sender": "a\nb"})


def test_at_the_end_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flow.py").write_text(
        "import treadle\nfrom treadle.components import webhook\n"
        "@treadle.component\ndef fit() -> int:\n    raise ValueError('no rows')\n"
        "@treadle.pipeline\ndef taxi(url: str):\n    fit()\n"
        "    with treadle.at_exit() as status, treadle.when(status['state'] == 'failed'):\n"
        "        webhook(status, url=url)\n"
    )
    with listening() as (url, received):
        result = run(load_pipeline("flow.py"), {"url": url}, home=tmp_path / "store")
    assert (result.state, result.nodes["webhook"].value) == ("failed", 200)
    assert received[0][1]["text"] == (
        f"Pipeline taxi failed: 1 failed (run {result.id})\nfit failed: fit raised ValueError: no rows"
    )


HOOKED = """
import treadle
from treadle.components import webhook

@treadle.component
def fit() -> int:
    return 1

@treadle.pipeline
def taxi(url: str):
    fit()
    with treadle.at_exit() as status:
        webhook(status, url=url)
"""


@pytest.mark.parametrize(("answers", "attempts", "state"), [([503, 200], 2, "ran"), ([404, 200], 1, "failed")])
def test_a_message_is_tried_again_where_that_may_help_and_never_changes_the_result(
    answers: list[int], attempts: int, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flow.py").write_text(HOOKED)
    with listening(*answers) as (url, received):
        result = run(load_pipeline("flow.py"), {"url": url}, home=tmp_path / "store")
    hook = result.nodes["webhook"]
    assert (result.state, hook.state, hook.attempts, len(received)) == ("succeeded", state, attempts, attempts)
