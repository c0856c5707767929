"""Data spans: which files belong to which stretch of data, by the numbers and dates in their names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from treadle.errors import DataError, DataFileNotFoundError, UsageError
from treadle.ingest._places import is_url, url_candidates, url_of
from treadle.ingest.sources import scheme_of

_FIELDS = {"YYYY": r"\d{4}", "MM": r"\d{2}", "DD": r"\d{2}", "SPAN": r"\d+", "VERSION": r"\d+"}
_TOKEN = re.compile(r"(?<!\$)\{([^{}]*)\}|(\*)")  # ${NAME} is a variable of the environment


@dataclass(frozen=True, slots=True)
class SpanFiles:
    """The files of one data span, in its newest version."""

    span: str
    """``2018-01`` or ``2018-01-31`` for dates, the number for ``{SPAN}``; empty if the pattern has neither."""
    version: int | None
    """The version's number, if the pattern has ``{VERSION}``; of a table its version or snapshot."""
    paths: tuple[Path | str, ...]
    """The files, sorted by name; strings where they are URLs."""


def list_spans(pattern: str, *, version: int | None = None) -> list[SpanFiles]:
    """The data spans that exist, oldest first; of each span only its highest version.

    Args:
        pattern: A path or URL with ``{YYYY}-{MM}`` (and perhaps ``{DD}``), or ``{SPAN}``; perhaps ``{VERSION}``; ``*``
            stands for any part of a name. A field may stand more than once and must then have one value. A table
            (``iceberg://``, ``delta://``) is one span without a name, in the version that the URL means now.
        version: Of a table, the version to read in place of that one.

    Raises:
        DataFileNotFoundError: No file matches.
        DataError: A matching name holds an impossible date.
        UsageError: The pattern has an unknown field.
    """
    known = scheme_of(pattern.partition(":")[0]) if is_url(pattern) else None
    if known is not None:  # a query, a folder or a table: the whole is one span
        pin = getattr(known, "pin", None)
        url, found_version = pin(url_of(pattern), version) if pin is not None else (pattern, None)
        return [SpanFiles("", found_version, (url,))]
    fields, expression = _compile(pattern)
    found: dict[tuple[int, ...], dict[int, list[Path | str]]] = {}
    names: dict[tuple[int, ...], str] = {}
    for path in _candidates(pattern):
        match = expression.fullmatch(path if isinstance(path, str) else path.as_posix())
        if match is None:
            continue
        values = {field: int(match[field]) for field in fields}
        order, name = _span(values, path)
        names[order] = name
        found.setdefault(order, {}).setdefault(values.get("VERSION", -1), []).append(path)
    if not found:
        raise DataFileNotFoundError(
            "No file matches the pattern.",
            where={"pattern": pattern},
            hint="Check the folder and the fields in braces.",
        )
    spans = []
    for order in sorted(found):
        version = max(found[order])
        paths = tuple(sorted(found[order][version], key=str))
        spans.append(SpanFiles(names[order], None if version < 0 else version, paths))
    return spans


def _compile(pattern: str) -> tuple[list[str], re.Pattern[str]]:
    fields: list[str] = []
    parts: list[str] = []
    end = 0
    for match in _TOKEN.finditer(pattern):
        parts.append(re.escape(pattern[end : match.start()]))
        end = match.end()
        if match[2]:
            parts.append(r"[^/]*")
            continue
        field = match[1]
        if field not in _FIELDS:
            raise UsageError(
                f"The pattern has an unknown field {{{field}}}.",
                where={"pattern": pattern},
                hint="The fields are {YYYY}, {MM}, {DD}, {SPAN} and {VERSION}.",
            )
        parts.append(f"(?P={field})" if field in fields else f"(?P<{field}>{_FIELDS[field]})")
        if field not in fields:
            fields.append(field)
    parts.append(re.escape(pattern[end:]))
    dates = [field for field in ("YYYY", "MM", "DD") if field in fields]
    if dates != ["YYYY", "MM", "DD"][: len(dates)] or (dates and "SPAN" in fields):
        raise UsageError(
            "The pattern's fields do not name a data span.",
            where={"pattern": pattern},
            hint="Use {YYYY}, {YYYY}-{MM}, {YYYY}-{MM}-{DD}, or {SPAN}.",
        )
    return fields, re.compile("".join(parts))


def _candidates(pattern: str) -> Sequence[Path | str]:
    """Files whose names may match, found by a glob in which every field is a star."""
    glob = _TOKEN.sub("*", pattern)
    if is_url(pattern):
        return url_candidates(glob)
    path = Path(glob)
    steps = path.parts
    fixed = next((index for index, step in enumerate(steps) if "*" in step), len(steps))
    if fixed == len(steps):
        return [path] if path.is_file() else []
    root = Path(*steps[:fixed]) if fixed else Path()
    return sorted(file for file in root.glob("/".join(steps[fixed:])) if file.is_file())


def _span(values: dict[str, int], path: Path | str) -> tuple[tuple[int, ...], str]:
    if "SPAN" in values:
        return (values["SPAN"],), str(values["SPAN"])
    parts = [values[field] for field in ("YYYY", "MM", "DD") if field in values]
    if parts:
        try:
            date(*[*parts, 1, 1][:3])
        except ValueError as error:
            raise DataError(f"The file's name holds an impossible date: {error}.", where={"file": path}) from error
    return tuple(parts), "-".join(f"{part:0{4 if index == 0 else 2}d}" for index, part in enumerate(parts))
