"""Where an artifact came from and where it went.

**Lineage is followed inside runs.** Artifacts are known by their bytes, and small ones coincide: a verdict "passed"
is made in every run. What an execution read was made by the executions of its own run, so that is where the way
leads; only what no node of the run made (a resolver brought it in) is looked for in the run that did.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from treadle.errors import UsageError
from treadle.metadata._database import Database, Row
from treadle.metadata._records import ArtifactRecord

_Place = tuple[int, str]
"""An artifact's row, and the run it is met in."""

_DONE = "execution.state IN ('ran', 'cached')"

# What the executions of one run that made an artifact had read. A run has few executions and a small artifact may have
# very many makers, so the way leads through the run: `+ 0` keeps the index on artifacts out of it.
_READ = f"""
SELECT DISTINCT source.artifact_id AS artifact FROM execution
JOIN event AS made ON made.execution_id = execution.id AND made.direction = 'output' AND made.artifact_id + 0 = ?
JOIN event AS source ON source.execution_id = execution.id AND source.direction = 'input'
WHERE execution.run_id = ? AND {_DONE} ORDER BY source.artifact_id
"""

_IS_MADE_IN = f"""
SELECT 1 FROM execution
JOIN event AS made ON made.execution_id = execution.id AND made.direction = 'output' AND made.artifact_id + 0 = ?
WHERE execution.run_id = ? AND {_DONE} LIMIT 1
"""

_MADE_IN = f"""
SELECT execution.run_id AS run FROM event JOIN execution ON execution.id = event.execution_id
WHERE event.artifact_id = ? AND event.direction = 'output' AND {_DONE} ORDER BY event.execution_id DESC
"""

_MADE_FROM = f"""
SELECT DISTINCT made.artifact_id AS artifact, execution.run_id AS run FROM event AS source
JOIN execution ON execution.id = source.execution_id AND {_DONE}
JOIN event AS made ON made.execution_id = execution.id AND made.direction = 'output'
WHERE source.artifact_id = ? AND source.direction = 'input' ORDER BY execution.run_id, made.artifact_id
"""


@dataclass(frozen=True, slots=True)
class Related:
    """An artifact that another was made from, or that was made from it."""

    artifact: ArtifactRecord
    depth: int
    """How many executions lie between; the fewest, where there are several ways."""
    run: str
    """A run in which the way leads there."""

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "digest": self.artifact.digest,
            "type": self.artifact.type_name,
            "properties": dict(self.artifact.properties),
            "depth": self.depth,
            "run": self.run,
        }


@dataclass(frozen=True, slots=True)
class Making:
    """An execution that made an artifact."""

    execution: int
    run: str
    pipeline: str
    node: str
    component: str
    state: str
    slot: str
    finished_at: int | None
    """Microseconds since 1970, UTC."""
    parts: Mapping[str, str]
    """What its fingerprint was made of: code, packages, parameters, inputs."""

    def to_json(self) -> dict[str, Any]:
        """JSON-able, with code and packages apart."""
        return {
            "run": self.run,
            "pipeline": self.pipeline,
            "node": self.node,
            "component": self.component,
            "state": self.state,
            "output": self.slot,
            "finished_at": self.finished_at,
            "packages": {name[8:]: value for name, value in self.parts.items() if name.startswith("package ")},
            "parts": {name: value for name, value in self.parts.items() if not name.startswith("package ")},
        }


class Lineage:
    """Questions to the lineage of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, prefix: str, *, type_name: str | None = None) -> ArtifactRecord:
        """The artifact whose digest begins so; with several entries of one digest, the newest.

        Args:
            prefix: A digest, ``sha256:<hex>``, or the beginning of one; ``sha256:`` may be left out.
            type_name: Only artifacts of this type.

        Raises:
            UsageError: When there is none, or when several begin so.
        """
        text = prefix if prefix.startswith("sha256:") else f"sha256:{prefix}"
        if len(text) < len("sha256:") + 4 or set(text[7:]) - set("0123456789abcdef"):
            raise UsageError("Not a digest", where={"digest": repr(prefix)}, hint="give 4 to 64 of its hex digits")
        rows = self._database.query(
            "SELECT * FROM artifact WHERE digest >= ? AND digest < ?"
            + (" AND type = ?" if type_name else "")
            + " ORDER BY id DESC LIMIT 1000",
            (text, text + "g", *([type_name] if type_name else [])),
        )
        digests = {row["digest"] for row in rows}
        if len(digests) != 1:
            what = "No artifact has such a digest" if not digests else "Several artifacts' digests begin so"
            where = {"digest": text, "such as": ", ".join(sorted(digests)[:3]) or None}
            raise UsageError(what, where=where, hint="treadle status RUN --json shows the digests a run made")
        return _artifact(rows[0])

    def types(self, digest: str) -> str:
        """The types that artifacts of these bytes go by, in words; empty when lineage does not know it."""
        rows = self._database.query("SELECT DISTINCT type FROM artifact WHERE digest = ? ORDER BY type", (digest,))
        return ", ".join(row["type"] for row in rows)

    def artifacts(
        self,
        *,
        type_name: str | None = None,
        pipeline: str | None = None,
        run: str | None = None,
        node: str | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> list[tuple[int, ArtifactRecord]]:
        """Artifacts that all given filters let through, a page at a time, in the order they came to be.

        Args:
            type_name: Of this type.
            pipeline: Made in a run of this pipeline.
            run: Made or reused in this run.
            node: Made or reused by this node.
            after: The last number of the page before.
            limit: How many at most.

        Returns:
            Numbers, rising, with their artifacts.
        """
        made = {"run.pipeline": pipeline, "execution.run_id": run, "execution.node": node}
        chosen = {column: value for column, value in made.items() if value is not None}
        sql, values = "SELECT artifact.* FROM artifact WHERE artifact.id > ?", [after]
        bound: list[Any] = list(values)
        if type_name is not None:
            sql += " AND artifact.type = ?"
            bound.append(type_name)
        if chosen:
            sql += (
                (
                    " AND EXISTS (SELECT 1 FROM event JOIN execution ON execution.id = event.execution_id"
                    " JOIN run ON run.id = execution.run_id WHERE event.artifact_id = artifact.id"
                    " AND event.direction = 'output' AND "
                )
                + " AND ".join(f"{column} = ?" for column in chosen)
                + ")"
            )
            bound += chosen.values()
        rows = self._database.query(sql + " ORDER BY artifact.id LIMIT ?", (*bound, limit))
        return [(row["id"], _artifact(row)) for row in rows]

    def makings(self, digest: str, *, limit: int = 10) -> list[Making]:
        """The executions that made or reused an artifact, newest first, with the code and packages they ran."""
        rows = self._database.query(
            "SELECT execution.*, run.pipeline AS pipeline, event.slot AS slot, fingerprint.parts AS parts"
            " FROM artifact JOIN event ON event.artifact_id = artifact.id AND event.direction = 'output'"
            f" JOIN execution ON execution.id = event.execution_id AND {_DONE}"
            " JOIN run ON run.id = execution.run_id"
            " LEFT JOIN fingerprint ON fingerprint.digest = execution.fingerprint"
            " WHERE artifact.digest = ? ORDER BY execution.id DESC LIMIT ?",
            (digest, limit),
        )
        return [
            Making(
                row["id"], row["run_id"], row["pipeline"], row["node"], row["component"], row["state"], row["slot"],
                row["finished_at"], json.loads(row["parts"] or "{}"),
            )
            for row in rows
        ]  # fmt: skip

    def ancestors(self, digest: str, *, run: str | None = None, max_depth: int | None = None) -> list[Related]:
        """Everything an artifact was made from, nearest first.

        Args:
            digest: The artifact.
            run: As it was made in this run; in the newest that made it when not given.
            max_depth: No further than this many executions.
        """
        starts = [(row, run or self._maker(row)) for row in self._rows(digest)]
        return self._follow([(row, made) for row, made in starts if made], self._sources, max_depth)

    def descendants(self, digest: str, *, run: str | None = None, max_depth: int | None = None) -> list[Related]:
        """Everything that was made from an artifact, in any run or in one, nearest first."""
        starts = [(row, met) for row in self._rows(digest) for met in ([run] if run else self._runs_reading(row))]
        return self._follow(starts, self._products(), max_depth)

    def reached_by_span(self, span: str) -> list[Related]:
        """Everything that rows of a data span reached, nearest first: examples that hold it and what came of them.

        Examples say their spans in their properties, ``first_span`` and ``last_span``. Spans compare as numbers where
        all three are numbers, and as text otherwise: ``2018-03``.
        """
        found: dict[str, Related] = {}
        after = 0
        while page := self.artifacts(type_name="Examples", after=after, limit=1000):
            after = page[-1][0]
            for row, artifact in page:
                run = self._maker(row)
                if run is not None and _holds(artifact.properties, span):
                    found.setdefault(artifact.digest, Related(artifact, 0, run))
                    for related in self.descendants(artifact.digest):
                        nearest = found.get(related.artifact.digest)
                        if nearest is None or related.depth < nearest.depth:
                            found[related.artifact.digest] = related
        return sorted(found.values(), key=lambda related: related.depth)

    def _follow(
        self, starts: Iterable[_Place], step: Callable[[_Place], Iterable[_Place]], max_depth: int | None
    ) -> list[Related]:
        frontier = list(starts)
        own = {row for row, _ in frontier}
        seen: set[_Place] = set(frontier)
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
        records = dict(self._records(found))
        return [Related(records[row], depth, run) for row, (depth, run) in found.items()]

    def _sources(self, place: _Place) -> list[_Place]:
        """What an artifact was made from, in the run it is met in; if that run did not make it, in one that did."""
        row, run = place
        if not self._database.query(_IS_MADE_IN, (row, run)):
            maker = self._maker(row)
            if maker is None:
                return []
            run = maker
        return [(found["artifact"], run) for found in self._database.query(_READ, (row, run))]

    def _products(self) -> Callable[[_Place], list[_Place]]:
        """A step from an artifact to what was made of it: in its run, and in runs that others brought it into."""

        @cache
        def readers(row: int) -> dict[str, list[_Place]]:
            found: dict[str, list[_Place]] = {}
            for made in self._database.query(_MADE_FROM, (row,)):
                found.setdefault(made["run"], []).append((made["artifact"], made["run"]))
            return found

        @cache
        def brought_in(row: int) -> list[_Place]:
            makers = {made["run"] for made in self._database.query(_MADE_IN, (row,))}
            return [place for run, places in readers(row).items() if run not in makers for place in places]

        return lambda place: [*readers(place[0]).get(place[1], ()), *brought_in(place[0])]

    def _rows(self, digest: str) -> list[int]:
        found = self._database.query("SELECT id FROM artifact WHERE digest = ? ORDER BY id", (digest,))
        return [row["id"] for row in found]

    def _maker(self, row: int) -> str | None:
        found = self._database.query(f"{_MADE_IN} LIMIT 1", (row,))
        return found[0]["run"] if found else None

    def _runs_reading(self, row: int) -> list[str]:
        found = self._database.query(
            "SELECT DISTINCT execution.run_id AS run FROM event JOIN execution ON execution.id = event.execution_id"
            " WHERE event.artifact_id = ? AND event.direction = 'input' ORDER BY execution.run_id",
            (row,),
        )
        return [row["run"] for row in found]

    def _records(self, rows: Iterable[int]) -> Iterator[tuple[int, ArtifactRecord]]:
        ordered = list(rows)
        for start in range(0, len(ordered), 500):
            part = ordered[start : start + 500]
            marks = ",".join("?" * len(part))
            for row in self._database.query(f"SELECT * FROM artifact WHERE id IN ({marks})", part):
                yield row["id"], _artifact(row)


def _artifact(row: Row) -> ArtifactRecord:
    return ArtifactRecord(row["digest"], row["type"], json.loads(row["properties"]))


def _holds(properties: Mapping[str, Any], span: str) -> bool:
    first, last = properties.get("first_span"), properties.get("last_span")
    if not isinstance(first, str | int) or not isinstance(last, str | int):
        return False
    spans = (str(first), span, str(last))
    if all(text.isascii() and text.isdigit() for text in spans):
        return int(spans[0]) <= int(span) <= int(spans[2])
    return spans[0] <= span <= spans[2]
