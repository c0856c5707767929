"""Where the data of a new project lie: one pattern for files, tables and what arrives later."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from treadle.cli._data_argument import Data
from treadle.errors import UsageError

_DATES = ((re.compile(r"\d{4}-\d{2}-\d{2}"), "{YYYY}-{MM}-{DD}"), (re.compile(r"\d{4}-\d{2}"), "{YYYY}-{MM}"))


@dataclass(frozen=True, slots=True)
class Place:
    """What the step ``ingest`` is told."""

    pattern: str
    """A pattern of files, or a URL."""
    dated: bool = False
    """Whether the files are data spans."""
    first: str | None = None
    """The first of the spans given, where the pattern has others too."""
    last: str | None = None


def place_of(files: Sequence[Data]) -> Place:
    """A pattern for these files, or the URL of the data.

    Raises:
        UsageError: There is none, or it would hold a password.
    """
    urls = [file for file in files if isinstance(file, str)]
    if urls:
        return _place_of_urls(urls, len(files))
    return _place_of_paths([file for file in files if isinstance(file, Path)])


def _place_of_urls(urls: Sequence[str], count: int) -> Place:
    from treadle.config import secrets_of

    if any(map(secrets_of, urls)):
        raise UsageError(
            "The URL holds a password, and it would be written into pipeline.py.",
            hint="Write ${NAME} in its place, and set NAME in the environment.",
        )
    if count == 1:
        return Place(urls[0])
    place = _dated("", sorted(urls)) if len(urls) == count else None
    if place is None:
        raise UsageError(
            "Several URLs must differ by a date in their names, and no file between them may be left out.",
            hint="Name one URL, or copy the files to this machine.",
        )
    return place


def _place_of_paths(files: Sequence[Path]) -> Place:
    paths = sorted(path.resolve() for path in files)
    if len(paths) == 1:
        return Place(str(paths[0]))
    folders, names = {path.parent for path in paths}, [path.name for path in paths]
    if len(folders) != 1:
        raise UsageError("The data files lie in several folders.", hint="Put them into one folder, or name one file.")
    folder = folders.pop()
    place = _dated(f"{folder}{os.sep}", names)
    if place is not None:
        return place
    start, end = _common(names), _common([name[::-1] for name in names])[::-1]
    if sorted(folder.glob(f"{start}*{end}")) == paths:
        return Place(str(folder / f"{start}*{end}"))
    raise UsageError(
        "The data files have no pattern of their own: their folder holds others that are named alike.",
        hint="Put them into a folder of their own.",
    )


def _dated(prefix: str, names: Sequence[str]) -> Place | None:
    """The pattern of names that differ by a date, if no span between the first and the last is left out."""
    from treadle.ingest import list_spans

    for expression, fields in _DATES:
        patterns = {expression.sub(fields, name, count=1) for name in names}
        pattern = prefix + next(iter(patterns))
        if len(patterns) != 1 or fields not in pattern:
            continue
        given = {f"{prefix}{name}" for name in names}
        spans = list_spans(pattern)
        wanted = [number for number, span in enumerate(spans) if given.issuperset(map(str, span.paths))]
        if len(wanted) == len(spans):
            return Place(pattern, dated=True)
        if len(wanted) == len(names) and wanted[-1] - wanted[0] == len(wanted) - 1:
            return Place(pattern, True, spans[wanted[0]].span, spans[wanted[-1]].span)
    return None


def _common(names: Sequence[str]) -> str:
    """The characters that all names begin with."""
    return os.path.commonprefix(list(names))  # noqa: RUF071 - characters of names, not folders of paths
