"""champion: the servable in service, as an input of the next judgement."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from treadle.artifact import Output, ServableArtifact
from treadle.pipeline import component


def _find_champion(*, name: str, alias: str = "champion") -> dict[str, Any] | None:
    """The version behind the alias now; a moved alias changes the fingerprint."""
    from treadle.config import home
    from treadle.registry import Registry

    version = Registry(home()).find(f"{name}@{alias}")
    return None if version is None else {"version": version.version, "digest": version.digest}


@component(resolve=_find_champion)
def champion(
    *,
    name: str,
    serving: str,
    alias: str = "champion",  # noqa: ARG001 - its resolver reads it
    servable: Output[ServableArtifact],
    resolved: dict[str, Any] | None,
) -> None:
    """Bring the servable behind ``name@alias`` into the run. Without one, the output stays an empty directory.

    Args:
        name: The model's name.
        serving: The folder the server reads.
        alias: The alias.
        servable: The servable in service.
        resolved: The version behind the alias.
    """
    if resolved is None:
        return
    source = Path(serving) / name / str(resolved["version"])
    shutil.copytree(source, servable.path, dirs_exist_ok=True)
    servable.properties.update(resolved)
