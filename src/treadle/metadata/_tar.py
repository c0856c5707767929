"""Plain tar: regular files in an order known beforehand, nothing else.

The reader knows which file must come next and how long it is, so what the general format allows besides (links,
devices, sparse files, extended headers, names that lead elsewhere, a second copy of a file) is refused by not being
that file. There is no compression, so nothing unfolds.
"""

from __future__ import annotations

import tarfile
from typing import IO

from treadle.errors import ArchiveError

_BLOCK = 512
_PIECE = 1 << 20


def write_member(archive: IO[bytes], name: str, size: int, content: IO[bytes]) -> None:
    """Append a file; its time, owner and mode are always the same.

    Raises:
        ArchiveError: When there are not exactly ``size`` bytes.
    """
    header = tarfile.TarInfo(name)
    header.size, header.mode = size, 0o644
    archive.write(header.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape"))
    left = size
    while left and (piece := content.read(min(_PIECE, left))):
        archive.write(piece)
        left -= len(piece)
    if left or content.read(1):
        raise ArchiveError("A file changed while it was put into the archive", where={"file": name})
    archive.write(b"\0" * (-size % _BLOCK))


def write_end(archive: IO[bytes]) -> None:
    """End the archive."""
    archive.write(b"\0" * (2 * _BLOCK))


def read_header(archive: IO[bytes]) -> tuple[str, int]:
    """The name and size of the regular file that comes next.

    Raises:
        ArchiveError: When what comes next is not one.
    """
    block = archive.read(_BLOCK)
    try:
        header = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
    except (tarfile.HeaderError, UnicodeDecodeError) as error:
        raise ArchiveError(f"The archive is cut off or damaged: {error}") from error
    if header.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or header.size < 0:
        raise ArchiveError("The archive holds something that is not a regular file", where={"name": ascii(header.name)})
    return header.name, header.size


def read_content(archive: IO[bytes], size: int, target: IO[bytes]) -> None:
    """Copy a file's content out of the archive.

    Raises:
        ArchiveError: When the archive ends first.
    """
    left = size
    while left:
        piece = archive.read(min(_PIECE, left))
        if not piece:
            raise ArchiveError("The archive is cut off", where={"missing bytes": left})
        target.write(piece)
        left -= len(piece)
    if len(archive.read(-size % _BLOCK)) != -size % _BLOCK:
        raise ArchiveError("The archive is cut off")


def read_end(archive: IO[bytes]) -> None:
    """Make sure that the archive ends here.

    Raises:
        ArchiveError: When it does not.
    """
    rest = archive.read(64 * 1024)
    if len(rest) < 2 * _BLOCK or rest.strip(b"\0") or len(rest) == 64 * 1024:
        raise ArchiveError("The archive does not end where it should")
