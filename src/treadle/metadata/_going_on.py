"""Runs that waited for an answer and went on as another: with the answer there, work goes on under a new id.

A later run goes on with one that waited when it is the same again (pipeline, parameters, part) and a node that waited
there has had its answer here, from the same fingerprint, so about the same bytes. Who started it plays no part: a
person who approved, the loop, or an orchestrator that was told to start the pipeline again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from treadle.errors import ApprovalExpiredError, ApprovalRejectedError
from treadle.metadata._database import Row, Transaction
from treadle.metadata._fence import AFTER
from treadle.metadata._records import RunState

_NO = (ApprovalRejectedError.code, ApprovalExpiredError.code)
"""Failures that are an answer; after any other the question stands."""
# Of one fingerprint there are few executions, of one node there may be most: the index on nodes is kept out of it.
_PAIRS = """
SELECT earlier.id AS earlier, earlier.ir AS before,
    later.id AS later, later.ir AS after, later.state AS later_state, answered.state AS answer, answered.error AS error
FROM execution AS asked
JOIN execution AS answered ON answered.fingerprint = asked.fingerprint AND answered.id > asked.id
    AND answered.node || '' = asked.node || '' AND answered.state IN ('ran', 'cached', 'skipped', 'failed')
JOIN run AS earlier ON earlier.id = asked.run_id
JOIN run AS later ON later.id = answered.run_id AND later.pipeline = earlier.pipeline AND later.id <> earlier.id
WHERE asked.state = 'waiting' AND {} = ?
ORDER BY answered.id
"""
AFTER_RUN = _PAIRS.format("asked.run_id")
"""The runs that may have gone on with a run, oldest first."""
BEFORE_RUN = _PAIRS.format("answered.run_id")
"""The runs that a run may have gone on with."""


def went_on(rows: Sequence[Row]) -> list[Row]:
    """Of pairs of runs those of which the later one goes on with the earlier."""
    return [row for row in rows if _is_answer(row) and _same_again(row["before"]) == _same_again(row["after"])]


def settle(transaction: Transaction, run_id: str, state: RunState, now: int) -> None:
    """A run has ended: those that it went on with end as it did; and if it waits, it ends as one that went on with it.

    Args:
        transaction: In which it was recorded as ended.
        run_id: The run.
        state: How it ended.
        now: The time.
    """
    if state == "waiting":  # who answered before it had ended may have gone on without it
        rows = went_on(transaction.execute(AFTER_RUN, (run_id,)).fetchall())
        ends = [row["later_state"] for row in rows if row["later_state"] in ("succeeded", "failed")][-1:]
        ended = [(run_id, end) for end in ends]
    else:
        ended = [(row["earlier"], state) for row in went_on(transaction.execute(BEFORE_RUN, (run_id,)).fetchall())]
    for waiting, end in ended:
        end_waiting(transaction, waiting, end, now)


def end_waiting(transaction: Transaction, run_id: str, state: RunState, now: int) -> None:
    """Record how a run ended that waited; nothing when it does not."""
    transaction.execute(
        f"UPDATE run SET state = ?, finished_at = {AFTER.format('created_at')} WHERE id = ? AND state = 'waiting'",
        (state, now, now, run_id),
    )


def _is_answer(row: Row) -> bool:
    return row["answer"] != "failed" or (row["error"] is not None and json.loads(row["error"])["code"] in _NO)


def _same_again(ir: str) -> tuple[Any, Any]:
    told = json.loads(ir)
    return told.get("parameters"), told.get("selection")
