"""Which of the user's files a function opened, so that a change of one makes its node run again.

A parameter annotated `File` says so beforehand. This is the net below it: Python tells an audit hook of each file it
opens and each folder it lists. Libraries that open files in native code do not pass here.
"""

from __future__ import annotations

import linecache
import os
import sys
import tokenize
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from treadle.artifact import digest_bytes, digest_file
from treadle.pipeline import is_users

_LISTING = "listing:"
_PROJECT = "<project>"
_PATH_MAX = 4096
# Sources that are imported count by what is reached in them; a traceback shows lines of any of them.
_IMPORTS = "<frozen importlib"
# Looking for entry points lists every folder that modules are imported from, the project's too.
_LOOKS_FOR_MODULES = (_IMPORTS, os.path.join(os.path.dirname(linecache.__file__), "importlib", "metadata"))
_READERS_OF_SOURCE = (_IMPORTS, linecache.__file__, tokenize.__file__)


class ReadTracer:
    """Records reads under some folders, from `start` to `stop`, in this process for the rest of its life.

    Args:
        roots: The folders that hold the user's files, the project's first.
        home: The store, whose own files do not count.
    """

    def __init__(self, roots: Sequence[str], home: str) -> None:
        self._project = roots[0]
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

    def expect(self, argument: Any) -> None:
        """Take the files that an argument names for read: a library may open them in native code."""
        if isinstance(argument, str):
            if len(argument) < _PATH_MAX and "\0" not in argument and os.path.isfile(argument):
                self._record(os.path.abspath(argument))
        elif isinstance(argument, list):
            for item in argument:
                self.expect(item)
        elif isinstance(argument, dict):
            for item in argument.values():
                self.expect(item)

    def stop(self) -> None:
        """End; hooks cannot be taken away, so it only goes quiet."""
        self._active = False

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._active or event not in ("open", "os.listdir", "os.scandir"):
            return
        self._active = False
        try:
            self._note(event, arguments, sys._getframe(1).f_code.co_filename)
        finally:
            self._active = True

    def _note(self, event: str, arguments: tuple[Any, ...], caller: str) -> None:
        if not isinstance(arguments[0], str | bytes | os.PathLike | None):
            return  # a file descriptor: it was opened elsewhere
        path = os.path.abspath(os.fsdecode(arguments[0] if arguments[0] is not None else "."))
        if not self._counts(path) or (path.endswith(".py") and caller.startswith(_READERS_OF_SOURCE)):
            return
        if event != "open":
            if not caller.startswith(_LOOKS_FOR_MODULES):
                self._record(_LISTING + path)
        elif _writes(arguments[2]):
            # What a function writes is its effect, not its input, although it may have read it before.
            self._written |= {path, _LISTING + os.path.dirname(path)}
            for effect in (path, _LISTING + os.path.dirname(path)):
                self.reads.pop(_portable(effect, self._project), None)
        else:
            self._record(path)

    def _record(self, read: str) -> None:
        name = _portable(read, self._project)
        if name not in self.reads and read not in self._written:
            self.reads[name] = digest_of_read(read)

    def _counts(self, path: str) -> bool:
        if not os.path.join(path, "").startswith(self._roots) or path.startswith(self._home):
            return False
        return is_users(path) and not path.endswith((".pyc", ".so"))


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


def changed_read(reads: Mapping[str, str | None], project: str) -> str | None:
    """The first recorded read whose content is different now, or None."""
    for name, digest in reads.items():
        path = name.replace(_PROJECT, project, 1)
        if digest_of_read(path) != digest:
            return str(Path(path.removeprefix(_LISTING)))
    return None


def _portable(read: str, project: str) -> str:
    """A read as it is recorded: below the project relative to it, so that a project may move."""
    kind = _LISTING if read.startswith(_LISTING) else ""
    path = read.removeprefix(_LISTING)
    return kind + (_PROJECT + path[len(project) :] if f"{path}{os.sep}".startswith(project + os.sep) else path)


def _writes(flags: Any) -> bool:
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC))
