"""What a store must keep: everything that a kept run read or made, what was pinned, and where either came from.

Lineage itself is never collected: it is small, and it is the only proof of what a model was made from. What leaves
is bytes, and a later run that needs them again makes them again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from treadle.errors import UsageError
from treadle.metadata._database import Database

_DAY = 86_400 * 1_000_000

_KEPT_RUNS = """
SELECT id FROM (
    SELECT id, state, ordered_at, finished_at,
        row_number() OVER (PARTITION BY pipeline ORDER BY ordered_at DESC, id DESC) AS age,
        row_number() OVER (PARTITION BY pipeline, state ORDER BY ordered_at DESC, id DESC) AS age_in_state
    FROM run
) AS aged
WHERE age <= ? OR ordered_at > ? OR (state = 'succeeded' AND age_in_state = 1)
    OR state IN ('running', 'waiting') OR finished_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Retention:
    """Which runs' artifacts stay. Whatever it says, these stay too: of every pipeline the newest run that succeeded,
    and every run that has not ended.

    Raises:
        UsageError: For negative numbers.
    """

    runs: int = 10
    """Of every pipeline, this many newest runs, succeeded or not: a failed run is what the next one goes on from."""
    days: float = 30.0
    """Runs that began less than this many days before the newest one."""
    unknown_days: float = 1.0
    """Artifacts no run ever named (a process died between publishing and committing) leave after this many days."""

    def __post_init__(self) -> None:
        for name in ("runs", "days", "unknown_days"):
            value = getattr(self, name)
            if not value >= 0:
                raise UsageError("A retention policy counts upwards from zero", where={name: value})


@dataclass(frozen=True, slots=True)
class Kept:
    """What a policy keeps at one moment."""

    runs: frozenset[str]
    digests: frozenset[str]
    """Artifacts whose bytes must stay."""
    known: frozenset[str]
    """Every artifact that lineage names, kept or not."""


def kept(database: Database, policy: Retention, *, now: int, pinned: Iterable[str], runs: Iterable[str]) -> Kept:
    """Work out what stays.

    Args:
        database: The lineage.
        policy: Which runs stay.
        now: Microseconds since 1970.
        pinned: Digests that stay whatever the policy says.
        runs: Runs that stay whatever the policy says.
    """
    with database.transaction() as transaction:  # one moment: no run begins or commits between the questions
        (newest,) = transaction.execute("SELECT coalesce(max(ordered_at), 0) FROM run").fetchone()
        # a clock that runs ahead, or a store that lay still, makes nothing old
        since = min(now, newest) - int(policy.days * _DAY) if policy.days < 100_000 else -1
        since = since if policy.days else newest
        stay = {row["id"] for row in transaction.execute(_KEPT_RUNS, (policy.runs, since)).fetchall()} | set(runs)
        digests = set(pinned)
        for part in _parts(sorted(stay)):
            marks = ",".join("?" * len(part))
            digests |= {
                row["digest"]
                for row in transaction.execute(
                    "SELECT DISTINCT artifact.digest FROM execution"
                    " JOIN event ON event.execution_id = execution.id"
                    " JOIN artifact ON artifact.id = event.artifact_id"
                    f" WHERE execution.run_id IN ({marks})",
                    part,
                ).fetchall()
            }
        known = {row["digest"] for row in transaction.execute("SELECT DISTINCT digest FROM artifact").fetchall()}
    return Kept(frozenset(stay), frozenset(digests), frozenset(known))


def _parts(items: Collection[str], size: int = 500) -> Iterable[list[str]]:
    ordered = list(items)
    return (ordered[start : start + size] for start in range(0, len(ordered), size))
