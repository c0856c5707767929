"""The artifacts of a store: in its folder, or under the URL that its settings name."""

from __future__ import annotations

from pathlib import Path

from treadle import config
from treadle.storage._store import ArtifactStore


def open_artifacts(home: Path) -> ArtifactStore:
    """The artifacts of a store.

    Raises:
        UsageError: When the store's settings are wrong.
    """
    return ArtifactStore(home, config.artifacts_url(home))
