"""The retraining policy: what a user declares, and the decision it makes from what was seen."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from treadle.errors import PolicyError
from treadle.evaluation import ALL_METRICS
from treadle.monitoring import Duration


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything a decision rests on, at one moment of event time."""

    now: datetime
    """The moment of the decision."""
    drifted: Collection[str]
    """Features beyond a drift threshold of the schema in the newest labelled window, against the model's baseline."""
    metrics: Mapping[str, float | int | None]
    """Live quality of the model in service over that window; empty while it answered nothing there."""
    labelled: str = ""
    """The name of the newest labelled window."""
    trained_at: datetime | None = None
    """End of the data that the model in service was trained on."""
    attempted_at: datetime | None = None
    """When a retraining was last attempted, whatever came of it."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether to retrain, and why, in sentences."""

    retrain: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainPolicy:
    """When to retrain, on what, and how often at most. All times are event time.

    Lengths of time are written ``3mo``, ``2w``, ``10d``, ``12h``. What is left out never triggers.

    Examples:
        >>> policy = RetrainPolicy(quality={"calibration": (0.97, 1.03)}, every="12mo", cooldown="2mo")
        >>> policy.window
        9
    """

    drift: int | None = None
    """Retrain when at least this many features drift. Drift counts once the labels of its window are in: a model
    trained before that has not seen the changed world, and cannot be better for it."""
    quality: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    """Live metric to its (lower, upper) bounds, ``None`` for no bound; outside of them, retrain."""
    every: str | None = None
    """Retrain when the newest data the model was trained on is older than this."""
    cooldown: str = "0d"
    """The least time between two attempts."""
    period: str = "1mo"
    """Length of a monitoring window."""
    label_delay: str = "0d"
    """How long after the end of a window its labels are complete."""
    window: int = 9
    """Spans of labelled data that a retraining uses, the newest ones."""
    min_rows: int = 100
    """Windows with fewer rows (for quality: labelled rows of the model in service) decide nothing."""

    def __post_init__(self) -> None:
        for name in ("every", "cooldown", "period", "label_delay"):
            text = getattr(self, name)
            if text is not None:
                Duration.parse(text)
        for metric, bounds in self.quality.items():
            if metric not in ALL_METRICS or len(bounds) != 2 or all(bound is None for bound in bounds):
                raise PolicyError(
                    f"quality[{metric!r}] = {bounds!r} is not a bound on a metric",
                    hint=f"Give (lower, upper), None for no bound, for one of {', '.join(ALL_METRICS)}.",
                )
        if self.window < 1 or (self.drift is not None and self.drift < 1):
            raise PolicyError("window and drift count spans and features: they are at least 1")

    def decide(self, seen: Observation) -> Decision:
        """Decide, from ``seen`` alone: the same observation always gives the same decision."""
        reasons = [*self._drift_reasons(seen), *self._quality_reasons(seen), *self._age_reasons(seen)]
        if not reasons:
            return Decision(False, ())
        if seen.attempted_at is not None:
            rested = Duration.parse(self.cooldown).after(seen.attempted_at)
            if seen.now < rested:
                return Decision(False, (*reasons, f"cooldown until {rested:%Y-%m-%d}"))
        return Decision(True, tuple(reasons))

    def _drift_reasons(self, seen: Observation) -> list[str]:
        if self.drift is None or len(seen.drifted) < self.drift:
            return []
        return [f"drift{_in(seen)}: {', '.join(sorted(seen.drifted))}"]

    def _quality_reasons(self, seen: Observation) -> list[str]:
        reasons = []
        for metric, (lower, upper) in self.quality.items():
            value = seen.metrics.get(metric)
            if value is None:
                continue  # not measured: no ground to act on, and `every` still holds
            if lower is not None and value < lower:
                reasons.append(f"{metric} {value:.3f} < {lower:g}{_in(seen)}")
            if upper is not None and value > upper:
                reasons.append(f"{metric} {value:.3f} > {upper:g}{_in(seen)}")
        return reasons

    def _age_reasons(self, seen: Observation) -> list[str]:
        if self.every is None or seen.trained_at is None:
            return []
        due = Duration.parse(self.every).after(seen.trained_at)
        return [f"age: trained on data to {seen.trained_at:%Y-%m-%d}, every {self.every}"] if seen.now >= due else []


def _in(seen: Observation) -> str:
    return f" in {seen.labelled}" if seen.labelled else ""
