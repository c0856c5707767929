"""``treadle lineage DIGEST --rows``: the rows that an artifact was made from."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

import click

from treadle.cli._output import emit_json, note

if TYPE_CHECKING:
    from treadle.ingest import ExamplesReader, SpanRows
    from treadle.metadata import ArtifactRecord, MetadataStore
    from treadle.storage import ArtifactStore

Row = dict[str, str | None]


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
    rows = list(islice(_rows(metadata, store, artifact, run, span), after, after + limit + 1))
    following = after + limit if len(rows) > limit else None
    if as_json:
        emit_json({"digest": artifact.digest, "type": artifact.type_name, "rows": rows[:limit], "next": following})
        return 0
    for row in rows[:limit]:
        click.echo(f"{row['row']}  {row['span'] or '-':<10}  {row['split']}  {str(row['examples'])[:23]}")
    if not rows:
        click.echo("It was made from no rows of examples that are here.")
    if following is not None:
        note(f"There are more: --after {following}")
    return 0


def _rows(
    metadata: MetadataStore, store: ArtifactStore, artifact: ArtifactRecord, run: str | None, span: str | None
) -> Iterator[Row]:
    from treadle.artifact import Examples
    from treadle.ingest import ROW_ID, read_examples

    above = [related.artifact for related in metadata.lineage.ancestors(artifact.digest, run=run)]
    digests = [found.digest for found in (artifact, *above) if found.type_name == Examples.type_name]
    for digest in dict.fromkeys(digests):
        reader = read_examples(store.open(digest, Examples).path)
        for split in reader.splits:
            for part in _parts(reader, split):
                of_span = None if part is None else part.span
                if span is not None and of_span != span:
                    continue
                batches = reader.batches(split, [ROW_ID]) if part is None else reader.batches_of(part, [ROW_ID])
                for batch in batches:
                    for row in batch.column(ROW_ID).to_pylist():
                        yield {"row": row, "span": of_span, "split": split, "examples": digest}


def _parts(reader: ExamplesReader, split: str) -> tuple[SpanRows | None, ...]:
    return reader.span_rows(split) or (None,)  # examples of an older Treadle do not say which row is of which span
