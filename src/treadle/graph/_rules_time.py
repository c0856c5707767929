"""Parts of a local time, in integer arithmetic that is right before 1970 and at the ends of int64.

ONNX's ``Mod`` takes the divisor's sign, so a remainder is never negative and every step stays in range. The
calendar repeats every 400 years (146,097 days), which makes the month a table lookup.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from onnx import TensorProto

from treadle.graph._emitter import Emitter

_HOUR = 3_600_000_000
_DAY = 24 * _HOUR
_CYCLE_DAYS = 146_097


def time_part(emit: Emitter, part: str, x: str) -> str:
    """A part of ``x``, int64 microseconds since 1970 ``[N, 1]``, as int64 ``[N, 1]``."""
    if part == "hour":
        return _steps(emit, x, _DAY, _HOUR)
    if part == "weekday":  # 1970-01-01 was a Thursday
        days = _steps(emit, x, 7 * _DAY, _DAY)
        return emit.node("Gather", emit.constant(np.roll(np.arange(7), -3), np.int64), days)
    assert part == "month", part
    days = _steps(emit, x, _CYCLE_DAYS * _DAY, _DAY)
    month = emit.node("Gather", emit.constant(_months(), np.int8), days)
    return emit.node("Cast", month, to=TensorProto.INT64)


def _steps(emit: Emitter, x: str, period: int, step: int) -> str:
    within = emit.node("Mod", x, emit.constant([[period]], np.int64))
    return emit.node("Div", within, emit.constant([[step]], np.int64))


def _months() -> npt.NDArray[np.int8]:
    """The month, 1-12, of each of the 146,097 days from 1970-01-01."""
    days = np.arange(_CYCLE_DAYS).astype("datetime64[D]")
    return (days.astype("datetime64[M]").astype(np.int64) % 12 + 1).astype(np.int8)
