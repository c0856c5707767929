"""Executions in the lineage: what a node read and made, and what may be used again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from treadle.metadata._database import Row, Transaction
from treadle.metadata._fence import AFTER, LIVES, RUN_LIVES, held
from treadle.metadata._records import ArtifactRecord, Attempt, ExecutionRecord, ExecutionState
from treadle.metadata._tables import Tables, json_text

LOG_SLOT = "__log__"
"""Where what an attempt printed is kept among what it made."""
_SELECT = "SELECT execution.*, run.pipeline AS pipeline FROM execution JOIN run ON run.id = execution.run_id"


class Executions(Tables):
    """The part of the store that knows executions."""

    def start_execution(self, attempt: Attempt) -> int:
        """Record that a node is about to run, from what and why; the id is for `finish_execution`.

        In a file, the disk is not waited for: if the machine dies, what began and did not end is void in any case.
        """
        with self._database.transaction(durable=False) as transaction:
            return self._insert(transaction, attempt, "running")

    def finish_execution(
        self,
        execution_id: int,
        state: ExecutionState,
        *,
        outputs: Mapping[str, ArtifactRecord] | None = None,
        reads: Mapping[str, str | None] | None = None,
        reason: str | None = None,
        error: Mapping[str, Any] | None = None,
        reusable: bool = True,
        log: ArtifactRecord | None = None,
    ) -> None:
        """Record how an execution ended, what it made and what it printed, in one transaction.

        With ``reusable=False`` no later run will take its outputs for its own. An execution ends once: who was taken
        for dead, or was held up past the run's lease, may not end it.

        Raises:
            LeaseLostError: When it has ended already or the lease is over; nothing is recorded.
        """
        with self._database.transaction() as transaction:
            made = {**(outputs or {}), **({} if log is None else {LOG_SLOT: log})}
            for slot, artifact in made.items():
                self._connect(transaction, (execution_id, "output", slot, 0), artifact)
            now = self._now()
            values = (
                state, json_text(reads or {}), reason, error and json_text(error), now, now, int(reusable),
                execution_id,
            )  # fmt: skip
            held(
                transaction.execute(
                    "UPDATE execution SET state = ?, reads = ?, reason = coalesce(?, reason), error = ?,"
                    f" finished_at = {AFTER.format('started_at')}, reusable = ? WHERE id = ? AND state = 'running'"
                    f" AND EXISTS (SELECT 1 FROM run WHERE run.id = execution.run_id AND {RUN_LIVES}) RETURNING id",
                    values,
                ).fetchone()
            )

    def record_unrun(
        self,
        attempt: Attempt,
        state: ExecutionState,
        *,
        reused: ExecutionRecord | None = None,
        error: Mapping[str, Any] | None = None,
    ) -> None:
        """Record a node that did not run: reused outputs, skipped, or failed before it could start.

        In a file, it is on the disk once the run has ended; the death of the machine before that makes the run void.
        """
        with self._database.transaction(durable=False) as transaction:
            execution_id = self._insert(transaction, attempt, state)
            if reused is not None:
                for slot, artifact in reused.outputs.items():
                    self._connect(transaction, (execution_id, "output", slot, 0), artifact)
            transaction.execute(
                "UPDATE execution SET reused = ?, error = ?, finished_at = started_at WHERE id = ?",
                (None if reused is None else reused.id, error and json_text(error), execution_id),
            )

    def successes(self, fingerprint: str, *, limit: int = 20) -> list[ExecutionRecord]:
        """Executions of this fingerprint whose outputs may be used again, newest first."""
        rows = self._database.query(
            f"{_SELECT} WHERE execution.fingerprint = ? AND execution.state = 'ran' AND reusable <> 0"
            " ORDER BY execution.id DESC LIMIT ?",
            (fingerprint, limit),
        )
        return [self._execution(row) for row in rows]

    def latest_success(self, pipeline: str, node: str, *, before: int | None = None) -> ExecutionRecord | None:
        """The newest execution of a pipeline's node that ran or was reused, older than execution ``before``."""
        rows = self._database.query(
            f"{_SELECT} WHERE run.pipeline = ? AND execution.node = ? AND execution.id < ?"
            " AND execution.state IN ('ran', 'cached') ORDER BY execution.id DESC LIMIT 1",
            (pipeline, node, 2**62 if before is None else before),
        )
        return self._execution(rows[0]) if rows else None

    def parts(self, fingerprint: str) -> dict[str, str]:
        """The named parts of a fingerprint; empty when it is not known."""
        rows = self._database.query("SELECT parts FROM fingerprint WHERE digest = ?", (fingerprint,))
        return json.loads(rows[0]["parts"]) if rows else {}

    def execution(self, execution_id: int) -> ExecutionRecord:
        """One execution, by the id that `start_execution` gave or that a reused one names."""
        (row,) = self._database.query(f"{_SELECT} WHERE execution.id = ?", (execution_id,))
        return self._execution(row)

    def executions(self, run_id: str) -> list[ExecutionRecord]:
        """The executions of a run, in the order they began."""
        rows = self._database.query(f"{_SELECT} WHERE run_id = ? ORDER BY execution.id", (run_id,))
        return [self._execution(row) for row in rows]

    def at_work(self, run_id: str) -> dict[int, str]:
        """The executions of a run that have begun and not ended, by id; the node of each."""
        sql = "SELECT id, node FROM execution WHERE run_id = ? AND state = 'running' ORDER BY id"
        return {row["id"]: row["node"] for row in self._database.query(sql, (run_id,))}

    def _insert(self, transaction: Transaction, attempt: Attempt, state: ExecutionState) -> int:
        if attempt.fingerprint is not None:
            transaction.execute(
                "INSERT INTO fingerprint (digest, parts) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (attempt.fingerprint, json_text(attempt.parts)),
            )
        held(transaction.execute(f"SELECT id FROM run WHERE id = ? AND {LIVES}", (attempt.run_id,)).fetchone())
        execution_id: int = transaction.execute(
            "INSERT INTO execution (run_id, node, component, state, fingerprint, reason, started_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
            (
                attempt.run_id,
                attempt.node,
                attempt.component,
                state,
                attempt.fingerprint,
                attempt.reason,
                self._now(),
            ),
        ).fetchone()["id"]
        for slot, artifacts in attempt.inputs.items():
            for position, artifact in enumerate(artifacts):
                self._connect(transaction, (execution_id, "input", slot, position), artifact)
        return execution_id

    def _connect(self, transaction: Transaction, event: tuple[int, str, str, int], artifact: ArtifactRecord) -> None:
        key = (artifact.digest, artifact.type_name, json_text(artifact.properties))
        transaction.execute(
            "INSERT INTO artifact (digest, type, properties, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (*key, self._now()),
        )
        transaction.execute(
            "INSERT INTO event (execution_id, direction, slot, position, artifact_id)"
            " SELECT ?, ?, ?, ?, id FROM artifact WHERE digest = ? AND type = ? AND properties = ?",
            (*event, *key),
        )

    def _execution(self, row: Row) -> ExecutionRecord:
        events = self._database.query(
            "SELECT slot, digest, type, properties FROM event JOIN artifact ON artifact.id = artifact_id"
            " WHERE execution_id = ? AND direction = 'output' ORDER BY slot",
            (row["id"],),
        )
        outputs = {
            event["slot"]: ArtifactRecord(event["digest"], event["type"], json.loads(event["properties"]))
            for event in events
        }
        return ExecutionRecord(
            log=outputs.pop(LOG_SLOT, None),
            id=row["id"],
            run_id=row["run_id"],
            node=row["node"],
            component=row["component"],
            state=row["state"],
            fingerprint=row["fingerprint"],
            reads=json.loads(row["reads"] or "{}"),
            reused=row["reused"],
            reason=row["reason"],
            error=json.loads(row["error"]) if row["error"] else None,
            started_at=row["started_at"],
            finished_at=row["finished_at"],
            outputs=outputs,
        )
