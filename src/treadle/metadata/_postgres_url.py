"""A PostgreSQL URL, as it may be shown: its password is in no message."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote


def without_password(url: str) -> str:
    """The URL with the user and the place, without password and options."""
    scheme, _, rest = url.partition("://")
    rest = rest.partition("?")[0]  # options may hold a password too
    user, at, place = rest.rpartition("@")
    return f"{scheme}://{user.partition(':')[0]}{at}{place}"


def redacted(text: str, url: str) -> str:
    """A message about the URL, with everything secret of it left out."""
    text = text.replace(url, without_password(url))
    for secret in sorted(_secrets(url), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _secrets(url: str) -> set[str]:
    rest, _, options = url.partition("://")[2].partition("?")
    password = rest.rpartition("@")[0].partition(":")[2]
    found = {password, unquote(password)}
    found |= {value for name, value in parse_qsl(options) if "password" in name}
    found |= {piece.partition("=")[2] for piece in options.split("&") if "password" in piece.partition("=")[0]}
    return found - {""}
