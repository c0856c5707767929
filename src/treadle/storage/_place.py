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
    url = config.artifacts_url(home)
    if url is None:
        return ArtifactStore(home)
    return ArtifactStore(home, url, most_copied_bytes=config.most_copied_bytes(home))
