"""A file is written under a name of its own beside its place, synced, and takes the place in one step."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from treadle.errors import FileWriteError, TreadleError
from treadle.files._sync import sync


@contextmanager
def whole_file(path: str | os.PathLike[str], *, mode: int | None = None, durable: bool = True) -> Iterator[Path]:
    """An empty file to write, which takes the place of ``path`` when the block ends; when it raises, nothing is left.

    Args:
        path: Where the file is to be; what is there is replaced. Its folder must be there.
        mode: Its permissions; those of any new file (0666 less the umask) when not given.
        durable: Whether it is on the disk, with its name, when the block has ended. Without, it is whole for readers
            and after the death of this process, but may be lost or empty after the machine's: for what can be made
            anew.

    Raises:
        FileWriteError: The folder is not there, the disk is full, nothing may be written, ...
    """
    file = Path(path)
    part = file.parent / f".{file.name[:60]}.{os.urandom(6).hex()}"
    try:
        _create(part, mode)
        try:
            yield part
            if durable:
                sync(part)
            os.replace(part, file)
        except BaseException:
            with suppress(OSError):  # a disk that takes nothing may not let go either
                part.unlink()
            raise
        if durable:
            sync(file.parent)
    except OSError as error:
        if isinstance(error, TreadleError) or not _is_of_the_disk(error, part):
            raise  # of something else that the block did
        raise _refused(file, error) from error


def write_bytes(path: str | os.PathLike[str], data: bytes, *, mode: int | None = None, durable: bool = True) -> None:
    """Write a file whole or not at all; see :func:`whole_file`."""
    with whole_file(path, mode=mode, durable=durable) as part:
        part.write_bytes(data)


def write_text(path: str | os.PathLike[str], text: str, *, mode: int | None = None, durable: bool = True) -> None:
    """Write a text as UTF-8, its line ends as they are, whole or not at all; see :func:`whole_file`."""
    write_bytes(path, text.encode(), mode=mode, durable=durable)


def _create(part: Path, mode: int | None) -> None:
    descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o666 if mode is None else 0o600)
    try:
        if mode is not None:
            os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)


def _is_of_the_disk(error: OSError, part: Path) -> bool:
    """Whether an error is of the file that is written; writing and syncing say no name, and neither do sockets."""
    if error.filename is None:
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EFBIG)
    return error.filename in (str(part), str(part.parent))


def _refused(file: Path, error: OSError) -> FileWriteError:
    hints = {
        errno.ENOENT: f"mkdir -p {file.parent}",
        errno.ENOTDIR: f"{file.parent} is no folder: name another place",
        errno.ENOSPC: "make room on the disk",
        errno.EDQUOT: "make room on the disk, or ask for a larger quota",
        errno.EROFS: "the file system is read-only: name another place, or mount it for writing",
        errno.EACCES: f"name another place, or see who may write to {file.parent}",
    }
    what = f"The file cannot be written: {error.strerror or error}."
    return FileWriteError(what, where={"file": file}, hint=hints.get(error.errno or 0))
