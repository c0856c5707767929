"""States of analyses on disk, found by what they depend on."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from treadle.files import write_text

FORMAT = "treadle.analysis/1"


class Unused(NamedTuple):
    """States that nothing asked for in a long time."""

    files: int
    bytes: int


class AnalysisCache:
    """States of analyses in a directory, a small JSON file each; deleting files costs time and nothing else.

    Args:
        path: The directory; made when the first state is kept.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)

    def has(self, key: str) -> bool:
        """Whether there is a file under a key; it may be damaged."""
        return (self._path / f"{key}.json").is_file()

    def load(self, key: str) -> Any:
        """The state kept under a key; ``None`` where there is none, or it is not whole."""
        file = self._path / f"{key}.json"
        try:
            stored = json.loads(file.read_bytes())
            with suppress(OSError):  # another's file may be read, not touched
                os.utime(file, ns=(time.time_ns(), file.stat().st_mtime_ns))  # read now, written then: for prune
            return stored["state"] if stored["format"] == FORMAT else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def store(self, key: str, state: Any) -> None:
        """Keep a state; other processes see all of it or nothing."""
        self._path.mkdir(parents=True, exist_ok=True)
        data = json.dumps({"format": FORMAT, "state": state}, sort_keys=True, separators=(",", ":"))
        write_text(self._path / f"{key}.json", data, durable=False)  # if a crash loses it, it is found out again

    def prune(self, before: float, *, delete: bool) -> Unused:
        """What was last used before a time (in seconds since 1970), and left over of writers that died.

        Args:
            before: The time.
            delete: Whether to remove it; a process that wanted it finds it out again.
        """
        files = size = 0
        for entry in os.scandir(self._path) if self._path.is_dir() else ():
            try:
                found = entry.stat(follow_symlinks=False)
                if max(found.st_atime, found.st_mtime) >= before:
                    continue
                if delete:
                    os.unlink(entry.path)
            except FileNotFoundError:  # another process was faster
                continue
            files, size = files + 1, size + found.st_size
        return Unused(files, size)
