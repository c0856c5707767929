"""How a node is to be run: retries, a timeout, what it needs of the machine. None of it changes what the node makes."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from treadle.errors import ComponentError

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?i?)b?\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """Settings of a component or of one node. They are not in the fingerprint."""

    retries: int = 0
    """Further attempts after one that failed for a reason that may pass (see `treadle.errors`: ``transient``)."""
    timeout: float | None = None
    """Seconds one attempt may take; its processes are killed then."""
    resources: Mapping[str, float] = field(default_factory=dict)
    """What it takes of the machine: ``cpu`` (cores), ``memory`` (bytes), ``gpu``, or names of the user's own."""

    def to_json(self) -> dict[str, Any]:
        """JSON-able; what was not set is left out."""
        fields = {"retries": self.retries, "timeout": self.timeout, "resources": dict(self.resources)}
        return {name: value for name, value in fields.items() if value}


def read_settings(
    retries: Any, timeout: Any, resources: Mapping[str, Any] | None, where: Mapping[str, object]
) -> NodeSettings:
    """Settings as somebody wrote them, checked; a text for memory may have a unit (``"4GiB"``).

    Raises:
        ComponentError: When one of them is not what it should be.
    """
    if not isinstance(retries, int) or isinstance(retries, bool) or retries < 0:
        raise ComponentError(f"retries is a whole number from 0, not {retries!r}", where=where)
    if timeout is not None and not (_is_number(timeout) and timeout > 0):
        raise ComponentError(f"timeout is a number of seconds above 0, not {timeout!r}", where=where)
    if resources is not None and not isinstance(resources, Mapping):
        raise ComponentError(f"resources is a dictionary, not {resources!r}", where=where, hint='{"cpu": 2}')
    amounts = {str(name): _amount(str(name), amount, where) for name, amount in (resources or {}).items()}
    return NodeSettings(retries, None if timeout is None else float(timeout), dict(sorted(amounts.items())))


def _amount(name: str, amount: Any, where: Mapping[str, object]) -> float:
    if isinstance(amount, str) and (size := _SIZE.fullmatch(amount)):
        unit = _UNITS.get(size[2].lower())
        if unit is not None:
            return float(size[1]) * unit
    if _is_number(amount) and amount >= 0:
        return float(amount)
    raise ComponentError(
        f"The resource {name!r} is a number from 0, not {amount!r}",
        where=where,
        hint='{"cpu": 2, "memory": "4GiB", "gpu": 1}',
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
