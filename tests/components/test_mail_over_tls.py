"""Mail over TLS, to a server that speaks it: with a certificate that is trusted, and with ones that are not."""

from __future__ import annotations

import asyncio
import base64
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from treadle.components import email
from treadle.errors import MessageError, MessageRefusedError
from treadle.pipeline import load_pipeline
from treadle.runner import run

STATUS: dict[str, Any] = {"run": "r1", "pipeline": "täxi", "state": "failed", "nodes": {}}
MAIL: dict[str, Any] = {"to": ["a@b.c"], "sender": "t@x.y", "host": "localhost"}
ELSEWHERE = {**MAIL, "host": "127.0.0.1"}  # the certificate is for localhost
PASSWORD = "correct horse"

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl here to make a certificate with")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that signs itself; the key is beside it."""
    folder = tmp_path_factory.mktemp("tls")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(folder / "key.pem")]
    subprocess.run([*command, "-out", str(folder / "cert.pem")], check=True, capture_output=True)
    return folder / "cert.pem"


@dataclass
class MailServer:
    """SMTP as servers on the internet speak it: EHLO, STARTTLS, AUTH, and nothing before a login."""

    tls: ssl.SSLContext
    implicit: bool = False
    busy: int = 0
    """How many connections are turned away at first."""
    port: int = 0
    mails: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    """The commands, as they came over the wire in clear text, and behind TLS with a mark."""

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client did not like the certificate
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        safe, logged_in = self.implicit, False
        if self.busy:
            self.busy -= 1
            writer.write(b"421 busy\r\n")
            await writer.drain()
            return
        writer.write(b"220 hello\r\n")
        while line := (await reader.readline()).decode().strip():
            word = line.split()[0].upper()
            self.seen.append(f"{'tls' if safe else 'clear'} {word}")
            if word == "EHLO":
                writer.write(b"250-here\r\n" + (b"250 AUTH PLAIN LOGIN\r\n" if safe else b"250 STARTTLS\r\n"))
            elif word == "STARTTLS" and not safe:
                writer.write(b"220 go on\r\n")
                await writer.drain()
                await writer.start_tls(self.tls)
                safe = True
            elif word == "AUTH":
                given = base64.b64decode(line.split()[-1]).split(b"\0")
                logged_in = given[-2:] == [b"ada", PASSWORD.encode()]
                writer.write(b"235 welcome\r\n" if logged_in else b"535 who are you\r\n")
            elif word == "RCPT":
                known = logged_in and "nobody@" not in line
                writer.write(b"250 ok\r\n" if known else b"550 not here\r\n")
            elif word == "DATA":
                writer.write(b"354 go on\r\n")
                self.mails.append((await reader.readuntil(b"\r\n.\r\n")).decode())
                writer.write(b"250 taken\r\n")
            elif word == "QUIT":
                writer.write(b"221 bye\r\n")
                await writer.drain()
                return
            else:
                writer.write(b"250 ok\r\n")
            await writer.drain()


@contextmanager
def serving(certificate: Path, **options: Any) -> Iterator[MailServer]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, certificate.with_name("key.pem"))
    mail = MailServer(tls, **options)
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda loop, context: None)  # handshakes that the client breaks off
    starting = asyncio.start_server(mail.talk, "127.0.0.1", 0, ssl=tls if mail.implicit else None)
    server = loop.run_until_complete(starting)
    mail.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield mail
    finally:
        loop.call_soon_threadsafe(server.close)
        asyncio.run_coroutine_threadsafe(_finish(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _finish() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0.05)


@pytest.fixture
def password(tmp_path: Path) -> Path:
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    return tmp_path / "password"


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_mail_with_a_login_arrives_behind_tls_alone(security: str, certificate: Path, password: Path) -> None:
    with serving(certificate, implicit=security == "tls") as server:
        login = {"user": "ada", "password_file": password, "authority": certificate}
        assert email(STATUS, port=server.port, security=security, **login, **MAIL) == 1
    assert "Subject: =?utf-8?" in server.mails[0]
    clear = {word.split()[1] for word in server.seen if word.startswith("clear")}
    assert clear <= {"EHLO", "STARTTLS"}
    assert {"tls AUTH", "tls RCPT", "tls DATA"} <= set(server.seen)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_nobody_trusts_gets_no_password(security: str, certificate: Path, password: Path) -> None:
    with serving(certificate, implicit=security == "tls") as server:
        with pytest.raises(MessageError, match="certificate verify failed"):
            email(STATUS, port=server.port, security=security, user="ada", password_file=password, **MAIL)
        with pytest.raises(MessageError, match="(?i)mismatch|not valid for"):
            email(STATUS, port=server.port, security=security, authority=certificate, **ELSEWHERE)
    assert not [word for word in server.seen if "AUTH" in word]
    assert server.mails == []


def test_what_would_be_refused_again_is_said_to_be(certificate: Path, tmp_path: Path, password: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("guess")
    with serving(certificate) as server:
        trusted = {"port": server.port, "authority": certificate, "user": "ada"}
        with pytest.raises(MessageRefusedError, match="who are you"):
            email(STATUS, password_file=wrong, **trusted, **MAIL)
        with pytest.raises(MessageRefusedError, match="not here"):
            email(STATUS, password_file=password, **trusted, **{**MAIL, "to": ["nobody@b.c"]})
        with pytest.raises(MessageRefusedError, match="refused nobody@b.c"):
            email(STATUS, password_file=password, **trusted, **{**MAIL, "to": ["a@b.c", "nobody@b.c"]})
    assert len(server.mails) == 1


def test_a_server_that_is_busy_is_asked_again_and_the_run_goes_on(
    certificate: Path, password: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flow.py").write_text(
        "import treadle\nfrom treadle.components import email\n"
        "@treadle.component\ndef fit() -> int:\n    return 1\n"
        "@treadle.pipeline\ndef taxi(port: int, authority: str):\n    fit()\n    with treadle.at_exit() as status:\n"
        "        email(status, to=['a@b.c'], sender='t@x.y', host='localhost', port=port, user='ada',\n"
        "              password_file='password', authority=authority)\n"
    )
    with serving(certificate, busy=1) as server:
        parameters = {"port": server.port, "authority": str(certificate)}
        result = run(load_pipeline("flow.py"), parameters, home=tmp_path / "store")
    assert (result.state, result.nodes["email"].state, result.nodes["email"].attempts) == ("succeeded", "ran", 2)
    assert "Subject: taxi: succeeded" in server.mails[0]
