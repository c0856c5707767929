"""The folder a server reads: ``NAME/VERSION/`` servables and one-line alias files ``NAME/ALIAS``.

A server may be watching at any moment, so a version appears whole or not at all, and an alias is replaced in one
step. The order is: version first, alias second.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from treadle.artifact import digest_tree
from treadle.errors import RegistryError
from treadle.files import sync, sync_tree, write_text


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
        sync_tree(staged)
        staged.rename(target)
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise
    sync(target.parent)
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
    write_text(model / alias, f"{version}\n", mode=0o644)  # a server may run as somebody else


def _make_readable(folder: Path) -> None:
    # Artifacts are stored read-only and temporary folders private; a server may run as somebody else.
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
