"""``treadle approve``: say yes to what a run waits for."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from typing import Any

import click

from treadle.cli._output import emit_json, json_option, note
from treadle.errors import ApprovalRejectedError, TreadleError


def answer_options(function: Any) -> Any:
    """What approving and rejecting take alike."""
    for decorate in reversed(
        [
            click.argument("run"),
            click.argument("node"),
            click.option("--reason", required=True, metavar="TEXT", help="Why; kept with the answer."),
            click.option("--by", metavar="NAME", help="Who answers; the name of the user when not given."),
            click.option("--no-run", is_flag=True, help="Only record the answer; the next run goes on from it."),
            json_option,
        ]
    ):
        function = decorate(function)
    return function


@click.command("approve")
@answer_options
def command(run: str, node: str, reason: str, by: str | None, *, no_run: bool, as_json: bool) -> int:
    """Approve what NODE of RUN (an id, or "last") waits for: exactly the bytes it shows, no others. Then go on with it.

    Exit code 0 when the run went on and succeeded (or waits again), otherwise as treadle run.
    """
    return answer(run, node, approved=True, reason=reason, by=by, no_run=no_run, as_json=as_json)


def answer(run: str, node: str, *, approved: bool, reason: str, by: str | None, no_run: bool, as_json: bool) -> int:
    """Record an answer and go on with the run that waits for it."""
    from treadle.components import Approvals
    from treadle.config import home
    from treadle.runner import find_run, history, is_elsewhere

    with history() as metadata:
        record = find_run(metadata, run)
    who = by or getpass.getuser()
    with Approvals(home()) as approvals:
        request = approvals.decide(record.id, node, approved=approved, by=who, reason=reason)
        places = approvals.places(request)
    said = "approved" if approved else "rejected"
    note(f"{request.digest} {said} by {who}; {request.verdict}")
    told: dict[str, Any] = {"run": record.id, "node": node, "digest": request.digest, "decision": said, "by": who}
    if not approved:
        no = ApprovalRejectedError(f"{who} rejected it: {reason}", where={"digest": request.digest})
        _refuse_elsewhere(places, no)
    if is_elsewhere(record):
        again = "start the pipeline again there"
        if approved:
            note(f"The run is Kubeflow's: {again}. What was done is reused, and the answer counts.")
        else:
            with history() as metadata:
                is_at_work = record.id in metadata.running()
            how = "ends as failed when what else it does has ended" if is_at_work else "has failed"
            note(f"The run is Kubeflow's, and {how}. For the nodes at its exit, {again}.")
        no_run = True
    if no_run or not record.ir.get("file"):
        if as_json:
            emit_json(told)
        return 0
    from treadle.cli._run import go_on

    result, code = go_on(f"{record.ir['file']}:{record.pipeline}", record.id, as_json=as_json)
    if as_json:
        emit_json({**told, "resumed": result.to_json()})
    return code if approved else 0


def _refuse_elsewhere(places: Sequence[tuple[str, str]], error: TreadleError) -> None:
    """Record a no in the runs of an orchestrator that wait for the same answer: it goes on with none of them."""
    from treadle.runner import history, is_elsewhere

    with history() as metadata:
        for run, node in places:
            record = metadata.run(run)
            if record is not None and is_elsewhere(record):
                metadata.refuse(run, node, error.to_dict())
