"""How far numbers are apart: one definition for every proof."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def differences(wanted: npt.NDArray[Any], found: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """How far ``found`` is from ``wanted``: absolute up to 1, relative to it beyond.

    A NaN beside a number is infinitely far, and a NaN beside a NaN is equal.
    """
    wanted, found = np.asarray(wanted, dtype=np.float64), np.asarray(found, dtype=np.float64)
    same = (wanted == found) | (np.isnan(wanted) & np.isnan(found))
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(wanted - found) / np.maximum(1.0, np.abs(wanted))
    return np.where(same, 0.0, np.where(np.isnan(apart), np.inf, apart))
