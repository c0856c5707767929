"""Which rows of a split came from which data span, and a name for what they are: what is known of them can be kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from treadle.schema import Schema


@dataclass(frozen=True, slots=True)
class SpanRows:
    """Rows of a split that stand behind each other and came from one span; from one file, where files have no span."""

    split: str
    span: str | None
    first: int
    """The first of them, counted from 0 in the split."""
    rows: int
    digest: str
    """``sha256:<hex>``: rows with other values have another."""


class SpanRowsSeen:
    """Takes note of the rows as they are written.

    A value is what a file's bytes, the row's place in it, the way of reading and the schema's types make of it. These
    name the rows, so their values need not be read for a digest.
    """

    def __init__(self, schema: Schema, reading: Mapping[str, Any]) -> None:
        from treadle import __version__

        types = {path: [feature.type, feature.list] for path, feature in schema.paths.items()}
        how = {"treadle": __version__, "types": types, "reading": reading}
        self._how = json.dumps(how, sort_keys=True, default=repr).encode()
        self._open: dict[str, _Open] = {}
        self._done: list[SpanRows] = []

    def add(self, split: str, span: str | None, source: str, hashes: npt.NDArray[np.uint64]) -> None:
        """Rows of a split: their hashes, in order, and the digest of the file they are from."""
        if not len(hashes):
            return
        found = self._open.get(split)
        if found is None or found.name != (span or source):
            first = 0 if found is None else found.first + found.rows
            self._close(split)
            found = self._open[split] = _Open(span or source, span, first, 0, hashlib.sha256(self._how), "")
        if found.source != source:
            found.digest.update(f"\n{source}\n".encode())
            found.source = source
        found.digest.update(np.ascontiguousarray(hashes).tobytes())
        found.rows += len(hashes)

    def finish(self) -> tuple[SpanRows, ...]:
        """All of them, by split and place."""
        for split in list(self._open):
            self._close(split)
        return tuple(sorted(self._done, key=lambda found: (found.split, found.first)))

    def _close(self, split: str) -> None:
        found = self._open.pop(split, None)
        if found is not None:
            digest = f"sha256:{found.digest.hexdigest()}"
            self._done.append(SpanRows(split, found.span, found.first, found.rows, digest))


@dataclass(slots=True)
class _Open:
    name: str
    span: str | None
    first: int
    rows: int
    digest: Any
    source: str
