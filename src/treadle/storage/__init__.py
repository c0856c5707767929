"""Where artifacts' bytes live, whether they are whole, and how they leave."""

from treadle.storage._place import open_artifacts
from treadle.storage._store import ArtifactStore
from treadle.storage._sweep import Check, Stored, check, clear_litter, empty_bin, stored, take_out

__all__ = [
    "ArtifactStore",
    "Check",
    "Stored",
    "check",
    "clear_litter",
    "empty_bin",
    "open_artifacts",
    "stored",
    "take_out",
]
