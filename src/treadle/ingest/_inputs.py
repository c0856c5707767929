"""The files of a build: where they lie, what they hold, how many of their rows went where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from treadle.errors import DataError, UsageError
from treadle.ingest._manifest import Source
from treadle.ingest._places import Located, PathLike, locate, reading_of
from treadle.ingest._scan import Scan
from treadle.ingest._spans import SpanFiles
from treadle.schema import Schema

Files = Iterable["PathLike | SpanFiles"]


@dataclass
class Input:
    """One file and its counts."""

    place: Located
    digest: str
    span: str | None = None
    version: int | None = None
    split: str | None = None
    """The split all its rows belong to, if the files say it."""
    rows_read: int = 0
    rows_excluded: int = 0
    rows_quarantined: int = 0
    left_out: set[str] = field(default_factory=set)
    """Columns that the schema does not know."""

    @property
    def shown(self) -> PathLike:
        """The file as it was named."""
        return self.place.shown

    def begin(self) -> None:
        """Forget the counts of an earlier pass."""
        self.rows_read = self.rows_excluded = self.rows_quarantined = 0

    def scan(self, schema: Schema, options: Mapping[str, Any] | None, *, lenient: bool) -> Scan:
        """Open the file."""
        reading, name = reading_of(schema, options, lenient=lenient)
        return Scan([self.place], reading, name)

    def record(self) -> Source:
        """What the manifest says of the file."""
        return Source(self.digest, self.rows_read, self.rows_excluded, self.span, self.version, self.rows_quarantined)


def find_inputs(files: Files | Mapping[str, Files]) -> Iterator[Input]:
    """The files, each with its digest.

    Raises:
        UsageError: There is none.
        DataError: Two have the same bytes.
    """
    seen: dict[str, PathLike] = {}
    groups = files.items() if isinstance(files, Mapping) else [(None, files)]
    for split, group in groups:
        for item in group:
            paths: Iterable[PathLike] = item.paths if isinstance(item, SpanFiles) else (item,)
            for path in paths:
                place = locate(path)
                digest = place.digest()
                if digest in seen:
                    raise DataError(
                        "Two files have the same bytes: every row would be there twice.",
                        where={"file": place.shown, "other_file": seen[digest]},
                        hint="Leave one of them out.",
                    )
                seen[digest] = place.shown
                span, version = (item.span, item.version) if isinstance(item, SpanFiles) else (None, None)
                yield Input(place, digest, span or None, version, split)
    if not seen:
        raise UsageError("No data file is given.")
