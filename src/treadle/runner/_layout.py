"""Where things are in a store's folder."""

from __future__ import annotations

from pathlib import Path

from treadle import config


class Layout:
    """The folder of one store: ``metadata.sqlite``, ``artifacts/``, ``staging/``, ``logs/``, ``code/``."""

    def __init__(self, home: Path | None) -> None:
        self.home = Path(home).absolute() if home is not None else config.home()

    @property
    def metadata(self) -> Path:
        """The lineage database."""
        return self.home / "metadata.sqlite"

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
