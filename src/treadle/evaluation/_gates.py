"""Gates: what a candidate must show. Plain data, so that a pipeline can carry, fingerprint and record them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from treadle.errors import GateError
from treadle.evaluation._metric_names import ALL_METRICS, HIGHER_IS_BETTER

Gate = dict[str, object]
"""A gate as JSON: ``{"metric": ..., "lower": ..., "upper": ..., "worse_by": ..., "slice": ...}``."""


def at_least(metric: str, value: float, *, slice: str = "") -> Gate:
    """The metric must be ``value`` or more."""
    return _gate(metric, slice, lower=value)


def at_most(metric: str, value: float, *, slice: str = "") -> Gate:
    """The metric must be ``value`` or less."""
    return _gate(metric, slice, upper=value)


def within(metric: str, lower: float, upper: float, *, slice: str = "") -> Gate:
    """The metric must lie between ``lower`` and ``upper``, both allowed."""
    return _gate(metric, slice, lower=lower, upper=upper)


def no_worse(metric: str, *, by: float = 0.0, slice: str = "") -> Gate:
    """The metric must not be worse than the baseline's by more than ``by`` (absolute, in the metric's unit).

    A negative ``by`` asks for an improvement. Without a baseline the gate does not apply, and the verdict says so.
    """
    return _gate(metric, slice, worse_by=by)


@dataclass(frozen=True, slots=True)
class ParsedGate:
    """A gate that has been checked."""

    metric: str
    slice: str
    lower: float | None
    upper: float | None
    worse_by: float | None

    @property
    def name(self) -> str:
        """What the gate asks, as a reader would say it."""
        parts = [self.metric + (f" on {self.slice}" if self.slice else "")]
        if self.lower is not None:
            parts.append(f">= {self.lower:g}")
        if self.upper is not None:
            parts.append(f"<= {self.upper:g}")
        if self.worse_by is not None:
            parts.append(
                f"no worse than the baseline by {self.worse_by:g}" if self.worse_by else "no worse than the baseline"
            )
        return " ".join(parts)


def parse_gate(gate: Mapping[str, object]) -> ParsedGate:
    """Check a gate.

    Raises:
        GateError: Unknown metric or field, a bound that is not a number, or a gate that asks nothing.
    """
    unknown = set(gate) - {"metric", "slice", "lower", "upper", "worse_by"}
    metric = gate.get("metric")
    if unknown or metric not in ALL_METRICS:
        what = f"field {sorted(unknown)[0]!r}" if unknown else f"metric {metric!r}"
        raise GateError(f"A gate has an unknown {what}", where={"gate": dict(gate)}, hint=_hint())
    bounds = {name: _number(gate, name) for name in ("lower", "upper", "worse_by")}
    if all(bound is None for bound in bounds.values()):
        raise GateError("A gate asks nothing", where={"gate": dict(gate)}, hint=_hint())
    if bounds["worse_by"] is not None and metric not in HIGHER_IS_BETTER:
        raise GateError(
            f"{metric!r} has no better side, so it cannot be 'worse' than a baseline's",
            where={"gate": dict(gate)},
            hint=f"Use within({metric!r}, lower, upper).",
        )
    return ParsedGate(str(metric), str(gate.get("slice") or ""), **bounds)


def _gate(metric: str, slice: str, **bounds: float) -> Gate:
    gate: Gate = {"metric": metric, **bounds} | ({"slice": slice} if slice else {})
    parse_gate(gate)
    return gate


def _number(gate: Mapping[str, object], name: str) -> float | None:
    value = gate.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:  # noqa: PLR0124
        raise GateError(f"A gate's {name!r} is not a number: {value!r}", where={"gate": dict(gate)}, hint=_hint())
    return float(value)


def _hint() -> str:
    return f"Write gates with at_least, at_most, within, no_worse; metrics are {', '.join(ALL_METRICS)}."
