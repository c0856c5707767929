"""What a check found: why and in which numbers; how bad it is, the policy says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from treadle.validation._anomaly import Reason


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found."""

    reason: Reason
    message: str
    details: dict[str, Any]


def percent(share: float) -> str:
    """A share for people."""
    return f"{100 * share:.4g} %"
