"""A run out of lineage as plain data, and back in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from treadle.errors import ArchiveError, UsageError
from treadle.metadata._database import Database, Transaction
from treadle.metadata._tables import json_text

if TYPE_CHECKING:
    from treadle.metadata._archive_format import Contents, ExecutionEntry


def contents_of(database: Database, run_id: str) -> Contents:
    """A run that has ended, with its executions, their fingerprints and artifacts.

    Raises:
        UsageError: When there is no such run, or it has not ended.
    """
    from treadle.metadata import _archive_format as form

    rows = database.query("SELECT * FROM run WHERE id = ?", (run_id,))
    if not rows or rows[0]["finished_at"] is None:
        what = "The run has not ended" if rows else "There is no such run"
        raise UsageError(what, where={"run": run_id}, hint="treadle status lists runs")
    run = rows[0]
    numbers: dict[int, int] = {}
    artifacts: list[form.ArtifactEntry] = []
    executions: list[form.ExecutionEntry] = []
    for row in database.query("SELECT * FROM execution WHERE run_id = ? ORDER BY id", (run_id,)):
        edges: dict[str, list[tuple[str, int, int]]] = {"input": [], "output": []}
        for event in database.query(
            "SELECT event.*, artifact.digest, artifact.type, artifact.properties FROM event"
            " JOIN artifact ON artifact.id = event.artifact_id WHERE execution_id = ?"
            " ORDER BY direction, slot, position",
            (row["id"],),
        ):
            if event["artifact_id"] not in numbers:
                numbers[event["artifact_id"]] = len(artifacts)
                properties = json.loads(event["properties"])
                artifacts.append(form.ArtifactEntry(event["digest"], event["type"], properties))
            edges[event["direction"]].append((event["slot"], event["position"], numbers[event["artifact_id"]]))
        executions.append(
            form.ExecutionEntry(
                node=row["node"],
                component=row["component"],
                state=row["state"],
                fingerprint=row["fingerprint"],
                reads=json.loads(row["reads"] or "{}"),
                reusable=bool(row["reusable"]),
                reason=row["reason"],
                error=json.loads(row["error"]) if row["error"] else None,
                started_at=row["started_at"],
                finished_at=row["finished_at"],
                inputs=edges["input"],
                outputs=edges["output"],
            )
        )
    return form.Contents(
        form.RunEntry(
            run["id"], run["pipeline"], run["state"], json.loads(run["ir"]), run["created_at"], run["finished_at"]
        ),
        executions,
        {digest: _parts(database, digest) for digest in sorted(filter(None, {one.fingerprint for one in executions}))},
        artifacts,
    )  # fmt: skip


def accepts(database: Database, contents: Contents) -> bool:
    """Whether a run may come in: True when it is new, False when it is there already.

    Raises:
        ArchiveError: When another run of this id is there.
    """
    if not database.query("SELECT 1 FROM run WHERE id = ?", (contents.run.id,)):
        return True
    if _comparable(contents_of(database, contents.run.id)) != _comparable(contents):
        raise ArchiveError("The store has another run of this id", where={"run": contents.run.id})
    return False


def add_contents(database: Database, contents: Contents, *, now: int, trust: bool) -> None:
    """Record a run that was made elsewhere."""
    run = contents.run
    with database.transaction() as transaction:
        transaction.execute(
            "INSERT INTO run (id, pipeline, state, ir, created_at, finished_at, ordered_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            # whatever it says, it did not begin later than now
            (
                run.id,
                run.pipeline,
                run.state,
                json_text(run.ir),
                run.created_at,
                run.finished_at,
                min(run.created_at, now),
            ),
        )
        for digest, parts in contents.fingerprints.items():
            transaction.execute(
                "INSERT INTO fingerprint (digest, parts) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (digest, json_text(parts)),
            )
        rows = [
            _artifact(transaction, entry.digest, entry.type, json_text(entry.properties), now)
            for entry in contents.artifacts
        ]
        for execution in contents.executions:
            _add_execution(transaction, run.id, execution, rows, trust=trust)


def _add_execution(
    transaction: Transaction, run: str, execution: ExecutionEntry, artifacts: list[int], *, trust: bool
) -> None:
    (number,) = transaction.execute(
        "INSERT INTO execution (run_id, node, component, state, fingerprint, reads, reusable, reason, error,"
        " started_at, finished_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (
            run,
            execution.node,
            execution.component,
            execution.state,
            execution.fingerprint,
            json_text(execution.reads),
            int(execution.reusable and trust),
            execution.reason,
            None if execution.error is None else json_text(execution.error),
            execution.started_at,
            execution.finished_at,
        ),
    ).fetchone()
    for direction, edges in (("input", execution.inputs), ("output", execution.outputs)):
        for slot, position, artifact in edges:
            transaction.execute(
                "INSERT INTO event (execution_id, direction, slot, position, artifact_id) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                (number, direction, slot, position, artifacts[artifact]),
            )


def _artifact(transaction: Transaction, digest: str, type_name: str, properties: str, now: int) -> int:
    key = (digest, type_name, properties)
    transaction.execute(
        "INSERT INTO artifact (digest, type, properties, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (*key, now),
    )
    (number,) = transaction.execute(
        "SELECT id FROM artifact WHERE digest = ? AND type = ? AND properties = ?", key
    ).fetchone()
    return int(number)


def _comparable(contents: Contents) -> Any:
    """What must be equal for two runs to be the same; whether the cache may use them is each store's own."""
    import msgspec

    plain = msgspec.to_builtins(contents)
    for execution in plain["executions"]:
        del execution["reusable"]
    return plain


def _parts(database: Database, digest: str) -> dict[str, str]:
    (row,) = database.query("SELECT parts FROM fingerprint WHERE digest = ?", (digest,))
    parts: dict[str, str] = json.loads(row["parts"])
    return parts
