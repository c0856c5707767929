"""Parts of a local time, in integer arithmetic that is right before 1970 and at the ends of int64.

ONNX's ``Mod`` takes the divisor's sign, so a remainder is never negative and every step stays in range. The
calendar repeats every 400 years (146,097 days), which makes the month a table lookup.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from treadle.graph._emitter import Emitter
from treadle.graph._wire import Element

_HOUR = 3_600_000_000
_DAY = 24 * _HOUR
_CYCLE_DAYS = 146_097
_CLOCK = {"hour": (_DAY, _HOUR), "minute": (_HOUR, 60_000_000), "second": (60_000_000, 1_000_000)}


def time_part(emit: Emitter, part: str, x: str) -> str:
    """A part of ``x``, int64 microseconds since 1970 ``[N, 1]``, as int64 ``[N, 1]``."""
    if part == "weekday":  # 1970-01-01 was a Thursday
        days = _steps(emit, x, 7 * _DAY, _DAY)
        return emit.node("Gather", emit.constant(np.roll(np.arange(7), -3), np.int64), days)
    if part in _CLOCK:
        return _steps(emit, x, *_CLOCK[part])
    days = _steps(emit, x, _CYCLE_DAYS * _DAY, _DAY)
    table = _calendar(part)
    narrow = np.int8 if table.max() <= 127 else np.int16
    found = emit.node("Gather", emit.constant(table, narrow), days)
    whole = emit.node("Cast", found, to=Element.INT64)
    if part != "year":
        return whole
    period = emit.constant([[_CYCLE_DAYS * _DAY]], np.int64)
    # The start of the 400 years, as a multiple that divides without rest; the first such period is beyond int64.
    cycle = emit.node("Div", x, period)
    below = emit.node("Less", emit.node("Sub", x, emit.node("Mul", cycle, period)), emit.constant([[0]], np.int64))
    cycle = emit.node("Sub", cycle, emit.node("Cast", below, to=Element.INT64))
    return emit.node("Add", whole, emit.node("Mul", cycle, emit.constant([[400]], np.int64)))


def _steps(emit: Emitter, x: str, period: int, step: int) -> str:
    within = emit.node("Mod", x, emit.constant([[period]], np.int64))
    return emit.node("Div", within, emit.constant([[step]], np.int64))


def _calendar(part: str) -> npt.NDArray[np.int16]:
    """A part of the date of each of the 146,097 days from 1970-01-01; week is ISO 8601's."""
    days = np.arange(_CYCLE_DAYS).astype("datetime64[D]")
    months, years = days.astype("datetime64[M]"), days.astype("datetime64[Y]")
    if part == "year":
        found = years.astype(np.int64) + 1970
    elif part == "month":
        found = months.astype(np.int64) % 12 + 1
    elif part == "quarter":
        found = months.astype(np.int64) % 12 // 3 + 1
    elif part == "day":
        found = (days - months).astype(np.int64) + 1
    elif part == "day_of_year":
        found = (days - years).astype(np.int64) + 1
    else:
        assert part == "week", part
        # The week belongs to the year of its Thursday.
        thursdays = days + (3 - (days.astype(np.int64) + 3) % 7)
        found = (thursdays - thursdays.astype("datetime64[Y]")).astype(np.int64) // 7 + 1
    return found.astype(np.int16)
