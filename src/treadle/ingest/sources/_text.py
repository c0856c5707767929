"""Plain text: a row a line, the column ``text``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from treadle.errors import TextEncodingError
from treadle.ingest.sources._chunks import text_chunks
from treadle.ingest.sources._promise import Opened, Reading, Refused, shown

SUFFIXES = (".txt", ".text")
SCHEMES = ()


def is_format(head: bytes) -> bool:  # noqa: ARG001
    """Nothing says that a text has no other format."""
    return False


def open_source(path: Path, reading: Reading) -> Opened:
    """The lines of a text file, without their ends. Options: ``encoding``."""
    reading.only(path, "encoding")
    return TextSource(path, reading)


class TextSource:
    """The lines of one file. Made by :func:`open_source`."""

    schema = pa.schema([("text", pa.string())])

    def __init__(self, path: Path, reading: Reading) -> None:
        self.path = path
        self.refused: list[Refused] = []
        self._reading = reading
        self.num_rows = sum(len(lines) for lines in self._lines(self.refused))

    def batches(
        self,
        columns: list[str],  # noqa: ARG002
        batch_rows: int,
        *,
        dictionary: bool = False,  # noqa: ARG002
    ) -> Iterator[pa.RecordBatch]:
        """The lines in order."""
        for lines in self._lines([]):
            for start in range(0, len(lines), batch_rows):
                yield pa.record_batch([pa.array(lines[start : start + batch_rows], pa.string())], names=["text"])

    def _lines(self, refused: list[Refused]) -> Iterator[list[str]]:
        number = 0
        for chunk in text_chunks(self.path, self._reading):
            lines = []
            pieces = chunk.split(b"\n")
            for piece in pieces[:-1] if not pieces[-1] else pieces:
                number += 1
                try:
                    lines.append(piece.removesuffix(b"\r").decode("utf-8"))
                except UnicodeDecodeError as error:
                    if not self._reading.lenient:
                        raise TextEncodingError(
                            "The text is not UTF-8.",
                            where={"file": self.path, "row": number},
                            hint="Say which encoding it has, for example the option encoding=latin-1.",
                        ) from error
                    refused.append(Refused(number, "not-utf8", None, shown(piece)))
            yield lines
