"""Where data lie: a path, or a URL whose content is brought to this machine for as long as it is read."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from treadle.artifact import digest_file
from treadle.config import masked
from treadle.errors import DataFileNotFoundError, EmptyFileError, TreadleError, UsageError
from treadle.ingest.sources import fetch_file, format_of, list_urls, scheme_of

if TYPE_CHECKING:
    from treadle.ingest.sources import Format, Opened, Reading
    from treadle.schema import Schema

PathLike = str | os.PathLike[str]

# one slash is enough: a URL that went through a Path has lost the other
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+):/{1,3}(?P<rest>.*)", re.DOTALL)


@dataclass(eq=False)
class Located:
    """Data that lie on this machine, at least until this object goes."""

    path: Path
    shown: PathLike
    """As it was named, without passwords; text if that is a URL."""
    format: Format | None = None
    """The format, where the URL says it."""
    folder: Path | None = None
    """What is removed with this object."""

    def __post_init__(self) -> None:
        if self.folder is not None:
            weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)

    def digest(self) -> str:
        """``sha256:<hex>`` of the content."""
        own = getattr(self.format, "digest", None)
        return str(own(self.path)) if own is not None else digest_file(self.path)


def is_url(place: PathLike) -> bool:
    """Whether a place is named by a URL."""
    return _URL.fullmatch(os.fspath(place)) is not None


def url_of(place: PathLike) -> str:
    """The URL in full, whatever a ``Path`` made of it."""
    text = os.fspath(place)
    match = _URL.fullmatch(text)
    if match is None or "://" in text:
        return text
    return f"{match['scheme']}://{'/' if match['scheme'] == 'file' else ''}{match['rest']}"


def locate(place: PathLike) -> Located:
    """Find a file, or bring what a URL names to this machine.

    Raises:
        DataFileNotFoundError: There is nothing, or no file.
        EmptyFileError: The file holds no byte.
        DataSourceError: The other side refuses.
    """
    if not is_url(place):
        path = Path(place)
        return Located(_existing(path, path), path)
    url = url_of(place)
    scheme = url.partition(":")[0]
    known = scheme_of(scheme)
    shown = masked(url)
    folder = Path(tempfile.mkdtemp(prefix="treadle-"))
    try:
        if known is not None:
            fetched: Path = known.fetch(url, folder)  # type: ignore[attr-defined]
            return Located(fetched, shown, known, folder)
        path = folder / (url.split("?")[0].rsplit("/", 1)[-1] or "data")
        fetch_file(url, path)
        return Located(_existing(path, shown), shown, None, folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def open_located(place: Located, reading: Reading, format_name: str | None = None) -> Opened:
    """Open data; errors name them as the user did."""
    known = place.format or format_of(place.path, format_name)
    with named_as_given(place):
        return known.open_source(place.path, reading)


@contextmanager
def named_as_given(place: Located) -> Iterator[None]:
    """Errors about the copy of a file are about the file."""
    try:
        yield
    except TreadleError as error:
        file = error.where.get("file")
        if isinstance(file, Path) and place.path != place.shown and file.is_relative_to(place.path):
            error.where["file"] = place.shown if file == place.path else f"{place.shown}/{file.relative_to(place.path)}"
        raise


def digest_source(place: PathLike) -> str:
    """``sha256:<hex>`` of what a path or URL holds now; for a query, of its rows."""
    return locate(place).digest()


def reading_of(
    schema: Schema | None, options: Mapping[str, Any] | None, *, lenient: bool = False
) -> tuple[Reading, str | None]:
    """How sources are to be read, and the name of their format, if the options say it."""
    from treadle.ingest.sources import Reading

    given = dict(options or {})
    name = given.pop("format", None)
    limits = {}
    for limit in ("chunk_bytes", "group_bytes"):
        if limit in given:
            limits[limit] = given.pop(limit)
            if type(limits[limit]) is not int or limits[limit] < 1:
                raise UsageError(f"The option {limit} is a number of bytes, not {limits[limit]!r}.")
    return Reading(schema, given, lenient, **limits), name


def url_candidates(pattern: str) -> list[str]:
    """The URLs of the files that a pattern with ``*`` names."""
    return list_urls(url_of(pattern))


def _existing(path: Path, shown: PathLike) -> Path:
    if not path.exists():
        raise DataFileNotFoundError(
            "There is no such file.",
            where={"file": shown},
            hint="Check the path; it is relative to the working directory.",
        )
    if path.is_dir():
        raise DataFileNotFoundError(
            "This is a directory, not a data file.", where={"file": shown}, hint=f"Name the files: {shown}/*.parquet."
        )
    try:
        with path.open("rb") as stream:
            if not stream.read(1):
                raise EmptyFileError("The file is empty.", where={"file": shown}, hint="Fetch or write it again.")
    except PermissionError as error:
        raise DataFileNotFoundError("The file may not be read.", where={"file": shown}) from error
    return path
