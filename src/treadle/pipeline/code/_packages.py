"""Installed distributions by what is on disk: versions and entry points, without importing anything.

The folder names of installed metadata carry name and version, which is all a fingerprint needs; asking
`importlib.metadata` costs more than the rest of a fully reused run.
"""

from __future__ import annotations

import os
import re
import sys
from functools import cached_property
from pathlib import Path

_METADATA = re.compile(r"^(?P<name>[^-]+)-(?P<version>[^-]+?)(-py[\d.]+)?\.(dist|egg)-info$")


class Distributions:
    """What is installed in the folders of the import path, as it was when this was made."""

    def __init__(self) -> None:
        self._versions: dict[str, str | None] = {}

    def version(self, module: str) -> str | None:
        """The version of the distribution that provides a top-level module; None when no metadata says."""
        if module not in self._versions:
            self._versions[module] = self._find(module)
        return self._versions[module]

    def version_beside(self, module: str, folder: str) -> str | None:
        """The version of the distribution that lies in the folder of the module itself, as an installer puts it."""
        for metadata, name, version in self._installed:
            if str(metadata.parent) == folder and (name == _normal(module) or _provides(_listed(metadata), module)):
                return version
        return None

    def entry_points(self, group: str) -> list[tuple[str, str, str]]:
        """Name, module and attribute (or "") of each entry point of a group, sorted."""
        found = set()
        for folder, _, _ in self._installed:
            section = None
            for line in _lines(folder / "entry_points.txt"):
                if line.startswith("["):
                    section = line.strip("[]")
                elif section == group and "=" in line:
                    name, _, target = (part.strip() for part in line.partition("="))
                    module, _, attribute = target.partition("[")[0].strip().partition(":")
                    found.add((name, module, attribute))
        return sorted(found)

    @cached_property
    def _installed(self) -> list[tuple[Path, str, str]]:
        found = []
        for entry in dict.fromkeys(sys.path):
            try:
                names = sorted(os.listdir(entry or "."))
            except OSError:
                continue
            for name in names:
                if match := _METADATA.match(name):
                    found.append((Path(entry, name), _normal(match["name"]), match["version"]))
        return found

    @cached_property
    def _by_name(self) -> dict[str, str]:
        return {name: version for _, name, version in reversed(self._installed)}

    @cached_property
    def _contents(self) -> list[tuple[bytes, str]]:
        return [(_listed(folder), version) for folder, _, version in self._installed]

    def _find(self, module: str) -> str | None:
        if (version := self._by_name.get(_normal(module))) is not None:
            return version
        return next((version for listed, version in self._contents if _provides(listed, module)), None)


def _listed(metadata: Path) -> bytes:
    """The names of a distribution's modules, or of its files, each on a line of its own."""
    found = b""
    for name in ("top_level.txt", "RECORD"):
        try:
            found += b"\n" + (metadata / name).read_bytes()
        except OSError:
            continue
    return found


def _provides(listed: bytes, module: str) -> bool:
    """Whether a module is among them: a name, a folder or a file. All lists together have 100,000 lines and more."""
    name = b"\n" + module.encode()
    return name in listed and re.search(re.escape(name) + rb"\s*([/.,\r\n]|$)(?!(data|dist-info)/)", listed) is not None


def _lines(path: Path) -> list[str]:
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except OSError:
        return []


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()
