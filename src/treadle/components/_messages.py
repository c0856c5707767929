"""webhook and email: tell people how a run went, from an `at_exit` block."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from treadle.artifact import File
from treadle.errors import MessageError, MessageRefusedError
from treadle.pipeline import component

_MAY_PASS = frozenset({408, 425, 429})  # beside those from 500: too slow, too early, too many


@component(cache=False, retries=2, timeout=120)
def webhook(
    status: dict[str, Any],
    *,
    url: str | None = None,
    url_file: File | None = None,
    style: Literal["slack", "plain"] = "slack",
    seconds: float = 10.0,
) -> int:
    """Post a run's summary to an HTTP address; the status code of the answer.

    Args:
        status: What `treadle.at_exit` yields.
        url: The address.
        url_file: A file that holds the address, where it is a secret: what is a parameter is recorded.
        style: ``slack``: ``{"text": summary}``, which Slack and its likes show; ``plain``: the summary and the whole
            status, ``{"summary": ..., "status": ...}``.
        seconds: How long to wait for the server each time. What may pass is tried twice more.

    Raises:
        MessageError: The address cannot be reached or does not answer with success.
        MessageRefusedError: The same again would be refused again.
    """
    import urllib.error
    import urllib.request

    address = _secret(url, url_file, "url")
    if not address.startswith(("http://", "https://")):
        raise MessageRefusedError("A webhook's address begins with http:// or https://")
    text = summary(status)
    body = {"text": text} if style == "slack" else {"summary": text, "status": status}
    # the address has been checked to be HTTP
    request = urllib.request.Request(  # noqa: S310
        address, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        kind = MessageError if error.code >= 500 or error.code in _MAY_PASS else MessageRefusedError
        raise kind(f"The webhook answered {error.code} {error.reason}") from None
    except OSError as error:
        raise MessageError(f"The webhook cannot be reached: {getattr(error, 'reason', error)}") from None


@component(cache=False, retries=2, timeout=120)
def email(
    status: dict[str, Any],
    *,
    to: list[str],
    sender: str,
    host: str,
    port: int = 587,
    security: Literal["starttls", "tls", "none"] = "starttls",
    user: str | None = None,
    password_file: File | None = None,
    authority: File | None = None,
    seconds: float = 10.0,
) -> int:
    """Send a run's summary by SMTP; the number of recipients.

    Args:
        status: What `treadle.at_exit` yields.
        to: The recipients.
        sender: The address it comes from.
        host: The mail server.
        port: Its port.
        security: How the connection is protected; ``none`` is for a server on the same machine.
        user: The name to log in with; no login when not given.
        password_file: A file that holds the password.
        authority: Certificates (PEM) to trust, where the server's is signed by an authority of one's own; those that
            the machine trusts when not given.
        seconds: How long to wait for the server each time. What may pass is tried twice more.

    Raises:
        MessageError: The server cannot be reached, or cannot prove who it is.
        MessageRefusedError: It refuses the login or a recipient.
    """
    import smtplib
    import ssl
    from email.message import EmailMessage

    message = EmailMessage()
    try:
        message["Subject"] = f"{status['pipeline']}: {status['state']}"
        message["From"] = sender
        message["To"] = ", ".join(to)
    except ValueError as error:
        raise MessageRefusedError(f"Not an address: {error}") from None
    message.set_content(f"{summary(status)}\n")
    verified = ssl.create_default_context(cafile=authority)  # smtplib's own would take any certificate
    try:
        with (
            smtplib.SMTP_SSL(host, port, timeout=seconds, context=verified)
            if security == "tls"
            else smtplib.SMTP(host, port, timeout=seconds)
        ) as server:
            if security == "starttls":
                server.starttls(context=verified)
            if user is not None:
                server.login(user, _secret(None, password_file, "password"))
            refused = server.send_message(message)
    except (smtplib.SMTPAuthenticationError, smtplib.SMTPRecipientsRefused, smtplib.SMTPNotSupportedError) as error:
        raise MessageRefusedError(f"The mail was refused: {error}", where={"host": host, "port": port}) from None
    except (OSError, smtplib.SMTPException) as error:
        raise MessageError(f"The mail could not be sent: {error}", where={"host": host, "port": port}) from None
    if refused:
        raise MessageRefusedError(f"The server refused {', '.join(refused)}", where={"host": host})
    return len(to)


def summary(status: dict[str, Any]) -> str:
    """A run's status as a few lines for people: how it went, how many nodes ended how, and what failed or waits."""
    states = [node["state"] for node in status["nodes"].values()]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    lines = [f"Pipeline {status['pipeline']} {status['state']}: {counts} (run {status['run']})"]
    for name, node in status["nodes"].items():
        if node["state"] in ("failed", "waiting"):
            lines.append(f"{name} {node['state']}: {node.get('error', {}).get('what', node['reason'])}")
    return "\n".join(lines)


def _secret(given: str | None, file: Path | None, what: str) -> str:
    if (given is None) == (file is None):
        raise MessageRefusedError(f"Give {what} or {what}_file, one of them" if what == "url" else f"Give {what}_file")
    return given if given is not None else Path(str(file)).read_text(encoding="utf-8").strip()
