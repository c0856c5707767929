"""One segment of the request log: an append-only file while open, one Parquet file when sealed.

The open file is a line that names the format, then frames: length and CRC-32 (both little-endian, 32 bits), then
that many bytes. The first frame is the Arrow schema, each later one a record batch. A frame is there whole or it
is the torn tail of a process that died: reading stops at the first frame that does not add up.

The writer holds a lock on the open file for as long as it lives, so that another server that starts can tell a
segment in use from one left behind.
"""

from __future__ import annotations

import fcntl
import os
import struct
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from treadle.artifact import REQUEST_LOG_FORMAT
from treadle.errors import RequestLogError
from treadle.files import whole_file

if TYPE_CHECKING:
    import pyarrow as pa

_MAGIC = f"{REQUEST_LOG_FORMAT} open\n".encode()
_HEADER = struct.Struct("<II")


class Segment:
    """A segment being written. Used by one thread at a time."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.num_rows = 0
        self.num_bytes = 0
        self._descriptor = descriptor

    @classmethod
    def create(cls, folder: Path, schema: pa.Schema, first_time: int) -> Segment:
        """Start a segment.

        Args:
            folder: The log folder of one model; made if it is not there.
            schema: The columns of every batch that will follow.
            first_time: The server's clock at the first row, in microseconds since 1970, UTC.
        """
        folder.mkdir(parents=True, exist_ok=True)
        moment = datetime.fromtimestamp(first_time // 1_000_000, UTC).strftime("%Y%m%dT%H%M%S")
        number = 0
        while True:
            path = folder / f"segment-{moment}.{first_time % 1_000_000:06d}Z-{number:04d}.open"
            descriptor = None if path.with_suffix(".parquet").exists() else _create_locked(path)
            if descriptor is not None:
                segment = cls(path, descriptor)
                segment._write(_MAGIC)
                segment._append_frame(schema.serialize().to_pybytes())
                return segment
            number += 1

    def append(self, batch: pa.RecordBatch) -> None:
        """Append rows. A failure leaves the file as it was before.

        Raises:
            OSError: The disk is full, or gone.
        """
        self._append_frame(batch.serialize().to_pybytes())
        self.num_rows += batch.num_rows

    def seal(self) -> Path | None:
        """Turn the segment into its Parquet file and let go of it; ``None`` if it held no whole row."""
        sealed = _seal(self.path)
        os.close(self._descriptor)
        return sealed

    def abandon(self) -> None:
        """Let go of the open file as it stands: the next start recovers it."""
        os.close(self._descriptor)

    def _append_frame(self, payload: bytes) -> None:
        self._write(_HEADER.pack(len(payload), zlib.crc32(payload)) + payload)

    def _write(self, data: bytes) -> None:
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError:
            # half a frame in the middle would hide every later one
            os.ftruncate(self._descriptor, self.num_bytes)
            raise
        self.num_bytes += len(data)


def recover(path: Path) -> Path | None:
    """Seal an open file that a server left behind when it died.

    Returns:
        The sealed file; ``None`` if a living server writes the segment, or it held no whole row.

    Raises:
        RequestLogError: The file is of another format.
    """
    try:
        descriptor = os.open(path, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return _seal(path)
        finally:
            os.close(descriptor)
    except (BlockingIOError, FileNotFoundError):
        return None  # in use; or sealed while we looked


def _create_locked(path: Path) -> int | None:
    """A locked descriptor of a new file, or ``None`` if the name is taken."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o644)
    except FileExistsError:
        return None
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    # Before the lock was ours, a server that starts may have taken the empty file for one left behind.
    try:
        if os.path.samestat(os.stat(path), os.fstat(descriptor)):
            return descriptor
    except FileNotFoundError:
        pass
    os.close(descriptor)
    return None


def _seal(path: Path) -> Path | None:
    """Write the Parquet file of an open one, whole or not at all, then remove the open one."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    frames = _frames(path)
    schema_frame = next(frames, None)
    batches: list[pa.RecordBatch] = []
    if schema_frame is not None:
        schema = pa.ipc.read_schema(pa.py_buffer(schema_frame))
        batches = [pa.ipc.read_record_batch(pa.py_buffer(frame), schema) for frame in frames]
    if not batches:
        path.unlink()
        return None
    table = pa.Table.from_batches(batches).combine_chunks()
    table = table.replace_schema_metadata({"treadle.format": REQUEST_LOG_FORMAT})
    sealed = path.with_suffix(".parquet")
    with whole_file(sealed) as part:
        pq.write_table(table, part, compression="zstd")
    for litter in path.parent.glob(f".{sealed.name}.*"):  # of one who died over this; the lock on `path` is ours
        litter.unlink()
    path.unlink()
    return sealed


def _frames(path: Path) -> Iterator[bytes]:
    """The whole frames of an open file, up to the first that does not add up."""
    data = path.read_bytes()
    if not data.startswith(_MAGIC):
        if _MAGIC.startswith(data):
            return  # its writer died over the first line
        raise RequestLogError(
            "An open segment of the request log is of a format that this version does not know.",
            where={"file": path},
            hint="Let the version of Treadle that wrote it seal it, or move it away.",
        )
    position = len(_MAGIC)
    while position + _HEADER.size <= len(data):
        length, checksum = _HEADER.unpack_from(data, position)
        position += _HEADER.size
        frame = data[position : position + length]
        if len(frame) < length or zlib.crc32(frame) != checksum:
            return
        yield frame
        position += length
