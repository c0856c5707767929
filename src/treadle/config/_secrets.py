"""Passwords in URLs: kept out of errors, and taken from the environment where a URL says ``${NAME}``."""

from __future__ import annotations

import os
import re
from urllib.parse import quote, unquote

from treadle.errors import UsageError

_NAMES = r"[?&][^=&#]*(?:pass(?:word|wd)|pwd|secret|token|signature|credential|api_?key|\bsig\b)[^=&#]*="
# up to the last @ before the fragment: a password may hold what it should not, as / and @
_USER = re.compile(r"(:/{1,3}[^:/@?#\s]*):([^#\s]*)@")
_FIELD = re.compile(rf"({_NAMES})([^&#]*)", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SHORTEST = 4


def masked(url: str) -> str:
    """The URL without its passwords, tokens and signatures."""
    return _FIELD.sub(r"\1***", _USER.sub(r"\1:***@", url))


def secrets_of(url: str) -> list[str]:
    """The passwords, tokens and signatures that stand in a URL as they are; ``${NAME}`` is none."""
    found = [match[2] for expression in (_USER, _FIELD) for match in expression.finditer(url)]
    return [secret for secret in found if secret and not _VARIABLE.fullmatch(secret)]


def expanded(url: str) -> str:
    """The URL with ``${NAME}`` before its ``#`` replaced by what the environment says, quoted as URLs are.

    Raises:
        UsageError: The environment does not say it.
    """

    def value(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise UsageError(f"The environment has no {match[1]}, which a URL asks for.", where={"url": masked(url)})
        return quote(os.environ[match[1]], safe="")

    address, mark, query = url.partition("#")
    return _VARIABLE.sub(value, address) + mark + query


def without_secrets(text: str, url: str) -> str:
    """What somebody else said about a URL, without the secrets in it; nothing if they are too short to be found."""
    for secret in secrets_of(url):
        for form in {secret, unquote(secret)}:
            if form in text and len(form) < _SHORTEST:
                return "it says no more"
            text = text.replace(form, "***")
    return text
