"""Images in a column of bytes: formats and sizes as their headers say. Nothing is decoded."""

from __future__ import annotations

import struct
from typing import Any

import pyarrow as pa

from treadle.errors import StatisticsError

_SHARE, _LEAST = 0.8, 100
_START_OF_FRAME = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


class ImageMeasure:
    """How many values are images, of which format, and how large."""

    def __init__(self) -> None:
        self.values = 0
        self.formats: dict[str, int] = {}
        self.max_width = 0
        self.max_height = 0

    @property
    def is_image(self) -> bool | None:
        """Whether at least 0.8 of the values are images; ``None`` for fewer than 100 values."""
        return sum(self.formats.values()) >= _SHARE * self.values if self.values >= _LEAST else None

    def add(self, column: pa.Array) -> None:
        """Count a batch of byte strings."""
        if not pa.types.is_binary(column.type):
            raise StatisticsError(f"Images are looked for in bytes, not in {column.type}.")
        self.values += len(column)
        for value in column:
            found = image_header(memoryview(value.as_buffer()).cast("B"))
            if found:
                name, width, height = found
                self.formats[name] = self.formats.get(name, 0) + 1
                self.max_width, self.max_height = max(self.max_width, width), max(self.max_height, height)

    def merge(self, other: ImageMeasure) -> None:
        """Take in the values behind another."""
        self.values += other.values
        for name, count in other.formats.items():
            self.formats[name] = self.formats.get(name, 0) + count
        self.max_width = max(self.max_width, other.max_width)
        self.max_height = max(self.max_height, other.max_height)

    def to_json(self) -> dict[str, Any]:
        """Images by format, and the largest width and height in pixels."""
        found = dict(sorted(self.formats.items()))
        sizes = {"max_width": self.max_width, "max_height": self.max_height} if found else {}
        return {"is_image": self.is_image, "images": sum(found.values()), "formats": found, **sizes}

    def state(self) -> dict[str, Any]:
        """All that was counted."""
        return {"values": self.values, "formats": self.formats, "size": [self.max_width, self.max_height]}

    def restore(self, state: dict[str, Any]) -> None:
        """Take on a state that was saved."""
        self.values = int(state["values"])
        self.formats = {str(name): int(count) for name, count in state["formats"].items()}
        self.max_width, self.max_height = (int(part) for part in state["size"])


def image_header(data: memoryview) -> tuple[str, int, int] | None:
    """Format, width and height of an image; ``None`` where the bytes do not begin as one."""
    head = bytes(data[:32])
    try:
        if head[:8] == b"\x89PNG\r\n\x1a\n" and head[12:16] == b"IHDR":
            return ("png", *struct.unpack_from(">II", data, 16))
        if head[:6] in (b"GIF87a", b"GIF89a"):
            return ("gif", *struct.unpack_from("<HH", data, 6))
        if head[:2] == b"BM":
            width, height = struct.unpack_from("<ii", data, 18)
            return ("bmp", abs(width), abs(height)) if struct.unpack_from("<I", data, 14)[0] >= 40 else None
        if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
            return _webp(data)
        if head[:3] == b"\xff\xd8\xff":
            return _jpeg(data)
    except (struct.error, IndexError):  # cut off within the header
        return None
    return None


def _webp(data: memoryview) -> tuple[str, int, int] | None:
    kind = bytes(data[12:16])
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[start : start + 3], "little") + 1 for start in (24, 27))
        return ("webp", width, height) if len(data) >= 30 else None
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return "webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return "webp", width & 0x3FFF, height & 0x3FFF
    return None


def _jpeg(data: memoryview) -> tuple[str, int, int] | None:
    place = 2
    while data[place] == 0xFF:
        marker = data[place + 1]
        if marker in _START_OF_FRAME:
            height, width = struct.unpack_from(">HH", data, place + 5)
            return "jpeg", width, height
        if marker == 0xDA:  # the pixels begin, and no frame said how large
            return None
        place += 2 + struct.unpack_from(">H", data, place + 2)[0]
    return None
