"""What a source of rows promises, and what it is told when it is opened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from treadle.errors import UsageError

if TYPE_CHECKING:
    from treadle.schema import Schema

CHUNK_BYTES = 64 << 20
GROUP_BYTES = 4 << 30


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that could not be read."""

    row: int
    """Its number in the file; 1 is the first row, headers included."""
    reason: str
    """A stable word: ``ragged``, ``not-utf8``, ``wrong-type``, ``malformed``, ``checksum``, ``no-key``."""
    column: str | None
    text: str
    """What stood there, cut to a length that people read."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a source is to be read."""

    schema: Schema | None = None
    """What is known of the columns: a hint, for formats whose values have no types of their own."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The format's own options, as the delimiter of a CSV file."""
    lenient: bool = False
    """Leave rows out that cannot be read, and list them, instead of refusing the file."""
    chunk_bytes: int = CHUNK_BYTES
    """Text is read in pieces of this size: what a file needs in memory, whatever its length."""
    group_bytes: int = GROUP_BYTES
    """The most bytes that one compressed unit of a file may unfold to."""

    def option(self, name: str, default: Any) -> Any:
        """An option's value."""
        return self.options.get(name, default)

    def only(self, place: Path, *known: str) -> None:
        """Refuse options that the format does not have.

        Raises:
            UsageError: There is another one.
        """
        for name in self.options:
            if name not in known:
                raise UsageError(
                    f"This format has no option {name!r}.",
                    where={"file": place},
                    hint=f"Its options are {', '.join(known)}." if known else "It has none.",
                )


class Opened(Protocol):
    """A source that is open: its columns are known and its rows can be read as often as wanted."""

    @property
    def schema(self) -> pa.Schema:
        """Names and Arrow types of the columns."""

    @property
    def num_rows(self) -> int:
        """How many rows it gives."""

    @property
    def refused(self) -> Sequence[Refused]:
        """Rows it does not give because they cannot be read; empty unless the reading is lenient."""

    def batches(self, columns: list[str], batch_rows: int, *, dictionary: bool = False) -> Iterator[pa.RecordBatch]:
        """The rows in order, with at least these columns; ``columns`` is not empty and all are there."""


class Format(Protocol):
    """A module or object that knows one format of data; found through the entry point group ``treadle.sources``.

    ``open_source`` reads as much as it must to know columns, types and the number of rows. It raises a
    :class:`treadle.errors.DataError` that says where, and never gives a value that is not in the data.

    A format with ``SCHEMES`` also has ``fetch(url, folder) -> Path``, which puts what the URL names on this machine
    (in the folder given, unless it lies here already) and returns the path that ``open_source`` is to open. One whose
    path is no file has ``digest(path) -> "sha256:..."`` too. One whose data have versions has
    ``pin(url, version=None) -> (url, version)``: the URL of that version, or of the one that the URL means now.
    """

    SUFFIXES: tuple[str, ...]
    """Endings of file names, lower case, with the dot and without that of a packer."""
    SCHEMES: tuple[str, ...]
    """Schemes of URLs that are no files: the format fetches them itself."""

    def is_format(self, head: bytes) -> bool:
        """Whether a file that begins with these bytes is of this format beyond doubt."""

    def open_source(self, path: Path, reading: Reading) -> Opened:
        """Open a file."""


@dataclass
class TableSource:
    """A source whose rows are in memory."""

    table: pa.Table
    refused: Sequence[Refused] = ()

    @property
    def schema(self) -> pa.Schema:
        """The table's."""
        return self.table.schema

    @property
    def num_rows(self) -> int:
        """The table's."""
        return int(self.table.num_rows)

    def batches(
        self,
        columns: list[str],
        batch_rows: int,
        *,
        dictionary: bool = False,  # noqa: ARG002
    ) -> Iterator[pa.RecordBatch]:
        """The table's rows."""
        yield from self.table.select(columns).to_batches(batch_rows)


def shown(value: object) -> str:
    """What stood there, cut to a length that people read."""
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
    return text if len(text) <= 200 else text[:197] + "..."
