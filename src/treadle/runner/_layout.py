"""Where things are in a store's folder."""

from __future__ import annotations

from pathlib import Path

from treadle import config
from treadle.metadata import MetadataStore, has_metadata, open_metadata
from treadle.storage import ArtifactStore, open_artifacts


class Layout:
    """The folder of one store: ``metadata.sqlite``, ``artifacts/``, ``staging/``, ``logs/``, ``code/``."""

    def __init__(self, home: Path | None) -> None:
        self.home = Path(home).absolute() if home is not None else config.home()

    def open_metadata(self) -> MetadataStore:
        """The lineage, in the folder or where its settings say; close it after use."""
        return open_metadata(self.home)

    def open_artifacts(self) -> ArtifactStore:
        """The artifacts, in the folder or where its settings say."""
        return open_artifacts(self.home)

    def has_metadata(self) -> bool:
        """Whether there is a lineage."""
        return has_metadata(self.home)

    @property
    def staging(self) -> Path:
        """What is being written."""
        return self.home / "staging"

    @property
    def code(self) -> Path:
        """What was read from sources, by their digest; may be deleted at any time."""
        return self.home / "code"

    def log(self, run: str, node: str) -> Path:
        """What a node's function printed."""
        return self.home / "logs" / run / f"{node}.txt"
