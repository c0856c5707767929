"""Which of the user's files a function opened, so that a change of one makes its node run again.

A parameter annotated `File` says so beforehand. This is the net below it: Python tells an audit hook of each file it
opens and each folder it lists. Libraries that open files in native code do not pass here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from treadle.artifact import digest_bytes, digest_file
from treadle.pipeline import is_installed, is_treadle

_LISTING = "listing:"


class ReadTracer:
    """Records reads under some folders, from `start` to `stop`, in this process for the rest of its life.

    Args:
        roots: The folders that hold the user's files.
        home: The store, whose own files do not count.
    """

    def __init__(self, roots: Sequence[str], home: str) -> None:
        self._roots = tuple(os.path.join(root, "") for root in roots)
        self._home = os.path.join(home, "")
        self._written: set[str] = set()
        self._active = False
        self.reads: dict[str, str | None] = {}
        """Paths and what they held when first opened (see `digest_of_read`)."""

    def start(self) -> None:
        """Begin."""
        sys.addaudithook(self._hear)
        self._active = True

    def stop(self) -> None:
        """End; hooks cannot be taken away, so it only goes quiet."""
        self._active = False

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._active or event not in ("open", "os.listdir", "os.scandir"):
            return
        self._active = False
        try:
            self._note(event, arguments)
        finally:
            self._active = True

    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not isinstance(arguments[0], str | bytes | os.PathLike | None):
            return  # a file descriptor: it was opened elsewhere
        path = os.path.abspath(os.fsdecode(arguments[0] if arguments[0] is not None else "."))
        if not self._counts(path):
            return
        if event != "open":
            if not _is_importing():
                self._record(_LISTING + path)
        elif _writes(arguments[2]):
            # What a function writes is its effect, not its input, although it may have read it before.
            self._written |= {path, _LISTING + os.path.dirname(path)}
            for effect in (path, _LISTING + os.path.dirname(path)):
                self.reads.pop(effect, None)
        else:
            self._record(path)

    def _record(self, read: str) -> None:
        if read not in self.reads and read not in self._written:
            self.reads[read] = digest_of_read(read)

    def _counts(self, path: str) -> bool:
        if not os.path.join(path, "").startswith(self._roots) or path.startswith(self._home):
            return False
        return not (path.endswith((".py", ".pyc", ".so")) or is_installed(path) or is_treadle(path))


def digest_of_read(path: str) -> str | None:
    """The digest of a file's content or of a folder's names; None when it is not there or cannot be read."""
    try:
        if path.startswith(_LISTING):
            names = sorted(os.listdir(path.removeprefix(_LISTING)))
            shown = [name for name in names if not name.startswith((".", "__pycache__"))]
            return digest_bytes("\0".join(shown).encode("utf-8", errors="surrogateescape"))
        return digest_file(path)
    except OSError:
        return None


def changed_read(reads: Mapping[str, str | None]) -> str | None:
    """The first recorded read whose content is different now, or None."""
    for path, digest in reads.items():
        if digest_of_read(path) != digest:
            return str(Path(path.removeprefix(_LISTING)))
    return None


def _writes(flags: Any) -> bool:
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC))


def _is_importing() -> bool:
    frame: Any = sys._getframe(3)  # the caller of listdir, below _note and _hear
    return frame is not None and frame.f_code.co_filename.startswith("<frozen importlib")
