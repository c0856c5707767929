"""The ways between artifacts: what one was made from, and what was made from it.

**They lead through runs.** Artifacts are known by their bytes, and small ones coincide: a verdict "passed" is made in
every run. What an execution read was made by the executions of its own run, so that is where the way leads; only what
no node of the run made (a resolver brought it in) is looked for in the run that did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

from treadle.metadata._database import Database

Place = tuple[int, str]
"""An artifact's row, and the run it is met in."""

DONE = "execution.state IN ('ran', 'cached')"

# What the executions of one run that made an artifact had read. A run has few executions and a small artifact may have
# very many makers, so the way leads through the run: `+ 0` keeps the index on artifacts out of it.
_READ = f"""
SELECT DISTINCT source.artifact_id AS artifact FROM execution
JOIN event AS made ON made.execution_id = execution.id AND made.direction = 'output' AND made.artifact_id + 0 = ?
JOIN event AS source ON source.execution_id = execution.id AND source.direction = 'input'
WHERE execution.run_id = ? AND {DONE} ORDER BY source.artifact_id
"""

_IS_MADE_IN = f"""
SELECT 1 FROM execution
JOIN event AS made ON made.execution_id = execution.id AND made.direction = 'output' AND made.artifact_id + 0 = ?
WHERE execution.run_id = ? AND {DONE} LIMIT 1
"""

_MADE_IN = f"""
SELECT execution.run_id AS run FROM event JOIN execution ON execution.id = event.execution_id
WHERE event.artifact_id = ? AND event.direction = 'output' AND {DONE} ORDER BY event.execution_id DESC
"""

_MADE_FROM = f"""
SELECT DISTINCT made.artifact_id AS artifact, execution.run_id AS run FROM event AS source
JOIN execution ON execution.id = source.execution_id AND {DONE}
JOIN event AS made ON made.execution_id = execution.id AND made.direction = 'output'
WHERE source.artifact_id = ? AND source.direction = 'input' ORDER BY execution.run_id, made.artifact_id
"""


class Ways:
    """Steps from artifact to artifact in a lineage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def up(self, starts: Iterable[Place], max_depth: int | None) -> dict[int, tuple[int, str]]:
        """What artifacts were made from: their rows, nearest first, with the fewest steps and a run of the way."""
        return self._follow(starts, self._sources, max_depth)

    def down(self, starts: Iterable[Place], max_depth: int | None) -> dict[int, tuple[int, str]]:
        """What was made from artifacts; as `up`."""
        return self._follow(starts, self._products(), max_depth)

    def maker(self, row: int) -> str | None:
        """The newest run that made an artifact."""
        found = self._database.query(f"{_MADE_IN} LIMIT 1", (row,))
        return found[0]["run"] if found else None

    def readers(self, row: int) -> list[str]:
        """The runs that read an artifact."""
        found = self._database.query(
            "SELECT DISTINCT execution.run_id AS run FROM event JOIN execution ON execution.id = event.execution_id"
            " WHERE event.artifact_id = ? AND event.direction = 'input' ORDER BY execution.run_id",
            (row,),
        )
        return [row["run"] for row in found]

    def _follow(
        self, starts: Iterable[Place], step: Callable[[Place], Iterable[Place]], max_depth: int | None
    ) -> dict[int, tuple[int, str]]:
        frontier = list(starts)
        own = {row for row, _ in frontier}
        seen: set[Place] = set(frontier)
        found: dict[int, tuple[int, str]] = {}
        depth = 0
        while frontier and (max_depth is None or depth < max_depth):
            depth += 1
            following = []
            for place in frontier:
                for reached in step(place):
                    if reached not in seen:
                        seen.add(reached)
                        following.append(reached)
                        if reached[0] not in own:
                            found.setdefault(reached[0], (depth, reached[1]))
            frontier = following
        return found

    def _sources(self, place: Place) -> list[Place]:
        """What an artifact was made from, in the run it is met in; if that run did not make it, in one that did."""
        row, run = place
        if not self._database.query(_IS_MADE_IN, (row, run)):
            maker = self.maker(row)
            if maker is None:
                return []
            run = maker
        return [(found["artifact"], run) for found in self._database.query(_READ, (row, run))]

    def _products(self) -> Callable[[Place], list[Place]]:
        """A step from an artifact to what was made of it: in its run, and in runs that others brought it into."""

        @cache
        def readers(row: int) -> dict[str, list[Place]]:
            found: dict[str, list[Place]] = {}
            for made in self._database.query(_MADE_FROM, (row,)):
                found.setdefault(made["run"], []).append((made["artifact"], made["run"]))
            return found

        @cache
        def brought_in(row: int) -> list[Place]:
            makers = {made["run"] for made in self._database.query(_MADE_IN, (row,))}
            return [place for run, places in readers(row).items() if run not in makers for place in places]

        return lambda place: [*readers(place[0]).get(place[1], ()), *brought_in(place[0])]
