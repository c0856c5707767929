"""The rows that an artifact was made from: of every examples above it in the lineage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from treadle.artifact import Examples
from treadle.ingest._examples import ROW_ID, ExamplesReader, read_examples

if TYPE_CHECKING:
    from treadle.ingest._span_rows import SpanRows
    from treadle.metadata import MetadataStore
    from treadle.storage import ArtifactStore


@dataclass(frozen=True, slots=True)
class RowSeen:
    """A row of examples."""

    row: str
    """Its id."""
    span: str | None
    """The data span it came from; None where the examples do not say it."""
    split: str
    examples: str
    """The digest of the examples that hold it."""

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return asdict(self)


def rows_seen(
    metadata: MetadataStore, store: ArtifactStore, digest: str, *, run: str | None = None, span: str | None = None
) -> Iterator[RowSeen]:
    """The rows that an artifact was made from, a model for example, in the order they lie in.

    Args:
        metadata: The lineage.
        store: The artifacts.
        digest: The artifact; examples tell their own rows.
        run: As it was made in this run; in the newest that made it when not given.
        span: Only rows of this data span.

    Raises:
        ArtifactError: When examples were collected, or are damaged.
    """
    above = [found.artifact.digest for found in metadata.lineage.ancestors(digest, run=run, type_name="Examples")]
    own = [digest] if Examples.type_name in metadata.lineage.types(digest) else []
    for examples in dict.fromkeys((*own, *above)):
        reader = read_examples(store.open(examples, Examples).path)
        for split in reader.splits:
            for part in _parts(reader, split):
                of_span = None if part is None else part.span
                if span is not None and of_span != span:
                    continue
                batches = reader.batches(split, [ROW_ID]) if part is None else reader.batches_of(part, [ROW_ID])
                for batch in batches:
                    for row in batch.column(ROW_ID).to_pylist():
                        yield RowSeen(row, of_span, split, examples)


def _parts(reader: ExamplesReader, split: str) -> tuple[SpanRows | None, ...]:
    return reader.span_rows(split) or (None,)  # examples of an older Treadle do not say which row is of which span
