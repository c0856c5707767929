"""Finding the format of a file: by its name, else by its first bytes. Only formats that are looked at are imported."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

from treadle.errors import CorruptFileError, DataSourceError, UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from treadle.ingest.sources._promise import Format

GROUP = "treadle.sources"

_PACKED = {".gz", ".bz2", ".zst"}


def formats() -> dict[str, Format]:
    """All formats by name: those of Treadle and those of installed packages."""
    return {name: _load(name) for name in _entries()}


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
        if name not in _entries():
            raise UsageError(
                f"There is no format {name!r}.",
                where={"file": path},
                hint=f"There are {', '.join(_entries())}; a package adds more through the entry point group {GROUP}.",
            )
        return _load(name)
    suffixes = [suffix.lower() for suffix in path.suffixes]
    while suffixes and suffixes[-1] in _PACKED:
        suffixes.pop()
    if suffixes:
        for known in _likeliest(suffixes[-1].removeprefix(".")):
            if suffixes[-1] in known.SUFFIXES:
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
    return next((known for known in _likeliest(plain) if plain in known.SCHEMES), None)


@cache
def _entries() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points

    return {entry.name: entry for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name)}


@cache
def _load(name: str) -> Format:
    entry = _entries()[name]
    try:
        return cast("Format", entry.load())
    except Exception as error:
        package = entry.dist.name if entry.dist is not None else entry.value
        raise DataSourceError(
            f"The format {name!r} cannot be loaded: {type(error).__name__}: {error}.",
            hint=f"Mend the package {package}, or remove it.",
        ) from error


def _likeliest(word: str) -> Iterator[Format]:
    """All formats, imported one by one as they are asked for: first the one that is called like an ending or scheme."""
    for name in sorted(_entries(), key=lambda name: (name != word, name)):
        yield _load(name)
