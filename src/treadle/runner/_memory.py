"""What was read from sources, kept between runs beside the store: losing it costs time only."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

from treadle.files import write_text
from treadle.pipeline import FACTS_VERSION, Facts


class CodeMemory:
    """Facts of sources and readings of functions in a folder, one file for each."""

    def __init__(self, folder: Path) -> None:
        self._facts = folder / FACTS_VERSION
        self._readings = folder / "readings"

    def get(self, digest: str) -> Facts | None:
        """The facts kept for a source, or None."""
        found = _load(_path(self._facts, digest))
        try:
            return None if found is None else Facts.from_json(found)
        except (ValueError, KeyError, TypeError, AttributeError):  # another has written it: it is read again
            return None

    def put(self, digest: str, facts: Facts) -> None:
        """Keep the facts of a source."""
        _save(_path(self._facts, digest), facts.to_json())

    def recall(self, key: str) -> Any:
        """The JSON value kept under a digest, or None."""
        return _load(_path(self._readings, key))

    def keep(self, key: str, value: Any) -> None:
        """Keep a JSON value under a digest."""
        _save(_path(self._readings, key), value)


def _path(folder: Path, digest: str) -> Path:
    return folder / f"{digest.removeprefix('sha256:')}.json"


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):  # not there, or not whole
        return None


def _save(path: Path, value: Any) -> None:
    with contextlib.suppress(OSError):  # no room, or not ours to write: it is read again
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_text(path, json.dumps(value, separators=(",", ":")), durable=False)
