"""Writing a file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from treadle.errors import StatisticsError


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Write beside the target, and take its place when everything is on the disk.

    Raises:
        StatisticsError: The folder is not there, or nothing may be written in it.
    """
    file = Path(path)
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    except OSError as error:
        raise StatisticsError(
            f"The file cannot be written: {error.strerror}.",
            where={"file": file},
            hint=f"Is the folder {file.parent} there, and may it be written to?",
        ) from error
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
