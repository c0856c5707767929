"""How blocks of Avro are packed: every codec that the specification names, unpacked up to a limit."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

ERRORS = (ValueError, OSError, EOFError, zlib.error, lzma.LZMAError, pa.ArrowException)
"""What unpacking may raise: a block is damaged, or too large."""


def unpack(codec: str, block: bytes, limit: int) -> bytes:
    """The bytes of a block.

    Args:
        codec: A name of ``CODECS``.
        block: As it stands in the file.
        limit: The most bytes it may unfold to.

    Raises:
        ValueError: It unfolds to more; or one of ``ERRORS``, if it is damaged.
    """
    return CODECS[codec](block, limit)


def _stored(block: bytes, limit: int) -> bytes:  # noqa: ARG001 - it is in memory already
    return block


def _stream(make: Callable[[], Any]) -> Callable[[bytes, int], bytes]:
    """Of a decompressor object of the standard library."""

    def unpacked(block: bytes, limit: int) -> bytes:
        unpacker = make()
        data: bytes = unpacker.decompress(block, limit)
        if not unpacker.eof:
            if len(data) >= limit:
                raise _too_large(limit)
            raise ValueError("a packed block is cut off")
        return data

    return unpacked


def _snappy(block: bytes, limit: int) -> bytes:
    """Raw snappy, then the checksum of what was packed, big-endian."""
    packed, expected = block[:-4], int.from_bytes(block[-4:], "big")
    size = _varint(packed)
    if size > limit:
        raise _too_large(limit)
    data: bytes = pa.Codec("snappy").decompress(packed, size, asbytes=True)
    if zlib.crc32(data) != expected:
        raise ValueError("the checksum of a packed block is another")
    return data


def _varint(data: bytes) -> int:
    """The size of what follows, as snappy writes it first."""
    size = 0
    for place, byte in enumerate(data[:5]):
        size |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return size
    raise ValueError("a packed block has no size")


def _zstandard(block: bytes, limit: int) -> bytes:
    with pa.CompressedInputStream(pa.BufferReader(block), "zstd") as stream:
        data: bytes = stream.read(limit + 1)
    if len(data) > limit:
        raise _too_large(limit)
    return data


def _too_large(limit: int) -> ValueError:
    return ValueError(f"a block unfolds to more than {limit:,} bytes")


CODECS: Mapping[str, Callable[[bytes, int], bytes]] = {
    "null": _stored,
    "deflate": _stream(lambda: zlib.decompressobj(-15)),
    "snappy": _snappy,
    "zstandard": _zstandard,
    "bzip2": _stream(bz2.BZ2Decompressor),
    "xz": _stream(lzma.LZMADecompressor),
}
