"""``examples.json``: what an Examples directory holds and where its rows came from; no names, no times."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from treadle.artifact import canonical_json
from treadle.errors import CorruptFileError, DataFileNotFoundError
from treadle.ingest._span_rows import SpanRows

FORMAT = "treadle.examples/3"
# the first had no quarantine and the second did not note which rows are of which span
_READ = ("treadle.examples/1", "treadle.examples/2", FORMAT)
FILE = "examples.json"


@dataclass(frozen=True, slots=True)
class Source:
    """One file that was read."""

    digest: str
    """``sha256:<hex>`` of its bytes."""
    rows_read: int
    rows_excluded: int
    """Rows that the row filter left out."""
    span: str | None = None
    version: int | None = None
    rows_quarantined: int = 0
    """Rows that could not be read and were set aside."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an Examples directory holds."""

    splits: dict[str, int]
    """Split -> number of rows."""
    rows_read: int
    rows_excluded: int
    sources: tuple[Source, ...]
    rows_quarantined: int = 0
    quarantine: dict[str, int] = field(default_factory=dict)
    """Reason -> how many rows were set aside for it; the rows are in ``quarantine.parquet``."""
    spans: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    """The columns of every split, before the row id."""
    columns_left_out: tuple[str, ...] = ()
    """Columns of the sources that the schema does not know."""
    where: str | None = None
    split_by: str = "row"
    event_time: str | None = None
    span_rows: tuple[SpanRows, ...] = ()
    """Which rows of a split came from which span; none where that was not noted."""

    def to_json(self) -> dict[str, Any]:
        """The manifest as JSON-able fields."""
        return {"format": FORMAT, **asdict(self)}

    def write(self, folder: Path) -> None:
        """Write the manifest; it is the last file of an Examples directory to be written."""
        (folder / FILE).write_bytes(canonical_json(self.to_json()) + b"\n")

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read the manifest of an Examples directory.

        Raises:
            DataFileNotFoundError: There is none.
            CorruptFileError: It cannot be read, or has another format.
        """
        file = folder / FILE
        try:
            fields = json.loads(file.read_bytes())
            if fields.pop("format") not in _READ:
                raise ValueError(f"its format is not {FORMAT}")
            fields["sources"] = tuple(Source(**source) for source in fields["sources"])
            fields["span_rows"] = tuple(SpanRows(**found) for found in fields.get("span_rows", ()))
            for name in ("spans", "columns", "columns_left_out"):
                fields[name] = tuple(fields[name])
            return cls(**fields)
        except FileNotFoundError as error:
            raise DataFileNotFoundError(
                "This is not a directory of examples: it has no examples.json.", where={"file": folder}
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CorruptFileError(f"The manifest cannot be read: {error}.", where={"file": file}) from error
