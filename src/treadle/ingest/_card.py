"""A data card: what a version of examples holds and where it comes from, in Markdown for people."""

from __future__ import annotations

import os

from treadle.ingest._about import About, SourceFacts
from treadle.ingest._examples import read_examples
from treadle.ingest._manifest import Manifest
from treadle.schema import Schema

_NOT_SAID = "*not said*"


def data_card(path: str | os.PathLike[str], about: About, *, schema: Schema | None = None, digest: str = "") -> str:
    """The card of an Examples directory.

    Args:
        path: The Examples directory.
        about: What people know.
        schema: Types and descriptions of the columns.
        digest: The digest of the version, if it has one.

    Returns:
        Markdown; the same examples and words give the same text.
    """
    manifest = read_examples(path).manifest
    parts = [f"# {about.name}", about.description]
    if digest:
        parts.append(f"Version `{digest}`.")
    parts += [_facts(about), _counts(manifest), _columns(manifest, schema)]
    parts += [_source(source) for source in about.sources] or [f"## Sources\n\n{_NOT_SAID}"]
    parts.append(f"## Limits\n\n{about.limits or _NOT_SAID}")
    return "\n\n".join(part for part in parts if part) + "\n"


def _facts(about: About) -> str:
    said = {
        "Creator": about.creator,
        "Home": about.url,
        "Published": about.published,
        "Citation": about.citation,
    }
    return "\n".join(f"* {name}: {value}" for name, value in said.items() if value)


def _counts(manifest: Manifest) -> str:
    lines = ["## Rows", "", "| | rows |", "|---|---:|", f"| read | {manifest.rows_read:,} |"]
    if manifest.where:
        lines.append(f"| excluded by `{_cell(manifest.where)}` | {manifest.rows_excluded:,} |")
    lines += [f"| set aside: {reason} | {count:,} |" for reason, count in manifest.quarantine.items()]
    lines += [f"| split {name} | {count:,} |" for name, count in manifest.splits.items()]
    spans = manifest.spans
    lines += ["", f"{len(manifest.sources)} files, split by {manifest.split_by}."]
    if spans:
        lines.append(f"Data spans {spans[0]} to {spans[-1]}.")
    return "\n".join(lines)


def _columns(manifest: Manifest, schema: Schema | None) -> str:
    lines = ["## Columns", "", "| column | type | meaning |", "|---|---|---|"]
    for name in manifest.columns:
        feature = schema.features.get(name) if schema else None
        kind, meaning = (feature.type, feature.description or _NOT_SAID) if feature else ("", _NOT_SAID)
        lines.append(f"| {_cell(name)} | {kind} | {_cell(meaning)} |")
    if manifest.columns_left_out:
        lines += ["", f"In the files, but left out: {', '.join(manifest.columns_left_out)}."]
    return "\n".join(lines)


def _source(source: SourceFacts) -> str:
    said = {
        "Where": source.url,
        "Collection": source.collection,
        "Licence": source.licence,
        "Purpose": source.purpose,
        "Consent": source.consent,
    }
    return f"## Source: {source.name}\n\n" + "\n".join(
        f"* {name}: {value or _NOT_SAID}" for name, value in said.items()
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
