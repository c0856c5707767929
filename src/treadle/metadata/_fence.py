"""The fence of every record: who was taken for dead, or was held up past its lease, records nothing more."""

from __future__ import annotations

from treadle.errors import LeaseLostError

RUN_LIVES = "run.state = 'running' AND (run.lease_until IS NULL OR run.lease_until > lease_clock())"
LIVES = RUN_LIVES.replace("run.", "")
# The time now, bound twice; a clock that was set back ends nothing before it began.
AFTER = "CASE WHEN {0} > ? THEN {0} ELSE ? END"


def held(row: object) -> None:
    """Go on if a statement behind the fence changed a row.

    Raises:
        LeaseLostError: It changed none.
    """
    if row is None:
        raise LeaseLostError(
            "The run was held up past its lease or taken for dead, so it may record nothing more",
            hint="run again: what was recorded before is reused",
        )
