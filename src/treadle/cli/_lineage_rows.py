"""``treadle lineage DIGEST --rows``: the rows that an artifact was made from."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import click

from treadle.cli._output import emit_json, note

if TYPE_CHECKING:
    from treadle.metadata import ArtifactRecord, MetadataStore
    from treadle.storage import ArtifactStore


def tell_rows(
    metadata: MetadataStore,
    store: ArtifactStore,
    artifact: ArtifactRecord,
    *,
    run: str | None,
    span: str | None,
    limit: int,
    after: int,
    as_json: bool,
) -> int:
    """A page of the rows: their ids, data spans, splits, and the examples that hold them.

    Raises:
        ArtifactError: When examples were collected, or are damaged.
    """
    from treadle.ingest import rows_seen

    rows = list(islice(rows_seen(metadata, store, artifact.digest, run=run, span=span), after, after + limit + 1))
    following = after + limit if len(rows) > limit else None
    if as_json:
        told = [row.to_json() for row in rows[:limit]]
        emit_json({"digest": artifact.digest, "type": artifact.type_name, "rows": told, "next": following})
        return 0
    for row in rows[:limit]:
        click.echo(f"{row.row}  {row.span or '-':<10}  {row.split}  {row.examples[:23]}")
    if not rows:
        click.echo("It was made from no rows of examples that are here.")
    if following is not None:
        note(f"There are more: --after {following}")
    return 0
