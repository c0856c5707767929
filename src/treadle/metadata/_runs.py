"""Runs in the lineage: begun, alive as long as their lease, ended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from treadle.metadata._database import Row
from treadle.metadata._fence import AFTER, LIVES, held
from treadle.metadata._going_on import GoingOn, refuse, settle
from treadle.metadata._records import RunRecord, RunState
from treadle.metadata._tables import Tables, json_text


class Runs(Tables):
    """The part of the store that knows runs."""

    def begin_run(
        self, run_id: str, *, pipeline: str, ir: Mapping[str, Any], lease_seconds: float | None = None
    ) -> None:
        """Record that a run has begun.

        Args:
            run_id: Its name.
            pipeline: The pipeline's name.
            ir: The compiled pipeline, parameters included.
            lease_seconds: The run may record things for so long, and longer as it renews its lease; without an end
                when not given.
        """
        with self._database.transaction() as transaction:
            now = self._now()
            (newest,) = transaction.execute("SELECT coalesce(max(ordered_at), 0) FROM run").fetchone()
            transaction.execute(
                "INSERT INTO run (id, pipeline, state, ir, created_at, ordered_at) VALUES (?, ?, 'running', ?, ?, ?)",
                (run_id, pipeline, json_text(ir), now, max(now, newest + 1)),
            )
            if lease_seconds is not None:
                transaction.execute(
                    "UPDATE run SET lease_until = lease_clock() + ? WHERE id = ?", (lease_seconds, run_id)
                )

    def renew_lease(self, run_id: str, seconds: float) -> None:
        """Let a run record things for so long from now on.

        Raises:
            LeaseLostError: When its lease is over already, or the run is; it cannot be had back.
        """
        with self._database.transaction() as transaction:
            held(
                transaction.execute(
                    f"UPDATE run SET lease_until = lease_clock() + ? WHERE id = ? AND {LIVES} RETURNING id",
                    (seconds, run_id),
                ).fetchone()
            )

    def overdue(self) -> list[str]:
        """The ids of runs that are marked as running and whose lease is over."""
        return [
            row["id"]
            for row in self._database.query(
                "SELECT id FROM run WHERE state = 'running' AND lease_until <= lease_clock() ORDER BY ordered_at, id"
            )
        ]

    def finish_run(self, run_id: str, state: RunState) -> None:
        """Record how a run ended, and with it the runs that had waited and that it has gone on with.

        One that waits may end once more: the task of an orchestrator that records the end may be tried again.

        Raises:
            LeaseLostError: When it was taken for dead meanwhile, or its lease is over.
        """
        going_on = GoingOn()
        if state != "waiting":  # pipelines may be large: they are read before anybody has to wait
            going_on.before(run_id, self._database.query)
        now = self._now()
        with self._database.transaction() as transaction:
            held(
                transaction.execute(
                    f"UPDATE run SET state = ?, finished_at = {AFTER.format('created_at')}, lease_until = NULL"
                    f" WHERE id = ? AND (state = 'waiting' OR {LIVES}) RETURNING id",
                    (state, now, now, run_id),
                ).fetchone()
            )
            settle(transaction, run_id, state, now, going_on)

    def refuse(self, run_id: str, node: str, error: Mapping[str, Any]) -> None:
        """Record a no to what a node waits for: its run ends as failed, now if it waits, or as soon as it would.

        Nothing when the node does not wait.
        """
        with self._database.transaction() as transaction:
            refuse(transaction, run_id, node, json_text(error), self._now())

    def went_on_as(self, run_id: str) -> str | None:
        """The run that went on with one that had waited for an answer; None when none did."""
        return GoingOn().after(run_id, self._database.query)

    def running(self) -> list[str]:
        """The ids of runs that have begun and not ended, as far as has been recorded, oldest first."""
        sql = "SELECT id FROM run WHERE state = 'running' ORDER BY ordered_at, id"
        return [row["id"] for row in self._database.query(sql)]

    def abandon_run(self, run_id: str, error: Mapping[str, Any]) -> None:
        """Record a run still marked as running, and its running nodes, as failed; and what it has gone on with."""
        now = self._now()
        with self._database.transaction() as transaction:
            transaction.execute(
                f"UPDATE execution SET state = 'failed', error = ?, finished_at = {AFTER.format('started_at')}"
                " WHERE run_id = ? AND state = 'running'",
                (json_text(error), now, now, run_id),
            )
            abandoned = transaction.execute(
                f"UPDATE run SET state = 'failed', finished_at = {AFTER.format('created_at')}"
                " WHERE id = ? AND state = 'running' RETURNING id",
                (now, now, run_id),
            ).fetchone()
            if abandoned is not None:
                settle(transaction, run_id, "failed", now, GoingOn())

    def runs(self, *, pipeline: str | None = None, limit: int = 20) -> list[RunRecord]:
        """The newest runs first, of one pipeline or of all."""
        where, values = ("WHERE pipeline = ? ", (pipeline,)) if pipeline is not None else ("", ())
        rows = self._database.query(
            f"SELECT * FROM run {where}ORDER BY ordered_at DESC, id DESC LIMIT ?", (*values, limit)
        )
        return [_record(row) for row in rows]

    def run(self, run_id: str) -> RunRecord | None:
        """One run, or None when there is none of that id."""
        rows = self._database.query("SELECT * FROM run WHERE id = ?", (run_id,))
        return _record(rows[0]) if rows else None


def _record(row: Row) -> RunRecord:
    return RunRecord(
        id=row["id"],
        pipeline=row["pipeline"],
        state=row["state"],
        ir=json.loads(row["ir"]),
        created_at=row["created_at"],
        finished_at=row["finished_at"],
    )
