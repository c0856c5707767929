"""What people were asked to approve, and what they said: one SQLite file in the store, nothing ever overwritten."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from treadle.errors import ApprovalError, ApprovalExpiredError
from treadle.metadata import Database

_MIGRATIONS = (
    """
    CREATE TABLE request (
        id INTEGER PRIMARY KEY,
        gate TEXT NOT NULL,
        digest TEXT NOT NULL,
        verdict TEXT NOT NULL,
        asked_at TEXT NOT NULL,
        expires_at TEXT,
        closed INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX request_by_subject ON request (gate, digest, id);
    CREATE TABLE place (
        run TEXT NOT NULL,
        node TEXT NOT NULL,
        request_id INTEGER NOT NULL REFERENCES request (id),
        PRIMARY KEY (run, node)
    ) STRICT;
    CREATE TABLE decision (
        id INTEGER PRIMARY KEY,
        request_id INTEGER NOT NULL REFERENCES request (id),
        approved INTEGER NOT NULL,
        by TEXT NOT NULL,
        reason TEXT NOT NULL,
        at TEXT NOT NULL
    ) STRICT
    """,
)


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """A question to a person: may exactly these bytes go on?"""

    id: int
    gate: str
    digest: str
    """Of the artifact that is to be approved."""
    verdict: str
    """What the gates said of it, in words."""
    asked_at: datetime
    """UTC."""
    expires_at: datetime | None

    def has_expired(self, now: datetime) -> bool:
        """Whether it is too late to answer."""
        return self.expires_at is not None and now >= self.expires_at


@dataclass(frozen=True, slots=True)
class ApprovalDecision:
    """An answer: who, when and why."""

    approved: bool
    by: str
    reason: str
    at: datetime
    """UTC."""


class Approvals:
    """The questions and answers of one store. Safe to share between threads and processes.

    Args:
        home: The store's folder; the file is ``approvals.sqlite`` in it.
        clock: The time now, UTC; injected by tests.
    """

    def __init__(self, home: Path, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = Database(home / "approvals.sqlite", _MIGRATIONS)
        self._clock = clock

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> Approvals:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(
        self, gate: str, digest: str, *, verdict: str, expires: timedelta | None, place: tuple[str, str] | None = None
    ) -> ApprovalRequest:
        """The open question about these bytes, asked now when there is none; ``place`` is the run and node that wait.

        A question that was answered stays the question: its answer counts.
        """
        now = self._clock()
        with self._database.transaction() as transaction:
            row = transaction.execute(
                "SELECT * FROM request WHERE gate = ? AND digest = ? AND NOT closed ORDER BY id DESC LIMIT 1",
                (gate, digest),
            ).fetchone()
            if row is None:
                row = transaction.execute(
                    "INSERT INTO request (gate, digest, verdict, asked_at, expires_at) VALUES (?, ?, ?, ?, ?)"
                    " RETURNING *",
                    (
                        gate,
                        digest,
                        verdict,
                        now.isoformat(),
                        (now + expires).isoformat() if expires is not None else None,
                    ),
                ).fetchone()
            if place is not None:
                transaction.execute(
                    "INSERT INTO place (run, node, request_id) VALUES (?, ?, ?)"
                    " ON CONFLICT (run, node) DO UPDATE SET request_id = excluded.request_id",
                    (*place, row["id"]),
                )
        return _request(row)

    def decision(self, request: ApprovalRequest) -> ApprovalDecision | None:
        """The newest answer to a question; None when there is none yet.

        Raises:
            ApprovalExpiredError: When there is none and it is too late; the question is closed, and asked anew the
                next time.
        """
        rows = self._database.query(
            "SELECT * FROM decision WHERE request_id = ? ORDER BY id DESC LIMIT 1", (request.id,)
        )
        if rows:
            row = rows[0]
            return ApprovalDecision(bool(row["approved"]), row["by"], row["reason"], _time(row["at"]))
        if request.has_expired(self._clock()):
            with self._database.transaction() as transaction:
                transaction.execute("UPDATE request SET closed = 1 WHERE id = ?", (request.id,))
            raise _expired(request)
        return None

    def decide(self, run: str, node: str, *, approved: bool, by: str, reason: str) -> ApprovalRequest:
        """Answer the question that a node of a run waits for.

        Raises:
            ApprovalError: When it waits for nothing, or the question has an answer already.
            ApprovalExpiredError: When it is too late.
        """
        where = {"run": run, "node": node}
        if not by.strip() or not reason.strip():
            raise ApprovalError("An answer says who gives it and why", where=where, hint="--by NAME --reason TEXT")
        with self._database.transaction() as transaction:
            row = transaction.execute(
                "SELECT request.* FROM place JOIN request ON request.id = place.request_id WHERE run = ? AND node = ?",
                (run, node),
            ).fetchone()
            if row is None:
                raise ApprovalError(
                    "This node of this run waits for nobody's approval", where=where, hint="treadle status RUN"
                )
            request = _request(row)
            before = transaction.execute("SELECT * FROM decision WHERE request_id = ?", (request.id,)).fetchone()
            if before is not None:
                said = "approved" if before["approved"] else "rejected"
                raise ApprovalError(
                    f"It was {said} by {before['by']} at {before['at']} already: {before['reason']}", where=where
                )
            if row["closed"] or request.has_expired(self._clock()):
                raise _expired(request)
            transaction.execute(
                "INSERT INTO decision (request_id, approved, by, reason, at) VALUES (?, ?, ?, ?, ?)",
                (request.id, approved, by, reason, self._clock().isoformat()),
            )
        return request

    def waiting(self) -> list[tuple[str, str, ApprovalRequest]]:
        """Run, node and question of what waits for an answer now, oldest first."""
        rows = self._database.query(
            "SELECT place.run, place.node, request.* FROM place JOIN request ON request.id = place.request_id"
            " WHERE NOT closed AND NOT EXISTS (SELECT 1 FROM decision WHERE request_id = request.id)"
            " ORDER BY request.id, place.run"
        )
        return [(row["run"], row["node"], _request(row)) for row in rows]


def _expired(request: ApprovalRequest) -> ApprovalExpiredError:
    return ApprovalExpiredError(
        "Nobody approved it in time",
        where={"digest": request.digest, "asked": request.asked_at, "expired": request.expires_at},
        hint="run the pipeline again to ask anew",
    )


def _request(row: Any) -> ApprovalRequest:
    return ApprovalRequest(
        id=row["id"],
        gate=row["gate"],
        digest=row["digest"],
        verdict=row["verdict"],
        asked_at=_time(row["asked_at"]),
        expires_at=None if row["expires_at"] is None else _time(row["expires_at"]),
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
