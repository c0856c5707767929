"""The verdict: passed, failed, or not evaluated, with a reason for every gate."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from treadle.errors import EvaluationError
from treadle.evaluation._gates import ParsedGate, parse_gate
from treadle.evaluation._metric_names import HIGHER_IS_BETTER

if TYPE_CHECKING:
    from treadle.evaluation._evaluate import Evaluation

FORMAT = "treadle.verdict/1"

State = Literal["passed", "failed", "not_evaluated"]


@dataclass(frozen=True, slots=True)
class GateResult:
    """What one gate said."""

    gate: str
    """The gate in words."""
    state: Literal["passed", "failed", "not_evaluated", "not_applicable"]
    """``not_evaluated``: the metric could not be measured. ``not_applicable``: a change gate without a baseline."""
    value: float | None
    """The candidate's metric."""
    baseline: float | None
    """The baseline's metric, for a gate on the change."""
    reason: str
    """One sentence."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """May this model be let out?"""

    state: State
    """Only ``passed`` lets a model out."""
    reasons: tuple[str, ...]
    """Why, in sentences; for ``passed`` also what was not checked."""
    gates: tuple[GateResult, ...]
    """One result per gate, in the order given."""

    @property
    def passed(self) -> bool:
        """Whether the candidate may be let out."""
        return self.state == "passed"

    def to_json(self) -> dict[str, object]:
        """The verdict as JSON-able fields."""
        return {
            "format": FORMAT,
            "state": self.state,
            "reasons": list(self.reasons),
            "gates": [asdict(gate) for gate in self.gates],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> Verdict:
        """Read what ``to_json`` gave.

        Raises:
            EvaluationError: Another format version wrote it, or it is not a verdict.
        """
        state, gates, reasons = value.get("state"), value.get("gates"), value.get("reasons")
        if (
            value.get("format") != FORMAT
            or state not in ("passed", "failed", "not_evaluated")
            or not isinstance(gates, list)
            or not isinstance(reasons, list)
        ):
            raise EvaluationError(
                f"This is not a verdict that this version reads ({FORMAT!r})",
                hint="Evaluate the model again.",
            )
        return cls(state, tuple(reasons), tuple(GateResult(**gate) for gate in gates))

    @classmethod
    def load(cls, path: Path) -> Verdict:
        """Read the file that a pipeline's evaluate step wrote."""
        return cls.from_json(json.loads(path.read_text(encoding="utf-8")))


def judge(
    candidate: Evaluation, gates: Sequence[Mapping[str, object]], *, baseline: Evaluation | None = None
) -> Verdict:
    """Hold an evaluation against gates.

    Failed if any gate failed; else not evaluated if any gate's metric could not be measured, or if there is no gate
    at all; else passed. Gates on the change do not apply while there is no baseline, and the reasons say so.

    Raises:
        GateError: A gate is malformed.
    """
    results = tuple(_judge_one(parse_gate(gate), candidate, baseline) for gate in gates)
    by_state = {state: [r.reason for r in results if r.state == state] for state in ("failed", "not_evaluated")}
    if by_state["failed"]:
        return Verdict("failed", tuple(by_state["failed"] + by_state["not_evaluated"]), results)
    if by_state["not_evaluated"]:
        return Verdict("not_evaluated", tuple(by_state["not_evaluated"]), results)
    applied = [result for result in results if result.state == "passed"]
    if not applied:
        return Verdict("not_evaluated", ("No gate was applied, so nothing was shown.",), results)
    skipped = tuple(result.reason for result in results if result.state == "not_applicable")
    return Verdict("passed", (f"{len(applied)} gates passed.", *skipped), results)


def _judge_one(gate: ParsedGate, candidate: Evaluation, baseline: Evaluation | None) -> GateResult:
    value = _measured(candidate, gate)
    if value is None:
        reason = f"{gate.name}: not measured ({_why_missing(candidate, gate)})."
        return GateResult(gate.name, "not_evaluated", None, None, reason)
    if (gate.lower is not None and value < gate.lower) or (gate.upper is not None and value > gate.upper):
        return GateResult(gate.name, "failed", value, None, f"{gate.name}: is {value:.4f}.")
    if gate.worse_by is None:
        return GateResult(gate.name, "passed", value, None, f"{gate.name}: is {value:.4f}.")
    if baseline is None:
        reason = f"{gate.name}: not applied, there is no baseline."
        bounded = gate.lower is not None or gate.upper is not None
        return GateResult(gate.name, "passed" if bounded else "not_applicable", value, None, reason)
    before = _measured(baseline, gate)
    if before is None:
        reason = f"{gate.name}: not measured on the baseline ({_why_missing(baseline, gate)})."
        return GateResult(gate.name, "not_evaluated", value, None, reason)
    worse = before - value if HIGHER_IS_BETTER[gate.metric] else value - before
    state: Literal["passed", "failed"] = "failed" if worse > gate.worse_by else "passed"
    return GateResult(gate.name, state, value, before, f"{gate.name}: is {value:.4f}, baseline {before:.4f}.")


def _measured(evaluation: Evaluation, gate: ParsedGate) -> float | None:
    result = evaluation.slices.get(gate.slice)
    return None if result is None else result.metrics.get(gate.metric)


def _why_missing(evaluation: Evaluation, gate: ParsedGate) -> str:
    if gate.slice in evaluation.slices:
        return "undefined on these rows"
    if gate.slice in evaluation.small_slices:
        return f"the slice has only {evaluation.small_slices[gate.slice]} rows"
    return "no such slice in the data"
