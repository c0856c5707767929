"""Finding the format of a file: by its name, else by its first bytes."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import cast

from treadle.errors import CorruptFileError, UsageError
from treadle.ingest.sources._promise import Format

GROUP = "treadle.sources"

_PACKED = {".gz", ".bz2", ".zst"}


@cache
def formats() -> dict[str, Format]:
    """All formats by name: those of Treadle and those of installed packages."""
    return {
        entry.name: cast("Format", entry.load()) for entry in sorted(entry_points(group=GROUP), key=lambda e: e.name)
    }


def format_of(path: Path, name: str | None = None) -> Format:
    """The format of a file.

    Args:
        path: The file.
        name: The name of its format, where the file's own name does not say it.

    Raises:
        CorruptFileError: Neither its name nor its bytes say it.
        UsageError: No format has that name.
    """
    if name is not None:
        if name not in formats():
            raise UsageError(
                f"There is no format {name!r}.",
                where={"file": path},
                hint=f"There are {', '.join(formats())}; a package adds more through the entry point group {GROUP}.",
            )
        return formats()[name]
    suffixes = [suffix.lower() for suffix in path.suffixes]
    while suffixes and suffixes[-1] in _PACKED:
        suffixes.pop()
    for known in formats().values():
        if suffixes and suffixes[-1] in known.SUFFIXES:
            return known
    with path.open("rb") as stream:
        head = stream.read(512)
    for known in formats().values():
        if known.is_format(head):
            return known
    endings = sorted({ending for known in formats().values() for ending in known.SUFFIXES})
    raise CorruptFileError(
        "The file's format is not known.",
        where={"file": path},
        hint=f"Name it {', '.join(endings)}; or say which it is with the option format.",
    )


def scheme_of(scheme: str) -> Format | None:
    """The format that fetches URLs of a scheme by itself, if one does."""
    plain = scheme.split("+", 1)[0].lower()
    return next((known for known in formats().values() if plain in known.SCHEMES), None)
