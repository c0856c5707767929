"""Folders of models, made as a push makes them: version whole first, alias by renaming."""

from __future__ import annotations

import shutil
from pathlib import Path


def lay_out(servables: Path, folder: Path, versions: list[int], *, champion: int | None, name: str = "taxi") -> Path:
    for version in versions:
        push(servables, folder, version, name=name)
    if champion is not None:
        promote(folder, champion, name=name)
    return folder / name


def push(servables: Path, folder: Path, version: int, *, name: str = "taxi", of: int | None = None) -> None:
    staged = folder / name / f".{version}-staged"
    shutil.copytree(servables / str(of or version), staged)
    staged.rename(folder / name / str(version))


def promote(folder: Path, version: int | str, *, name: str = "taxi") -> None:
    staged = folder / name / ".champion"
    staged.write_text(f"{version}\n")
    staged.replace(folder / name / "champion")
