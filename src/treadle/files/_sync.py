"""What was written, on the disk: a file's bytes, and the names in a folder."""

from __future__ import annotations

import os
from typing import NoReturn


def sync(path: str | os.PathLike[str]) -> None:
    """Wait until the bytes of a file, or the names in a folder, are on the disk.

    Raises:
        OSError: It is not there, or the disk failed.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: str | os.PathLike[str]) -> None:
    """Wait until everything in a folder is on the disk: what is inside before the name that leads to it.

    Raises:
        OSError: Something cannot be read, or the disk failed.
    """
    for place, _, names in os.walk(folder, topdown=False, onerror=_raise):
        for name in names:
            sync(os.path.join(place, name))
        sync(place)


def _raise(error: OSError) -> NoReturn:
    raise error  # by default a folder that cannot be read is passed over in silence
