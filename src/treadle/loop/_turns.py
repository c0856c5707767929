"""The loop's memory: one row per window of a model, with what was seen, decided and done."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from treadle.metadata import open_database
from treadle.monitoring import Window

Action = Literal["none", "waiting", "refused", "promoted", "failed"]

_MIGRATIONS = (
    """
    CREATE TABLE turn (
        model TEXT NOT NULL,
        window_start TEXT NOT NULL,
        window_end TEXT NOT NULL,
        rows INTEGER NOT NULL,
        drifted TEXT NOT NULL,
        quality TEXT NOT NULL,
        action TEXT NOT NULL,
        reasons TEXT NOT NULL,
        run_id TEXT,
        version INTEGER,
        PRIMARY KEY (model, window_start)
    ) STRICT
    """,
)
_POSTGRES_MIGRATIONS = (
    """
    CREATE TABLE turn (
        model TEXT COLLATE "C" NOT NULL,
        window_start TEXT COLLATE "C" NOT NULL,
        window_end TEXT NOT NULL,
        rows BIGINT NOT NULL,
        drifted TEXT NOT NULL,
        quality TEXT NOT NULL,
        action TEXT NOT NULL,
        reasons TEXT NOT NULL,
        run_id TEXT,
        version BIGINT,
        PRIMARY KEY (model, window_start)
    )
    """,
)


@dataclass(frozen=True, slots=True)
class Turn:
    """One window: what was seen, decided and done."""

    window: Window
    rows: int
    """Predictions served in the window."""
    drifted: Mapping[str, Mapping[str, float]]
    """Feature to the measures that crossed their thresholds, with the distances."""
    quality: Mapping[str, Any]
    """The live quality the decision rested on: ``window`` and the metrics; empty while no label had arrived."""
    action: Action
    """``none``; ``waiting``: retrained, and a person has to answer; ``refused``: a gate or a person said no;
    ``promoted``; ``failed``: the run did not finish."""
    reasons: tuple[str, ...]
    """Why this action."""
    run_id: str | None
    """The pipeline run, where there was one."""
    version: int | None
    """The model version in service after the turn."""

    @property
    def attempted(self) -> bool:
        """Whether a retraining was attempted."""
        return self.action != "none"


class TurnStore:
    """The turns of every model.

    Args:
        home: The store's folder; the file is ``loop.sqlite`` in it, unless the store is kept in PostgreSQL.
    """

    def __init__(self, home: Path) -> None:
        self._database = open_database(home, "loop", _MIGRATIONS, postgres=_POSTGRES_MIGRATIONS)

    def close(self) -> None:
        """Close it. Idempotent."""
        self._database.close()

    def __enter__(self) -> TurnStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def record(self, model: str, turn: Turn) -> None:
        """Write one turn; a window is decided once, so writing it again is an error of the caller."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO turn VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    model,
                    turn.window.start.isoformat(),
                    turn.window.end.isoformat(),
                    turn.rows,
                    json.dumps(dict(turn.drifted)),
                    json.dumps(dict(turn.quality)),
                    turn.action,
                    json.dumps(list(turn.reasons)),
                    turn.run_id,
                    turn.version,
                ),
            )

    def settle(self, model: str, turn: Turn) -> None:
        """Write what came of a turn that waited for an answer."""
        with self._database.transaction() as transaction:
            transaction.execute(
                "UPDATE turn SET action = ?, reasons = ?, run_id = ?, version = ?"
                " WHERE model = ? AND window_start = ? AND action = 'waiting'",
                (
                    turn.action,
                    json.dumps(list(turn.reasons)),
                    turn.run_id,
                    turn.version,
                    model,
                    turn.window.start.isoformat(),
                ),
            )

    def turns(self, model: str) -> list[Turn]:
        """The turns of ``model``, oldest first."""
        rows = self._database.query(
            "SELECT window_start, window_end, rows, drifted, quality, action, reasons, run_id, version"
            " FROM turn WHERE model = ? ORDER BY window_start",
            (model,),
        )
        return [
            Turn(
                Window(datetime.fromisoformat(row[0]), datetime.fromisoformat(row[1])),
                row[2],
                json.loads(row[3]),
                json.loads(row[4]),
                row[5],
                tuple(json.loads(row[6])),
                row[7],
                row[8],
            )
            for row in rows
        ]
