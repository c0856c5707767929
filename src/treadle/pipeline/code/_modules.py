"""Modules by name, found and read but never imported."""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec, PathFinder
from pathlib import Path
from typing import Any, Literal, Protocol

from treadle.artifact import digest_bytes
from treadle.errors import UserCodeError
from treadle.pipeline._importing import is_installed, is_treadle
from treadle.pipeline.code._binding import Reference
from treadle.pipeline.code._facts import Facts, read_facts
from treadle.pipeline.code._packages import Distributions

# A source says the same whenever it is read, and one process may run many pipelines: a notebook's, a loop's.
_read_once = functools.lru_cache(maxsize=1024)(read_facts)


class SourceMemory(Protocol):
    """Keeps between runs what sources say and what was reached through them; it may forget at any time."""

    def get(self, digest: str) -> Facts | None:
        """The facts kept for a source, by its digest, or None."""

    def put(self, digest: str, facts: Facts) -> None:
        """Keep the facts of a source."""

    def recall(self, key: str) -> Any:
        """The JSON value kept under a key, or None."""

    def keep(self, key: str, value: Any) -> None:
        """Keep a JSON value under a key, in place of what was there."""


@dataclass(frozen=True)
class Module:
    """A module as the import system would find it."""

    name: str
    kind: Literal["source", "standard", "package", "extension", "missing"]
    """``source`` is followed; the standard library counts by Python's version, a package by its own; an ``extension``
    is compiled code without a version."""
    file: str | None = None
    digest: str | None = None
    """Of a source's bytes."""
    version: str | None = None
    """Of a package; also of source that an installer has put where it is."""
    is_package: bool = False
    search: tuple[str, ...] = ()
    """Where submodules are."""
    read: Callable[[], Facts] | None = None
    """Reads the facts of a source."""

    @functools.cached_property
    def facts(self) -> Facts | None:
        """What a source says; None of other modules.

        Raises:
            UserCodeError: It is not Python.
        """
        return None if self.read is None else self.read()

    def seen(self) -> list[Any]:
        """All that was found out about it, as JSON."""
        return [self.kind, self.file, self.digest, self.version, self.is_package, list(self.search)]

    @property
    def top(self) -> str:
        """The first part of the name."""
        return self.name.partition(".")[0]

    def absolute(self, level: int, module: str) -> str:
        """The absolute name of what is imported relative to this module."""
        if level == 0:
            return module
        base = self.name.split(".") if self.is_package else self.name.split(".")[:-1]
        base = base[: len(base) - (level - 1)]
        return ".".join([*base, module] if module else base)


class Modules:
    """Finds modules for one run; each source is read once.

    Args:
        files: The files of modules that are imported by their path.
        memory: Where facts are kept between runs.
    """

    def __init__(self, files: Mapping[str, Path], memory: SourceMemory | None = None) -> None:
        self._files = files
        self._memory = memory
        self._found: dict[str, Module] = {}
        self._groups: dict[str, list[Reference]] = {}
        self._listed: dict[str, list[str]] = {}
        self._distributions = Distributions()
        self.sources: dict[str, str] = {}
        """The source files that were read, and their digests."""

    def find(self, name: str) -> Module:
        """The module of an absolute name."""
        if name not in self._found:
            self._found[name] = self._find(name)
        return self._found[name]

    def seen(self) -> dict[str, Any]:
        """Everything that was looked at so far and what was found, as JSON."""
        return {
            "modules": {name: module.seen() for name, module in self._found.items()},
            "groups": {group: [list(entry) for entry in entries] for group, entries in self._groups.items()},
            "listed": dict(self._listed),
        }

    def finds_again(self, seen: Mapping[str, Any]) -> bool:
        """Whether looking at the same things finds the same."""
        return (
            all(self.find(name).seen() == found for name, found in seen["modules"].items())
            and all([list(entry) for entry in self.entry_points(group)] == at for group, at in seen["groups"].items())
            and all(self.all_sources(Path(folder)) == names for folder, names in seen["listed"].items())
        )

    def entry_points(self, group: str) -> list[Reference]:
        """What an entry point group leads to."""
        if group not in self._groups:
            self._groups[group] = [
                ("import", "0", module, *filter(None, attribute.split(".")))
                for _, module, attribute in self._distributions.entry_points(group)
            ]
        return self._groups[group]

    def python_version(self) -> str:
        """The interpreter and its version."""
        return f"{sys.implementation.name} {sys.version_info[0]}.{sys.version_info[1]}.{sys.version_info[2]}"

    def all_sources(self, folder: Path) -> list[str]:
        """The names of all modules under a folder, hidden folders and environments left out."""
        if str(folder) not in self._listed:
            self._listed[str(folder)] = self._list(folder)
        return self._listed[str(folder)]

    def _list(self, folder: Path) -> list[str]:
        names = []
        for place, folders, files in os.walk(folder):
            folders[:] = sorted(
                name
                for name in folders
                if name.isidentifier() and name != "__pycache__" and not os.path.exists(f"{place}/{name}/pyvenv.cfg")
            )
            for file in sorted(files):
                stem, suffix = os.path.splitext(file)
                if suffix == ".py" and stem.isidentifier() and not is_installed(os.path.join(place, file)):
                    parts = Path(place).relative_to(folder).parts
                    names.append(".".join([*parts, stem] if stem != "__init__" else parts) or stem)
        return names

    def _find(self, name: str) -> Module:
        if name in self._files:
            return self._source(name, str(self._files[name]), False, ())
        parent, _, _ = name.rpartition(".")
        spec = self._spec(name, parent)
        if spec is None:
            return Module(name, "missing")
        search = tuple(spec.submodule_search_locations or ())
        file = os.path.abspath(spec.origin) if spec.has_location and spec.origin else None
        if file is None:
            if search:
                return Module(name, "source", is_package=True, search=search, read=Facts)
            return Module(name, "standard")
        if is_treadle(file):
            return self._source(name, file, bool(search), search)
        if is_installed(file):
            return self._installed(name, file, search)
        if file.endswith(tuple(EXTENSION_SUFFIXES)):
            return Module(name, "extension", file)
        return self._source(name, file, bool(search), search)

    def _installed(self, name: str, file: str, search: tuple[str, ...]) -> Module:
        if "site-packages" not in file and "dist-packages" not in file:
            return Module(name, "standard", file, is_package=bool(search), search=search)
        version = self._distributions.version(name.partition(".")[0])
        if version is not None:
            return Module(name, "package", file, version=version, is_package=bool(search), search=search)
        if file.endswith(tuple(EXTENSION_SUFFIXES)):
            return Module(name, "extension", file)
        return self._source(name, file, bool(search), search)

    def _spec(self, name: str, parent: str) -> ModuleSpec | None:
        if parent:
            found = self.find(parent)
            return PathFinder.find_spec(name, list(found.search)) if found.search else None
        try:
            return importlib.util.find_spec(name)
        except (ImportError, ValueError):  # a module that was made by hand has no spec
            return PathFinder.find_spec(name)

    def _source(self, name: str, file: str, is_package: bool, search: tuple[str, ...]) -> Module:
        try:
            source = Path(file).read_bytes()
        except OSError:
            return Module(name, "missing")
        digest = digest_bytes(source)
        self.sources[file] = digest
        top = name.partition(".")[0]
        folder = file
        for _ in range(name.count(".") + 1 + is_package):
            folder = os.path.dirname(folder)
        version = self._distributions.version_beside(top, folder) if top != "treadle" else None
        read = functools.partial(self._facts, file, source, digest)
        return Module(name, "source", file, digest, version, is_package, search, read)

    def _facts(self, file: str, source: bytes, digest: str) -> Facts:
        facts = self._memory.get(digest) if self._memory else None
        if facts is None:
            try:
                facts = _read_once(source)
            except (SyntaxError, ValueError) as error:
                line = getattr(error, "lineno", None)
                raise UserCodeError(
                    f"SyntaxError: {error}", where={"file": f"{file}:{line}" if line else file}
                ) from error
            if self._memory:
                self._memory.put(digest, facts)
        return facts
