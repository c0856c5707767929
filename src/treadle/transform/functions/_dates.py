"""Parts of local times beyond the hour, and numbers on a circle."""

from __future__ import annotations

import math

from treadle.errors import TransformError
from treadle.graph import nodes as n
from treadle.graph import text_nodes as t
from treadle.transform._column import Column, is_time, number
from treadle.transform._location import user_line
from treadle.transform.functions._numbers import _time_part


def minute(x: Column) -> Column:
    """The minute of a timestamp, 0 to 59; missing stays missing."""
    return _time_part("minute", x)


def second(x: Column) -> Column:
    """The second of a timestamp, 0 to 59, without its fraction; missing stays missing."""
    return _time_part("second", x)


def day_of_month(x: Column) -> Column:
    """The day of the month of a timestamp, 1 to 31; missing stays missing."""
    return _time_part("day", x)


def day_of_year(x: Column) -> Column:
    """The day of the year of a timestamp, 1 to 366; missing stays missing."""
    return _time_part("day_of_year", x)


def week_of_year(x: Column) -> Column:
    """The week of a timestamp as ISO 8601 counts, 1 to 53; missing stays missing.

    Weeks begin on Monday, and the first has the year's first Thursday: 1 January may lie in week 52 or 53.
    """
    return _time_part("week", x)


def quarter(x: Column) -> Column:
    """The quarter of a timestamp, 1 to 4; missing stays missing."""
    return _time_part("quarter", x)


def year(x: Column) -> Column:
    """The year of a timestamp; missing stays missing."""
    return _time_part("year", x)


def is_weekend(x: Column) -> Column:
    """Whether a timestamp is on a Saturday or Sunday; a missing one is not."""
    weekday = _time_part("weekday", x).node
    return Column(n.Comparison("greater_equal", n.ToNumber(weekday), n.Number(5.0)))


_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400, "weeks": 604_800}


def elapsed(start: Column, end: Column, unit: str = "days") -> Column:
    """How long it is from one time to another, with its fraction; below 0 backwards, and missing when either is.

    Args:
        start: A timestamp.
        end: Another.
        unit: ``seconds``, ``minutes``, ``hours``, ``days`` or ``weeks``; local time knows no leap seconds.
    """
    if unit not in _SECONDS:
        raise TransformError(f"A unit is one of {', '.join(_SECONDS)}, not {unit!r}.", where=user_line())
    if not (is_time(start) and is_time(end)):
        raise TransformError("elapsed is from one timestamp to another.", where=user_line())
    seconds = Column(n.Seconds(start.node, end.node))
    return seconds if unit == "seconds" else seconds / _SECONDS[unit]


def unix_time(x: Column) -> Column:
    """Seconds from 1970-01-01 00:00:00 of local time, with their fraction; missing stays missing."""
    if not is_time(x):
        raise TransformError("unix_time is of a timestamp.", where=user_line())
    return Column(n.Seconds(n.Key(0), x.node))


def cyclical(x: Column, period: float) -> tuple[Column, Column]:
    """``sin`` and ``cos`` of ``2 pi x / period``: the end of a period lies beside its beginning.

    Args:
        x: A column of numbers, as ``hour_of_day``; missing stays missing.
        period: After how much it begins again: 24 for hours.
    """
    if isinstance(period, bool) or not isinstance(period, int | float) or not 0 < period < math.inf:
        raise TransformError(f"A period is a number above 0, and this is {period!r}.", where=user_line())
    turns = n.Arithmetic("divide", number(x), n.Number(float(period)))
    return Column(t.Sine(turns)), Column(t.Sine(n.Arithmetic("add", turns, n.Number(0.25))))
