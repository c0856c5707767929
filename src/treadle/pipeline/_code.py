"""What code a function reaches, as named parts of a fingerprint."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from treadle import __version__
from treadle.artifact import digest_bytes
from treadle.pipeline._ir import FunctionReference
from treadle.pipeline._pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class Code:
    """The code that a function reaches."""

    parts: Mapping[str, str]
    """Names of what was reached, and digests or versions."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """The source files that were read, and their digests."""
    always: str | None = None
    """Why the node must run every time, when it must."""


class CodeReader:
    """Reads the code that functions of one pipeline reach. Make one for each run: sources are read once."""

    def __init__(self, pipeline: Pipeline) -> None:
        folder = pipeline.file.parent if pipeline.file else None
        self._sources: dict[str, str] = {}
        for path in sorted(folder.glob("*.py")) if folder else []:
            self._sources[str(path)] = digest_bytes(path.read_bytes())

    def read(self, reference: FunctionReference) -> Code:  # noqa: ARG002
        """The code that a function reaches."""
        parts = {f"code {Path(path).stem}": digest for path, digest in self._sources.items()}
        return Code(
            parts={**parts, "python": platform.python_version(), "treadle": __version__},
            sources=self._sources,
        )
