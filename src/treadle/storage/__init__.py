"""Where artifacts' bytes live, and whether they are whole."""

from treadle.storage._store import ArtifactStore

__all__ = ["ArtifactStore"]
