"""Questions to a lineage: where an artifact came from, where it went, who made it, from which data."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from treadle.errors import UsageError
from treadle.metadata._answers import Making, Related, SpanRange, spans_of
from treadle.metadata._database import Database, Row
from treadle.metadata._records import ArtifactRecord
from treadle.metadata._ways import DONE, Ways


class Lineage:
    """Questions to the lineage of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ways = Ways(database)

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

    def types(self, digest: str) -> list[str]:
        """The types that artifacts of these bytes go by, in order; empty when lineage does not know it."""
        rows = self._database.query("SELECT DISTINCT type FROM artifact WHERE digest = ? ORDER BY type", (digest,))
        return [row["type"] for row in rows]

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
            f" JOIN execution ON execution.id = event.execution_id AND {DONE}"
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

    def ancestors(
        self,
        digest: str,
        *,
        run: str | None = None,
        max_depth: int | None = None,
        type_name: str | None = None,
        after: int = 0,
        limit: int | None = None,
    ) -> list[Related]:
        """Everything an artifact was made from, nearest first.

        Args:
            digest: The artifact.
            run: As it was made in this run; in the newest that made it when not given.
            max_depth: No further than this many executions.
            type_name: Only artifacts of this type.
            after: Leave out so many, which were on pages before.
            limit: No more than this many.
        """
        starts = [(row, run or self._ways.maker(row)) for row in self._rows(digest)]
        found = self._ways.up([(row, made) for row, made in starts if made], max_depth)
        return _page(self._related(found), type_name, after, limit)

    def descendants(
        self,
        digest: str,
        *,
        run: str | None = None,
        max_depth: int | None = None,
        type_name: str | None = None,
        after: int = 0,
        limit: int | None = None,
    ) -> list[Related]:
        """Everything that was made from an artifact, in any run or in one, nearest first; as `ancestors`."""
        return _page(self._made_from(digest, run, max_depth), type_name, after, limit)

    def spans(self, digest: str, *, run: str | None = None) -> list[SpanRange]:
        """The data spans that an artifact was made from, a model for example: of all examples above it, nearest first.

        `treadle.ingest.rows_seen` reads the rows.
        """
        near = [related.artifact for related in self.ancestors(digest, run=run, type_name="Examples")]
        own = [record for record in self._with_digest(digest) if record.type_name == "Examples"]
        found = [spans_of(record) for record in (*own, *near)]
        return list(dict.fromkeys(spans for spans in found if spans is not None))

    def reached_by_span(
        self, span: str, *, type_name: str | None = None, after: int = 0, limit: int | None = None
    ) -> list[Related]:
        """Everything that rows of a data span reached, nearest first: examples that hold it and what came of them.

        Examples say their spans in their properties, ``first_span`` and ``last_span``; see `SpanRange.holds`. The
        models that a span reached: ``type_name="Model"``.
        """
        found: dict[str, Related] = {}
        last = 0
        while page := self.artifacts(type_name="Examples", after=last, limit=1000):
            last = page[-1][0]
            for row, artifact in page:
                spans = spans_of(artifact)
                run = self._ways.maker(row) if spans is not None and spans.holds(span) else None
                if run is None:
                    continue
                found[artifact.digest] = Related(artifact, 0, run)
                for related in self._made_from(artifact.digest, None, None):
                    nearest = found.get(related.artifact.digest)
                    if nearest is None or related.depth < nearest.depth:
                        found[related.artifact.digest] = related
        return _page(sorted(found.values(), key=lambda related: related.depth), type_name, after, limit)

    def _made_from(self, digest: str, run: str | None, max_depth: int | None) -> list[Related]:
        starts = [(row, met) for row in self._rows(digest) for met in ([run] if run else self._ways.readers(row))]
        return self._related(self._ways.down(starts, max_depth))

    def _related(self, found: dict[int, tuple[int, str]]) -> list[Related]:
        records = dict(self._records(found))
        return [Related(records[row], depth, run) for row, (depth, run) in found.items()]

    def _with_digest(self, digest: str) -> list[ArtifactRecord]:
        return [_artifact(row) for row in self._database.query("SELECT * FROM artifact WHERE digest = ?", (digest,))]

    def _rows(self, digest: str) -> list[int]:
        found = self._database.query("SELECT id FROM artifact WHERE digest = ? ORDER BY id", (digest,))
        return [row["id"] for row in found]

    def _records(self, rows: Iterable[int]) -> Iterator[tuple[int, ArtifactRecord]]:
        ordered = list(rows)
        for start in range(0, len(ordered), 500):
            part = ordered[start : start + 500]
            marks = ",".join("?" * len(part))
            for row in self._database.query(f"SELECT * FROM artifact WHERE id IN ({marks})", part):
                yield row["id"], _artifact(row)


def _artifact(row: Row) -> ArtifactRecord:
    return ArtifactRecord(row["digest"], row["type"], json.loads(row["properties"]))


def _page(found: Iterable[Related], type_name: str | None, after: int, limit: int | None) -> list[Related]:
    chosen = (related for related in found if type_name in (None, related.artifact.type_name))
    return list(islice(chosen, after, None if limit is None else after + limit))
