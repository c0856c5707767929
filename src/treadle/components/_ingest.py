"""ingest: data files -> Examples."""

from __future__ import annotations

from typing import Any

from treadle.artifact import Examples, File, Output
from treadle.errors import DataError, UsageError
from treadle.pipeline import component


def _find_files(
    *,
    pattern: str,
    first: str | None = None,
    last: str | None = None,
    window: int | None = None,
    skip: int = 0,
    complete: bool = False,
) -> list[dict[str, Any]]:
    """The chosen spans with the digests of their files' contents, so that new bytes are seen and old ones known."""
    from treadle.config import secrets_of
    from treadle.ingest import digest_source, list_spans, select_spans

    if secrets_of(pattern):
        raise UsageError(
            "The pattern holds a password, and parameters are kept in the store.",
            hint="Write ${NAME} in its place, and set NAME in the environment of the run.",
        )
    chosen = select_spans(list_spans(pattern), first=first, last=last, window=window, skip=skip, complete=complete)
    return [
        {"span": found.span, "version": found.version, "digests": [digest_source(path) for path in found.paths]}
        for found in chosen
    ]


@component(resolve=_find_files)
def ingest(
    *,
    pattern: str,
    schema: File,
    first: str | None = None,
    last: str | None = None,
    window: int | None = None,
    skip: int = 0,
    complete: bool = False,
    where: str | None = None,
    splits: dict[str, float] | list[list[str | float]] | None = None,
    split_by: str = "row",
    options: dict[str, Any] | None = None,
    quarantine: float | None = None,
    examples: Output[Examples],
    resolved: list[dict[str, Any]],
) -> None:
    """Read the files of a range of data spans into examples: typed rows with ids, in splits.

    Range, window, late versions and the newest version of a table are looked up when the run gets here; the manifest
    of the examples says which spans and versions they were.

    Args:
        pattern: Files, with ``{YYYY}-{MM}`` (or ``{SPAN}``) and ``{VERSION}`` where they vary; of several versions of
            a span the highest is read.
        schema: The TOML schema that gives the columns their types.
        first: The first span, ``2018-01``; ``None`` for the earliest there is.
        last: The last span, included; ``None`` for the latest there is.
        window: Of these only so many of the newest: a window that rolls as spans arrive.
        skip: Leave so many of the newest out before the window is taken.
        complete: Fail where a span is missing inside the range or window, in place of reading what there is.
        where: An SQL condition; rows that do not meet it are counted as excluded.
        splits: Split name to its share, or a list of [name, share], oldest first, where the split is by time; the
            default is 4 parts ``train``, 1 part ``eval``.
        split_by: ``row`` (hash of the row id), a column (equal values stay together), ``time`` (the oldest rows
            into the first split), ``stratified:COLUMN`` or ``predefined:COLUMN``.
        options: How the files are written, as ``{"delimiter": ";", "encoding": "latin-1"}``.
        quarantine: The largest share of a file's rows that may be set aside because they cannot be read; ``None``
            refuses such a file.
        examples: The rows.
        resolved: The spans found, with the digests of their files.

    Raises:
        DataError: The data cannot be read, or changed while the pipeline ran.
    """
    from treadle.ingest import build_examples, list_spans, select_spans
    from treadle.schema import Schema
    from treadle.validation import lineage_of_files

    # of a table the version that was found, even if a newer one has come since
    table_version = resolved[0]["version"] if len(resolved) == 1 and not resolved[0]["span"] else None
    found_spans = list_spans(pattern, version=table_version)
    chosen = select_spans(found_spans, first=first, last=last, window=window, skip=skip, complete=complete)
    manifest = build_examples(
        chosen,
        schema=Schema.load(schema),
        out_path=examples.path,
        where=where,
        splits=_weights(splits),
        split_by=split_by,
        options=options,
        quarantine=quarantine,
    )
    if sorted(source.digest for source in manifest.sources) != sorted(
        digest for found in resolved for digest in found["digests"]
    ):
        raise DataError(
            "The data files changed while the pipeline ran",
            where={"pattern": pattern},
            hint="Run again; give a new delivery of a span its own file with a higher {VERSION}.",
        )
    versions = {source.span or "": source.version for source in manifest.sources if source.version is not None}
    examples.properties.update(
        rows=sum(manifest.splits.values()),
        excluded=manifest.rows_excluded,
        quarantined=manifest.rows_quarantined,
        splits=manifest.splits,
        produced_by=lineage_of_files(path for found in chosen for path in found.paths),
        first_span=manifest.spans[0] if manifest.spans else None,
        last_span=manifest.spans[-1] if manifest.spans else None,
        spans=list(manifest.spans),
        versions=versions,
    )


def _weights(
    splits: dict[str, float] | list[list[str | float]] | None,
) -> dict[str, float] | list[tuple[str, float]]:
    if isinstance(splits, dict):
        return splits
    pairs: list[list[str | float]] = [["train", 4], ["eval", 1]] if splits is None else splits
    return [(str(name), float(share)) for name, share in pairs]
