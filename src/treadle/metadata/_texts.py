"""Texts as a database takes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def _plain(text: str) -> str:
    r"""A text as a database takes it: what is none there is written as an escape, in JSON that of JSON.

    That is half of a surrogate pair (as Python reads a file's name that is not UTF-8), and, in PostgreSQL, ``\0``.
    """
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\\0").encode("utf-8", errors="backslashreplace").decode()


def bound(values: Sequence[Any]) -> tuple[Any, ...]:
    """What is bound to a statement, its texts as a database takes them: to be kept, or to be looked for."""
    return tuple(_plain(value) if isinstance(value, str) else value for value in values)
