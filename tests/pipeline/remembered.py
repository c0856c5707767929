"""A memory of what was read, as a run keeps it on disk: JSON, by key."""

from __future__ import annotations

import json
from typing import Any

from treadle.pipeline import Facts


class Remembered:
    """Keeps everything, and counts the sources that had to be read."""

    def __init__(self) -> None:
        self._kept: dict[str, str] = {}
        self.asked = 0

    def get(self, digest: str) -> Facts | None:
        """The facts of a source; asked for when a reading was not believed."""
        self.asked += 1
        found = self.recall(digest)
        return None if found is None else Facts.from_json(found)

    def put(self, digest: str, facts: Facts) -> None:
        """Keep the facts of a source."""
        self.keep(digest, facts.to_json())

    def recall(self, key: str) -> Any:
        """What was kept, or None."""
        return json.loads(self._kept[key]) if key in self._kept else None

    def keep(self, key: str, value: Any) -> None:
        """Keep it."""
        self._kept[key] = json.dumps(value)
