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
    """A value as the tables keep it: canonical JSON, read back as it was.

    Only two halves of a surrogate pair that stood one after the other come back as the letter that they are together.
    """
    return canonical_json(value).decode("utf-8", errors="surrogatepass")
