"""data_card: Examples and what people know of them -> a card to read and Croissant metadata."""

from __future__ import annotations

from treadle.artifact import Artifact, Examples, File, Output, canonical_json
from treadle.errors import AboutError
from treadle.pipeline import component


class DataCard(Artifact):
    """What a version of a data set holds and where it comes from.

    Files: ``card.md`` for people; ``croissant.json``, Croissant 1.0 as JSON-LD, whose file names are relative to the
    examples. Made by data_card.
    """


@component
def data_card(
    examples: Examples,
    *,
    about: File,
    schema: File | None = None,
    complete: bool = False,
    card: Output[DataCard],
) -> None:
    """Describe exactly these examples, by their digest.

    Args:
        examples: The rows.
        about: What people know: a TOML file of format ``treadle.about/1``, with a table for each source.
        schema: The TOML schema: types and descriptions of the columns.
        complete: Fail if Croissant requires something that nobody said, or a source lacks its collection, licence,
            purpose or consent.
        card: The card and the metadata; the property ``missing`` says what is not said.

    Raises:
        AboutError: The description cannot be read, or is not complete.
    """
    from treadle.ingest import About, croissant, missing_properties
    from treadle.ingest import data_card as describe
    from treadle.schema import Schema

    said = About.load(about)
    described = None if schema is None else Schema.load(schema)
    metadata = croissant(examples.path, said, schema=described, digest=examples.digest)
    text = describe(examples.path, said, schema=described, digest=examples.digest)
    missing = [
        *missing_properties(metadata),
        *(
            f"source {source.name}: {fact}"
            for source in said.sources
            for fact in ("collection", "licence", "purpose", "consent")
            if getattr(source, fact) is None
        ),
    ]
    if missing and complete:
        raise AboutError(
            f"The description does not say {', '.join(missing)}.", where={"file": about}, hint="Say it, or 'unknown'."
        )
    (card.path / "card.md").write_text(text, encoding="utf-8")
    (card.path / "croissant.json").write_bytes(canonical_json(metadata) + b"\n")
    card.properties.update(name=said.name, missing=missing)
