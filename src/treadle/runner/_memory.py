"""What was read from sources, kept between runs beside the store: losing it costs time only."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from treadle.files import write_text
from treadle.pipeline import FACTS_VERSION, Facts, KeptReading, kept_reading


class Unneeded(NamedTuple):
    """Files of which nothing has a use."""

    files: int
    bytes: int


class CodeMemory:
    """Facts of sources and readings of functions in a folder, one file for each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
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

    def prune(self, functions: Collection[str], *, before: float, delete: bool) -> Unneeded:
        """What none of these functions needs: readings of others, and facts of sources that no reading left looked at.

        A reading leaves before the facts it rests on, so who dies in between has left nothing half.

        Args:
            functions: ``module:name`` of each. Their readings stay as long as their project's folder is there.
            before: What was written later, in seconds since 1970, stays: nobody may have said yet what it is for.
            delete: Whether to remove it.
        """
        sources: set[str] = set()
        leaves: list[os.DirEntry[str]] = []
        for entry in _files(self._readings):
            found = kept_reading(_load(Path(entry.path)))
            if _is_needed(found, functions) or _is_younger(entry, before):
                sources |= set() if found is None else found.sources
            else:
                leaves.append(entry)
        needed = {_path(self._facts, digest) for digest in sources}
        for folder in _folders(self._folder):
            if folder != self._readings:  # facts, of this version or of others that nobody may read any more
                files = (entry for entry in _files(folder) if Path(entry.path) not in needed)
                leaves += [entry for entry in files if not _is_younger(entry, before)]
        return _remove(leaves, delete=delete)


def _is_needed(found: KeptReading | None, functions: Collection[str]) -> bool:
    if found is None or found.function not in functions:
        return False
    return found.folder is None or os.path.isdir(found.folder)


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


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(Path(entry.path) for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False))
    except OSError:  # not there, or not ours to look at
        return []


def _files(folder: Path) -> Iterator[os.DirEntry[str]]:
    """What lies in a folder, files that a writer has not finished among them."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        yield from sorted((entry for entry in entries if not entry.is_dir()), key=lambda entry: entry.name)


def _is_younger(entry: os.DirEntry[str], than: float) -> bool:
    try:
        return entry.stat(follow_symlinks=False).st_mtime >= than
    except OSError:  # another has removed it
        return True


def _remove(entries: list[os.DirEntry[str]], *, delete: bool) -> Unneeded:
    files = size = 0
    for entry in entries:
        with contextlib.suppress(OSError):  # another was faster, or it is not ours to remove
            found = entry.stat(follow_symlinks=False).st_size
            if delete:
                os.unlink(entry.path)
            files, size = files + 1, size + found
    return Unneeded(files, size)
