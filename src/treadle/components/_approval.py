"""approval: a person looks at a verdict and a digest, and says yes or no."""

from __future__ import annotations

import json

from treadle.artifact import Artifact, Output, Verdict, canonical_json
from treadle.errors import ApprovalMismatchError, ApprovalRejectedError
from treadle.pipeline import Wait, component, current_node


class Approval(Artifact):
    """That somebody approved an artifact.

    Files: ``approval.json``: gate, digest of the artifact, by, at, reason. Made by approval; read by push.
    """


@component(cache=False)
def approval(
    subject: Artifact,
    verdict: Verdict | None = None,
    *,
    gate: str = "approval",
    expires_hours: float | None = None,
    approval: Output[Approval],
) -> None:
    """Wait until somebody approves exactly these bytes: ``treadle approve RUN NODE``, or ``treadle reject RUN NODE``.

    No process waits: the run ends in the state ``waiting``, and the answer goes on with it. What was approved once
    stays approved, for this digest alone.

    Args:
        subject: What is to be approved, a servable for example.
        verdict: What the gates said of it, shown with the question.
        gate: A name for the question; answers to one gate say nothing to another.
        expires_hours: How long the question stands; after that the node fails, and the next run asks anew.
        approval: Who approved what, when and why.

    Raises:
        ApprovalRejectedError: Somebody said no.
        ApprovalExpiredError: Nobody answered in time.
    """
    from datetime import timedelta

    from treadle.components._approvals import Approvals
    from treadle.config import home

    context = current_node()
    shown = _shown(verdict)
    with Approvals(home()) as approvals:
        request = approvals.ask(
            gate,
            subject.digest,
            verdict=shown,
            expires=None if expires_hours is None else timedelta(hours=expires_hours),
            place=None if context is None else (context.run, context.node),
        )
        decision = approvals.decision(request)
    if decision is None:
        until = "" if request.expires_at is None else f", until {request.expires_at:%Y-%m-%d %H:%M} UTC"
        raise Wait(f"for approval of {subject.digest}; {shown}{until}")
    if not decision.approved:
        raise ApprovalRejectedError(
            f"{decision.by} rejected it: {decision.reason}",
            where={"digest": subject.digest, "at": decision.at},
            hint="make another candidate: an answer is about these bytes alone",
        )
    record = {
        "gate": gate,
        "digest": subject.digest,
        "by": decision.by,
        "at": decision.at.isoformat(),
        "reason": decision.reason,
    }
    (approval.path / "approval.json").write_bytes(canonical_json(record))
    approval.properties.update(record)


def check_approval(approval: Approval, subject: Artifact) -> None:
    """Refuse to go on with any bytes but those that were approved.

    Raises:
        ApprovalMismatchError: When the approval is for others.
    """
    approved = json.loads((approval.path / "approval.json").read_bytes())["digest"]
    if approved != subject.digest:
        raise ApprovalMismatchError(
            "What was approved is something else",
            where={"approved": approved, "given": subject.digest},
            hint="give push the artifact that the approval node was given",
        )


def _shown(verdict: Verdict | None) -> str:
    if verdict is None:
        return "no verdict was given"
    judged = json.loads((verdict.path / "verdict.json").read_bytes())
    reasons = "; ".join(judged.get("reasons", ()))
    return f"verdict {judged['state']}" + (f": {reasons}" if reasons else "")
