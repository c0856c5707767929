"""The folder a server reads: ``NAME/VERSION/`` servables and one-line alias files ``NAME/ALIAS``.

A server may be watching at any moment, so a version appears whole or not at all, and an alias is replaced in one
step. The order is: version first, alias second.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from treadle.artifact import digest_tree
from treadle.errors import RegistryError


def publish_version(servable: Path, directory: Path, name: str, version: int) -> Path:
    """Copy a servable to ``directory/name/version``; doing it again is free.

    Raises:
        RegistryError: Another servable is there already under this version.
    """
    target = directory / name / str(version)
    if target.exists():
        if digest_tree(target) != digest_tree(servable):
            raise RegistryError(
                f"Version {version} of {name!r} is there already, with other bytes",
                where={"folder": target},
                hint="A version never changes. Use another serving folder, or remove the stale one.",
            )
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(prefix=f".{version}-", dir=target.parent))
    try:
        shutil.copytree(servable, staged, dirs_exist_ok=True)
        _make_readable(staged)
        for file in staged.rglob("*"):
            _sync(file)
        staged.rename(target)
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise
    _sync(target.parent)
    return target


def write_alias(directory: Path, name: str, alias: str, version: int) -> None:
    """Point ``alias`` of ``name`` at ``version``, in one step.

    Raises:
        RegistryError: That version is not in the folder.
    """
    model = directory / name
    if not (model / str(version)).is_dir():
        raise RegistryError(
            f"Version {version} of {name!r} is not in the serving folder",
            where={"folder": model},
            hint="Push it first.",
        )
    descriptor, staged = tempfile.mkstemp(prefix=f".{alias}-", dir=model)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{version}\n")
        file.flush()
        os.fsync(file.fileno())
    Path(staged).chmod(0o644)
    Path(staged).rename(model / alias)
    _sync(model)


def _make_readable(folder: Path) -> None:
    # Artifacts are stored read-only and temporary folders private; a server may run as somebody else.
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
