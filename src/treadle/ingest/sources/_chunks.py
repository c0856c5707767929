"""Text in pieces: unpacked, in UTF-8, cut where one record ends and the next begins.

A piece is all of a text file that is in memory at one time.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from treadle.errors import CorruptFileError, TextEncodingError, UsageError
from treadle.ingest.sources._promise import Reading

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_PACKED = {".gz", ".bz2", ".zst"}
_PACKED_RATIO = 8  # what text is usually packed by, or more
_NEWLINE = ord("\n")


def text_chunks(path: Path, reading: Reading, *, quote: str | None = None) -> Iterator[bytes]:
    """The text of a file as UTF-8, in pieces of about ``reading.chunk_bytes`` that end with a line.

    Args:
        path: The file; ``.gz``, ``.bz2`` and ``.zst`` are unpacked on the way.
        reading: Its size of a piece, which is longer only where one record is; the most bytes of a record
            (``group_bytes``); and the option ``encoding``, by default UTF-8 or what the byte order mark says.
        quote: Lines do not end inside a pair of these.

    Raises:
        CorruptFileError: The file cannot be unpacked, or a record is longer than the limit.
        TextEncodingError: The text is not of the encoding given.
    """
    size, limit = _piece(path, reading.chunk_bytes), reading.group_bytes
    rest = b""
    for block in _utf8(path, size, reading.option("encoding", None)):
        rest += block
        end = _last_end(rest, quote)
        if end and len(rest) >= size:
            yield rest[:end]
            rest = rest[end:]
        if not end and len(rest) > limit:
            raise CorruptFileError(
                f"A record is longer than {limit:,} bytes.",
                where={"file": path, "bytes": path.stat().st_size},
                hint="A quote that nobody closed? If the file is sound, allow more with the option group_bytes.",
            )
    if rest:
        yield rest


def _piece(path: Path, size: int) -> int:
    """The size of a piece: a file that fits into one is read at once, a longer one in smaller pieces.

    While a piece is parsed its bytes, the rest of the last one and the columns are in memory together.
    """
    unpacked = path.stat().st_size * (_PACKED_RATIO if path.suffix.lower() in _PACKED else 1)
    return size if unpacked <= size else max(1, size // 4)


def _last_end(text: bytes, quote: str | None) -> int:
    """How many bytes make whole records; 0 for none."""
    if quote is None or quote.encode() not in text:
        return text.rfind(b"\n") + 1
    data = np.frombuffer(text, np.uint8)
    quotes = np.flatnonzero(data == ord(quote))
    ends = np.flatnonzero(data == _NEWLINE)
    outside = ends[np.searchsorted(quotes, ends) % 2 == 0]
    return int(outside[-1]) + 1 if len(outside) else 0


def _utf8(path: Path, size: int, encoding: str | None) -> Iterator[bytes]:
    blocks = _unpacked(path, max(size, 4))  # the longest mark is four bytes
    first = next(blocks, b"")
    mark, found = next(((mark, name) for mark, name in _MARKS if first.startswith(mark)), (b"", "utf-8"))
    first = first[len(mark) :]
    name = found if mark else (encoding or "utf-8")
    try:
        codec = codecs.lookup(name)
    except LookupError as error:
        raise UsageError(f"{encoding!r} is no text encoding.", hint="For example: latin-1, cp1252.") from error
    if codec.name == "utf-8":
        yield first
        yield from blocks
        return
    decoder = codec.incrementaldecoder("strict")
    try:
        yield decoder.decode(first).encode()
        for block in blocks:
            yield decoder.decode(block).encode()
        yield decoder.decode(b"", final=True).encode()
    except UnicodeDecodeError as error:
        raise TextEncodingError(f"The text is not {name}: {error.reason}.", where={"file": path}) from error


def _unpacked(path: Path, size: int) -> Iterator[bytes]:
    try:
        with pa.input_stream(str(path), compression="detect") as stream:
            while block := stream.read(size):
                yield block
    except (pa.ArrowInvalid, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise CorruptFileError(f"The file cannot be unpacked: {reason}.", where={"file": path}) from error
