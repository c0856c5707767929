"""The lineage of pipeline runs: each change that means one thing is one transaction."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, cast

from treadle.artifact import canonical_json
from treadle.errors import LeaseLostError, StoreInUseError
from treadle.metadata._contents import accepts, add_contents, contents_of
from treadle.metadata._database import Database, Row, Transaction
from treadle.metadata._lineage import Lineage
from treadle.metadata._records import ArtifactRecord, Attempt, ExecutionRecord, ExecutionState, RunRecord, RunState
from treadle.metadata._retention import Kept, Retention, kept
from treadle.metadata._schema import MIGRATIONS

if TYPE_CHECKING:
    from treadle.metadata._archive_format import Contents

# The fence of every record, in the transaction that makes it: the run goes on, and its lease is not over.
_RUN_LIVES = "run.state = 'running' AND (run.lease_until IS NULL OR run.lease_until > lease_clock())"
_LIVES = _RUN_LIVES.replace("run.", "")
# The time now, bound twice; a clock that was set back ends nothing before it began.
_AFTER = "CASE WHEN {0} > ? THEN {0} ELSE ? END"
_EXECUTION = "SELECT execution.*, run.pipeline AS pipeline FROM execution JOIN run ON run.id = execution.run_id"


class MetadataStore:
    """Runs, executions and artifacts in one database. Safe for any number of threads and processes.

    Args:
        path: A SQLite file, made when it is not there; or ``postgresql://...``, see docs/storage.md.
        clock: Seconds since 1970; injected by tests.
    """

    def __init__(self, path: str | os.PathLike[str], *, clock: Callable[[], float] = time.time) -> None:
        self._database = _open(path)
        self._clock = clock
        self.lineage = Lineage(self._database)

    def close(self) -> None:
        """Close the file. Idempotent."""
        self._database.close()

    def __enter__(self) -> MetadataStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

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
                (run_id, pipeline, _text(ir), now, max(now, newest + 1)),
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
            _held(
                transaction.execute(
                    f"UPDATE run SET lease_until = lease_clock() + ? WHERE id = ? AND {_LIVES} RETURNING id",
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

    @property
    def is_shared(self) -> bool:
        """Whether runners of several hosts may use it, so that only leases tell which of them live."""
        return self._database.is_shared

    @property
    def identity(self) -> str:
        """A name that no other lineage has."""
        identity: str = self._database.query("SELECT id FROM identity")[0]["id"]
        return identity

    def in_use(self) -> AbstractContextManager[None]:
        """A block in which nothing is collected by another host. A run holds it beside the lock of its store."""
        return self._database.in_use()

    @contextmanager
    def alone(self, *, wait_seconds: float = 0.0) -> Iterator[None]:
        """A block in which no run of any host is at work, for who collects.

        Raises:
            StoreInUseError: When one still is after ``wait_seconds``.
        """
        with self._database.alone(wait_seconds=wait_seconds):
            # a run whose connection broke holds no lock any more, but it holds its lease
            if self.is_shared and set(self.running()) - set(self.overdue()):
                raise StoreInUseError(
                    "The lineage is in use: a run is at work",
                    hint="wait for it to end; `treadle status` lists runs",
                )
            yield

    def finish_run(self, run_id: str, state: RunState) -> None:
        """Record how a run ended.

        Raises:
            LeaseLostError: When it was taken for dead meanwhile, or its lease is over.
        """
        now = self._now()
        with self._database.transaction() as transaction:
            _held(
                transaction.execute(
                    f"UPDATE run SET state = ?, finished_at = {_AFTER.format('created_at')}, lease_until = NULL"
                    f" WHERE id = ? AND (state = 'waiting' OR {_LIVES}) RETURNING id",
                    (state, now, now, run_id),
                ).fetchone()
            )

    def running(self) -> list[str]:
        """The ids of runs that have begun and not ended, as far as has been recorded, oldest first."""
        sql = "SELECT id FROM run WHERE state = 'running' ORDER BY ordered_at, id"
        return [row["id"] for row in self._database.query(sql)]

    def abandon_run(self, run_id: str, error: Mapping[str, Any]) -> None:
        """Record a run that is still marked as running, and its running nodes, as failed."""
        now = self._now()
        with self._database.transaction() as transaction:
            transaction.execute(
                f"UPDATE execution SET state = 'failed', error = ?, finished_at = {_AFTER.format('started_at')}"
                " WHERE run_id = ? AND state = 'running'",
                (_text(error), now, now, run_id),
            )
            transaction.execute(
                f"UPDATE run SET state = 'failed', finished_at = {_AFTER.format('created_at')}"
                " WHERE id = ? AND state = 'running'",
                (now, now, run_id),
            )

    def start_execution(self, attempt: Attempt) -> int:
        """Record that a node is about to run, from what and why; the id is for `finish_execution`."""
        with self._database.transaction() as transaction:
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
    ) -> None:
        """Record how an execution ended and what it made, in one transaction.

        With ``reusable=False`` no later run will take its outputs for its own. An execution ends once: who was taken
        for dead, or was held up past the run's lease, may not end it.

        Raises:
            LeaseLostError: When it has ended already or the lease is over; nothing is recorded.
        """
        with self._database.transaction() as transaction:
            for slot, artifact in (outputs or {}).items():
                self._connect(transaction, (execution_id, "output", slot, 0), artifact)
            now = self._now()
            values = (
                state, _text(reads or {}), reason, error and _text(error), now, now, int(reusable),
                execution_id,
            )  # fmt: skip
            _held(
                transaction.execute(
                    "UPDATE execution SET state = ?, reads = ?, reason = coalesce(?, reason), error = ?,"
                    f" finished_at = {_AFTER.format('started_at')}, reusable = ? WHERE id = ? AND state = 'running'"
                    f" AND EXISTS (SELECT 1 FROM run WHERE run.id = execution.run_id AND {_RUN_LIVES}) RETURNING id",
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
        """Record a node that did not run: reused outputs, skipped, or failed before it could start."""
        with self._database.transaction() as transaction:
            execution_id = self._insert(transaction, attempt, state)
            if reused is not None:
                for slot, artifact in reused.outputs.items():
                    self._connect(transaction, (execution_id, "output", slot, 0), artifact)
            transaction.execute(
                "UPDATE execution SET reused = ?, error = ?, finished_at = started_at WHERE id = ?",
                (None if reused is None else reused.id, error and _text(error), execution_id),
            )

    def successes(self, fingerprint: str, *, limit: int = 20) -> list[ExecutionRecord]:
        """Executions of this fingerprint whose outputs may be used again, newest first."""
        rows = self._database.query(
            f"{_EXECUTION} WHERE execution.fingerprint = ? AND execution.state = 'ran' AND reusable <> 0"
            " ORDER BY execution.id DESC LIMIT ?",
            (fingerprint, limit),
        )
        return [self._execution(row) for row in rows]

    def latest_success(self, pipeline: str, node: str, *, before: int | None = None) -> ExecutionRecord | None:
        """The newest execution of a pipeline's node that ran or was reused, older than execution ``before``."""
        rows = self._database.query(
            f"{_EXECUTION} WHERE run.pipeline = ? AND execution.node = ? AND execution.id < ?"
            " AND execution.state IN ('ran', 'cached') ORDER BY execution.id DESC LIMIT 1",
            (pipeline, node, 2**62 if before is None else before),
        )
        return self._execution(rows[0]) if rows else None

    def parts(self, fingerprint: str) -> dict[str, str]:
        """The named parts of a fingerprint; empty when it is not known."""
        rows = self._database.query("SELECT parts FROM fingerprint WHERE digest = ?", (fingerprint,))
        return json.loads(rows[0]["parts"]) if rows else {}

    def runs(self, *, pipeline: str | None = None, limit: int = 20) -> list[RunRecord]:
        """The newest runs first, of one pipeline or of all."""
        where, values = ("WHERE pipeline = ? ", (pipeline,)) if pipeline is not None else ("", ())
        rows = self._database.query(
            f"SELECT * FROM run {where}ORDER BY ordered_at DESC, id DESC LIMIT ?", (*values, limit)
        )
        return [_run(row) for row in rows]

    def run(self, run_id: str) -> RunRecord | None:
        """One run, or None when there is none of that id."""
        rows = self._database.query("SELECT * FROM run WHERE id = ?", (run_id,))
        return _run(rows[0]) if rows else None

    def executions(self, run_id: str) -> list[ExecutionRecord]:
        """The executions of a run, in the order they began."""
        rows = self._database.query(f"{_EXECUTION} WHERE run_id = ? ORDER BY execution.id", (run_id,))
        return [self._execution(row) for row in rows]

    def contents(self, run_id: str) -> Contents:
        """A run that has ended as plain data, for an archive.

        Raises:
            UsageError: When there is no such run, or it has not ended.
        """
        return contents_of(self._database, run_id)

    def accepts(self, contents: Contents) -> bool:
        """Whether a run from an archive is new here; False when it is here already.

        Raises:
            ArchiveError: When another run of its id is here.
        """
        return accepts(self._database, contents)

    def add_contents(self, contents: Contents, *, trust: bool) -> None:
        """Record a run from an archive, in one transaction; its artifacts are published already."""
        add_contents(self._database, contents, now=self._now(), trust=trust)

    def digests_of(self, run_id: str) -> set[str]:
        """Every artifact that a run's nodes read or made."""
        rows = self._database.query(
            "SELECT DISTINCT artifact.digest AS digest FROM execution JOIN event ON event.execution_id = execution.id"
            " JOIN artifact ON artifact.id = event.artifact_id WHERE execution.run_id = ?",
            (run_id,),
        )
        return {row["digest"] for row in rows}

    def kept(self, policy: Retention, *, pinned: Iterable[str] = (), runs: Iterable[str] = ()) -> Kept:
        """What a retention policy keeps now, with these digests and runs beside."""
        return kept(self._database, policy, now=self._now(), pinned=pinned, runs=runs)

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)

    def _insert(self, transaction: Transaction, attempt: Attempt, state: ExecutionState) -> int:
        if attempt.fingerprint is not None:
            transaction.execute(
                "INSERT INTO fingerprint (digest, parts) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (attempt.fingerprint, _text(attempt.parts)),
            )
        _held(transaction.execute(f"SELECT id FROM run WHERE id = ? AND {_LIVES}", (attempt.run_id,)).fetchone())
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
        key = (artifact.digest, artifact.type_name, _text(artifact.properties))
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
        return ExecutionRecord(
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
            outputs={
                event["slot"]: ArtifactRecord(event["digest"], event["type"], json.loads(event["properties"]))
                for event in events
            },
        )


def _open(path: str | os.PathLike[str]) -> Database:
    if isinstance(path, str) and path.startswith(("postgresql://", "postgres://")):
        from treadle.metadata._postgres import PostgresDatabase
        from treadle.metadata._schema_postgres import POSTGRES_MIGRATIONS

        return cast(Database, PostgresDatabase(path, POSTGRES_MIGRATIONS))  # the same two verbs
    return Database(path, MIGRATIONS)


def _held(row: object) -> None:
    if row is None:
        raise LeaseLostError(
            "The run was held up past its lease or taken for dead, so it may record nothing more",
            hint="run again: what was recorded before is reused",
        )


def _text(value: object) -> str:
    return canonical_json(value).decode()


def _run(row: Row) -> RunRecord:
    return RunRecord(
        id=row["id"],
        pipeline=row["pipeline"],
        state=row["state"],
        ir=json.loads(row["ir"]),
        created_at=row["created_at"],
        finished_at=row["finished_at"],
    )
