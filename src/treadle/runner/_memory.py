"""What was read from sources, kept between runs: reading a source takes milliseconds, recalling it does not.

Kept beside the store, by the digest of the source; losing it costs time only.
"""

from __future__ import annotations

import json
from pathlib import Path

from treadle.files import write_text
from treadle.pipeline import FACTS_VERSION, Facts


class CodeMemory:
    """Facts about sources in a folder, one file for each source."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FACTS_VERSION

    def get(self, digest: str) -> Facts | None:
        """The facts kept for a source, or None."""
        try:
            return Facts.from_json(json.loads(self._path(digest).read_bytes()))
        except (OSError, ValueError, KeyError, TypeError):  # not there, or not whole: it is read again
            return None

    def put(self, digest: str, facts: Facts) -> None:
        """Keep the facts of a source."""
        path = self._path(digest)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_text(path, json.dumps(facts.to_json(), separators=(",", ":")), durable=False)

    def _path(self, digest: str) -> Path:
        return self._folder / f"{digest.removeprefix('sha256:')}.json"
