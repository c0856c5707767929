"""importer: files from outside the store -> an artifact of any type."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from treadle.artifact import Artifact, Output
from treadle.errors import DataError
from treadle.pipeline import component


def _digest(*, path: str) -> str:
    """What lies there now: new bytes at an old path are seen."""
    from treadle.artifact import digest_file, digest_tree
    from treadle.errors import DataFileNotFoundError

    if not Path(path).exists():
        raise DataFileNotFoundError("There is nothing to import", where={"path": path})
    return digest_file(path) if Path(path).is_file() else digest_tree(path)


@component(resolve=_digest)
def importer(*, path: str, properties: dict[str, Any] | None = None, artifact: Output[Artifact], resolved: str) -> None:
    """Bring a file or a folder into the run, by its content: ``importer(path="model", of=Model)``.

    Args:
        path: The file, which keeps its name in the artifact, or the folder, whose content becomes the artifact.
        properties: Facts to record with it.
        artifact: The copy; ``of=`` at the call says of which type it is.
        resolved: The digest of what was there when the node was decided upon.

    Raises:
        DataError: It changed meanwhile.
    """
    source = Path(path)
    if source.is_file():
        shutil.copyfile(source, artifact.path / source.name)
    else:
        shutil.copytree(source, artifact.path, dirs_exist_ok=True)
    copied = artifact.path / source.name if source.is_file() else artifact.path
    if _digest(path=str(copied)) != resolved:
        raise DataError("What is imported changed while the pipeline ran", where={"path": path}, hint="run again")
    artifact.properties.update(properties or {})
