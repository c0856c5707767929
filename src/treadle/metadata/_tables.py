"""What every part of the store stands on: a database and a clock."""

from __future__ import annotations

import time
from collections.abc import Callable

from treadle.artifact import canonical_json
from treadle.metadata._database import Database


class Tables:
    """A database of the lineage, and the time.

    Args:
        database: The tables.
        clock: Seconds since 1970; injected by tests.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)


def json_text(value: object) -> str:
    """A value as the tables keep it: canonical JSON, from which all of it is read back as it was."""
    return plain_text(canonical_json(value).decode("utf-8", errors="surrogatepass"))


def plain_text(text: str) -> str:
    r"""A text as a database takes it: what is none there is written as an escape, in JSON that of JSON.

    That is half of a surrogate pair (as Python reads a file's name that is not UTF-8), and, in PostgreSQL, ``\0``.
    """
    return text.replace("\0", "\\0").encode("utf-8", errors="backslashreplace").decode()
