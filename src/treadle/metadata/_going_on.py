"""Runs that waited for an answer and went on as another: with the answer there, work goes on under a new id.

A later run goes on with one that waited when it is the same again (pipeline, parameters, part) and a node that waited
there has had its answer here, from the same fingerprint, so about the same bytes. Who started it plays no part: a
person who approved, the loop, or an orchestrator that was told to start the pipeline again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from treadle.errors import ApprovalExpiredError, ApprovalRejectedError
from treadle.metadata._database import Row, Transaction
from treadle.metadata._fence import AFTER
from treadle.metadata._records import RunState

Read: TypeAlias = Callable[[str, Sequence[Any]], list[Row]]
"""A statement that reads, and what is bound to it."""

_NO = (ApprovalRejectedError.code, ApprovalExpiredError.code)
"""Failures that are an answer; after any other the question stands."""
# Of one fingerprint there are few executions, of one node there may be most: the index on nodes is kept out of it.
_PAIRS = """
SELECT earlier.id AS earlier, later.id AS later, later.state AS later_state,
    answered.state AS answer, answered.error AS error
FROM execution AS asked
JOIN execution AS answered ON answered.fingerprint = asked.fingerprint AND answered.id > asked.id
    AND answered.node || '' = asked.node || '' AND answered.state IN ('ran', 'cached', 'skipped', 'failed')
JOIN run AS earlier ON earlier.id = asked.run_id
JOIN run AS later ON later.id = answered.run_id AND later.pipeline = earlier.pipeline AND later.id <> earlier.id
WHERE asked.state = 'waiting' AND {}
ORDER BY answered.id
"""
_AFTER_RUN = _PAIRS.format("asked.run_id = ?")
_BEFORE_RUN = _PAIRS.format("earlier.state = 'waiting' AND answered.run_id = ?")


class GoingOn:
    """Which run went on with which.

    Pipelines are read one at a time, each once, whatever the statements are read with; a run's never changes.
    """

    def __init__(self) -> None:
        self._asked_for: dict[str, tuple[Any, Any]] = {}

    def after(self, run_id: str, read: Read) -> str | None:
        """The first run that went on with a run that had waited; None when none did."""
        return next((row["later"] for row in self._pairs(read(_AFTER_RUN, (run_id,)), read)), None)

    def before(self, run_id: str, read: Read) -> list[str]:
        """The runs that wait and that a run went on with."""
        return list(dict.fromkeys(row["earlier"] for row in self._pairs(read(_BEFORE_RUN, (run_id,)), read)))

    def end_of(self, run_id: str, read: Read) -> RunState | None:
        """How the newest run ended that went on with a run and has ended."""
        rows = [row for row in read(_AFTER_RUN, (run_id,)) if row["later_state"] in ("succeeded", "failed")]
        return next((row["later_state"] for row in self._pairs(reversed(rows), read)), None)

    def _pairs(self, rows: Iterable[Row], read: Read) -> Iterator[Row]:
        for row in rows:
            if _is_answer(row) and self._of(row["earlier"], read) == self._of(row["later"], read):
                yield row

    def _of(self, run_id: str, read: Read) -> tuple[Any, Any]:
        """The parameters and the part of the pipeline that a run was asked for."""
        if run_id not in self._asked_for:
            told = json.loads(read("SELECT ir FROM run WHERE id = ?", (run_id,))[0]["ir"])
            self._asked_for[run_id] = (told.get("parameters"), told.get("selection"))
        return self._asked_for[run_id]


def settle(transaction: Transaction, run_id: str, state: RunState, now: int, going_on: GoingOn) -> None:
    """A run has ended: those that it went on with end as it did; and if it waits, it ends as one that went on with it.

    Args:
        transaction: In which it was recorded as ended.
        run_id: The run.
        state: How it ended.
        now: The time.
        going_on: With what has been read already, before others had to wait for this transaction.
    """

    def read(sql: str, values: Sequence[Any]) -> list[Row]:
        return transaction.execute(sql, values).fetchall()

    if state == "waiting":  # who answered before it had ended may have gone on without it
        end = going_on.end_of(run_id, read) or ("failed" if _is_refused(run_id, read) else None)
        ended = {} if end is None else {run_id: end}
    else:
        ended = dict.fromkeys(going_on.before(run_id, read), state)
    for waiting, end in ended.items():
        _end(transaction, waiting, end, now)


def refuse(transaction: Transaction, run_id: str, node: str, error: str, now: int) -> None:
    """Record a no to what a node waits for: its run ends as failed, now if it waits, or as soon as it would.

    Args:
        transaction: In which to.
        run_id: The run.
        node: The node; nothing is recorded when it does not wait.
        error: The no, as JSON.
        now: The time.
    """
    refused = transaction.execute(
        "UPDATE execution SET error = ? WHERE run_id = ? AND node = ? AND state = 'waiting' RETURNING id",
        (error, run_id, node),
    ).fetchall()
    if refused:
        _end(transaction, run_id, "failed", now)


def _end(transaction: Transaction, run_id: str, state: RunState, now: int) -> None:
    """Record how a run ended that waited; nothing when it does not."""
    transaction.execute(
        f"UPDATE run SET state = ?, finished_at = {AFTER.format('created_at')} WHERE id = ? AND state = 'waiting'",
        (state, now, now, run_id),
    )


def _is_refused(run_id: str, read: Read) -> bool:
    sql = "SELECT error FROM execution WHERE run_id = ? AND state = 'waiting' AND error IS NOT NULL"
    return any(json.loads(row["error"])["code"] in _NO for row in read(sql, (run_id,)))


def _is_answer(row: Row) -> bool:
    return row["answer"] != "failed" or (row["error"] is not None and json.loads(row["error"])["code"] in _NO)
