"""Arrow IPC: files (also called Feather) and streams."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from treadle.errors import CorruptFileError
from treadle.ingest.sources._promise import Opened, Reading, Refused

SUFFIXES = (".arrow", ".feather", ".ipc", ".arrows")
SCHEMES = ()

_MAGIC = b"ARROW1"


def is_format(head: bytes) -> bool:
    """Whether the bytes are the magic of an Arrow file, or begin a stream."""
    return head.startswith((_MAGIC, b"\xff\xff\xff\xff"))


def open_source(path: Path, reading: Reading) -> Opened:
    """The rows of an Arrow file or stream."""
    reading.only(path)
    return ArrowSource(path)


class ArrowSource:
    """The rows of one file. Made by :func:`open_source`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.refused: tuple[Refused, ...] = ()
        self.num_rows = 0
        with self._reader() as (schema, batches):
            self.schema = schema
            for batch in batches:
                self.num_rows += batch.num_rows

    def batches(
        self,
        columns: list[str],
        batch_rows: int,
        *,
        dictionary: bool = False,  # noqa: ARG002
    ) -> Iterator[pa.RecordBatch]:
        """The rows in order."""
        with self._reader() as (_, batches):
            for batch in batches:
                part = batch.select(columns)
                for start in range(0, part.num_rows, batch_rows):
                    yield part.slice(start, batch_rows)

    @contextmanager
    def _reader(self) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
        """Schema and batches; whatever is wrong with the file becomes one sentence."""
        try:
            with pa.memory_map(str(self.path)) as stream:
                if stream.read(len(_MAGIC)) == _MAGIC:
                    file = pa.ipc.open_file(stream)
                    yield file.schema, _checked(file.get_batch(place) for place in range(file.num_record_batches))
                else:
                    stream.seek(0)
                    reader = pa.ipc.open_stream(stream)
                    yield reader.schema, _checked(reader)
        except (pa.ArrowException, OSError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
            raise CorruptFileError(
                f"The file is not a whole Arrow file: {reason}.",
                where={"file": self.path},
                hint="It was probably cut off while it was written or copied: fetch or write it again.",
            ) from error


def _checked(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        batch.validate(full=True)
        yield batch
