"""Which of the data spans that exist are wanted: a range, a rolling window, and whether gaps are allowed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

from treadle.errors import DataFileNotFoundError, UsageError
from treadle.ingest._spans import SpanFiles

_NAME = re.compile(r"\d+|\d{4}-\d{2}(-\d{2})?")
Place = tuple[int, ...]


def select_spans(
    spans: Sequence[SpanFiles],
    *,
    first: str | None = None,
    last: str | None = None,
    window: int | None = None,
    skip: int = 0,
    complete: bool = False,
) -> list[SpanFiles]:
    """A stretch of spans: from ``first`` to ``last``, both included, of these all but the newest ``skip``, and of these
    the last ``window``.

    Args:
        spans: What exists, oldest first.
        first: The first span; among days a month or a year means all of it.
        last: The last span, likewise.
        window: How many of the newest.
        skip: How many of the newest to leave out, as those whose labels are not all in.
        complete: Refuse a stretch in which a span is missing, that has fewer than ``window``, or that does not begin
            and end with the spans that are named. Otherwise a window reaches further back where one is missing.

    Raises:
        DataFileNotFoundError: Nothing is left, or a span is missing from a stretch that must be complete.
        UsageError: ``window`` is less than one, ``skip`` less than none, or a name is not that of a span.
    """
    if window is not None and window < 1:
        raise UsageError(f"A window of {window} data spans holds nothing.")
    if skip < 0:
        raise UsageError(f"{skip} data spans cannot be left out.")
    places = [_place(span.span) for span in spans]
    start, end = (None if name is None else _named(name, spans) for name in (first, last))
    kept = [
        number
        for number, place in enumerate(places)
        if (start is None or place[: len(start)] >= start) and (end is None or place[: len(end)] <= end)
    ]
    kept = kept[: len(kept) - skip]
    if window is not None:
        kept = kept[-window:]
    if not kept:
        raise DataFileNotFoundError(
            "No data span lies there.",
            where={"first": first, "last": last, "window": window, "skip": skip or None},
            hint=f"There are {spans[0].span} to {spans[-1].span}." if spans else None,
        )
    if complete:
        _check_complete([places[number] for number in kept], start, end if not skip else None, window)
    return [spans[number] for number in kept]


def _place(name: str) -> Place:
    return tuple(int(part) for part in name.split("-")) if name else ()


def _named(name: str, spans: Sequence[SpanFiles]) -> Place:
    """The place in time of a name that somebody wrote."""
    depth = max((len(_place(span.span)) for span in spans), default=0)
    place = _place(name) if _NAME.fullmatch(name) else ()
    if not place or not depth or (depth == 1 and len(place) > 1) or (depth > 1 and place[0] < 1000):
        example = f" like {spans[0].span!r}" if spans and spans[0].span else ""
        raise UsageError(
            f"{name!r} is not a data span{example}.",
            hint=None if example else "These data have no spans: their pattern has no date and no {SPAN}.",
        )
    return place


def _check_complete(kept: Sequence[Place], start: Place | None, end: Place | None, window: int | None) -> None:
    missing = [_name(gap) for before, after in pairwise(kept) for gap in _between(before, after)]
    if window is None and start is not None and kept[0][: len(start)] != start:
        missing.insert(0, _name(start))
    if end is not None and kept[-1][: len(end)] != end:
        missing.append(_name(end))
    if missing:
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise DataFileNotFoundError(
            f"Data spans are missing: {', '.join(missing[:5])}{more}.",
            hint="Deliver them, or allow gaps (complete=False).",
        )
    if window is not None and len(kept) < window:
        raise DataFileNotFoundError(
            f"The window asks for {window} data spans, and there are {len(kept)}: {_name(kept[0])} to"
            f" {_name(kept[-1])}.",
            hint="Wait for more, or allow fewer (complete=False).",
        )


def _between(before: Place, after: Place) -> list[Place]:
    """The places that lie between two spans, at most a hundred."""
    found: list[Place] = []
    place = _next(before)
    while place < after and len(found) < 100:
        found.append(place)
        place = _next(place)
    return found


def _next(place: Place) -> Place:
    if len(place) < 2:
        return tuple(part + 1 for part in place)
    if len(place) == 2:
        year, month = place
        return (year, month + 1) if month < 12 else (year + 1, 1)
    day = date(*place) + timedelta(days=1)
    return day.year, day.month, day.day


def _name(place: Place) -> str:
    return str(place[0]) if len(place) == 1 else "-".join(f"{part:0{2 if n else 4}d}" for n, part in enumerate(place))
