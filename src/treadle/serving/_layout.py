"""The folder that is served: which models, which versions, and which one is the champion.

Three layouts::

    DIR/manifest.json                       one servable, as version 0 (or N, where DIR is named N)
    DIR/3/manifest.json, DIR/champion       one model: a folder a version, and the alias file
    DIR/taxi/3/manifest.json, DIR/taxi/champion     several models

An alias file holds one line, a version number, and is replaced by renaming: a reader sees the old line or the new
one. Versions are positive integers without leading zeros; other names in the folder (a push that is under way)
are passed over. Nothing here opens a model.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from treadle.errors import ModelFolderError

CHAMPION = "champion"
"""The alias that requests without a version follow."""

_MANIFEST = "manifest.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_VERSION = re.compile(r"[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """Where the versions of one model are."""

    name: str
    path: Path
    single: int | None = None
    """The version number of a folder that is itself a servable; such a model has that version alone."""

    def versions(self) -> list[int]:
        """The versions that are there, newest first."""
        if self.single is not None:
            return [self.single]
        try:
            names = [name for name in os.listdir(self.path) if _VERSION.fullmatch(name)]
        except FileNotFoundError:
            return []
        return sorted(map(int, names), reverse=True)

    def champion(self) -> int | None:
        """The version the alias names, or ``None`` without an alias.

        Raises:
            ModelFolderError: The alias file does not hold a version number.
        """
        if self.single is not None:
            return self.single
        file = self.path / CHAMPION
        try:
            with file.open("rb") as stream:
                line = stream.read(64).decode("ascii", errors="replace").strip()
        except FileNotFoundError:
            return None
        if not _VERSION.fullmatch(line):
            raise ModelFolderError(
                f"The alias {CHAMPION!r} of model {self.name!r} does not hold a version number.",
                where={"file": file},
                hint="It holds one line, such as: 3",
            )
        return int(line)

    def path_of(self, version: int) -> Path:
        """The folder of one version; it need not be there."""
        return self.path if self.single is not None else self.path / str(version)

    def identity(self, version: int) -> tuple[int, int, int] | None:
        """What changes when another servable takes the place of this version; ``None`` if nothing is there."""
        try:
            found = os.stat(self.path_of(version) / _MANIFEST)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size


def find_models(folder: Path, *, name: str | None = None) -> dict[str, ModelFolder]:
    """The models in the served folder, by name.

    Args:
        folder: The folder, in one of the three layouts.
        name: The model's name, where the folder holds one model; by default the folder's own name.

    Raises:
        ModelFolderError: There is no such folder, no servable in it, or the name cannot be used in an address.
    """
    if not folder.is_dir():
        raise ModelFolderError(
            "There is no such folder.", where={"folder": folder}, hint="Name a servable, or a folder of models."
        )
    path = folder.resolve()
    if (path / _MANIFEST).exists():
        numbered = _VERSION.fullmatch(path.name) is not None
        own_name = path.parent.name if numbered else path.name
        model = ModelFolder(_checked(name or own_name), path, single=int(path.name) if numbered else 0)
        return {model.name: model}
    if _is_model(path):
        model = ModelFolder(_checked(name or path.name), path)
        return {model.name: model}
    if name is not None:
        raise ModelFolderError(
            "A name can be given only where the folder holds one model.",
            where={"folder": folder, "name": name},
            hint="Leave --name out: each model has the name of its folder.",
        )
    models = {entry.name: ModelFolder(entry.name, entry) for entry in sorted(path.iterdir()) if _is_model(entry)}
    if not models:
        raise ModelFolderError(
            "There is no servable in the folder.",
            where={"folder": folder},
            hint="It holds manifest.json itself, or NAME/VERSION/ folders that do; push a model first.",
        )
    return models


def _is_model(path: Path) -> bool:
    if not _NAME.fullmatch(path.name) or not path.is_dir():
        return False
    return any(_VERSION.fullmatch(name) and (path / name).is_dir() for name in os.listdir(path))


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ModelFolderError(
            f"{name!r} cannot be the name of a model.",
            where={"name": name},
            hint="Give another with --name: letters, digits, points, dashes and underscores.",
        )
    return name
