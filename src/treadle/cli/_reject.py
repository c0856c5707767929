"""``treadle reject``: say no to what a run waits for."""

from __future__ import annotations

import click

from treadle.cli._approve import answer, answer_options


@click.command("reject")
@answer_options
def command(run: str, node: str, reason: str, by: str | None, *, no_run: bool, as_json: bool) -> int:
    """Reject what NODE of RUN (an id, or "last") waits for. The run goes on: the node fails, exit nodes are told."""
    return answer(run, node, approved=False, reason=reason, by=by, no_run=no_run, as_json=as_json)
