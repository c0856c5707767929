"""check_quarantine: Examples -> the rows that were set aside, with their reasons; too many stop the run."""

from __future__ import annotations

from treadle.artifact import Artifact, Examples, Output, canonical_json
from treadle.errors import QuarantineError, UsageError
from treadle.pipeline import component


class QuarantinedRows(Artifact):
    """The rows of a build that could not be read.

    Files: ``quarantine.parquet``: source (the file's digest), row (its number there), reason, column, text (what stood
    there); ``quarantine.json``: rows read, set aside, and how many for each reason. Made by check_quarantine.
    """


@component
def check_quarantine(
    examples: Examples,
    *,
    max_rows: int | None = None,
    max_share: float | None = None,
    reasons: dict[str, int] | None = None,
    rows: Output[QuarantinedRows],
) -> None:
    """List what ``ingest(quarantine=...)`` set aside, and stop the run if that is too much.

    Args:
        examples: The rows, with those set aside.
        max_rows: The most rows that may have been set aside, over all files.
        max_share: The largest share of all rows read, 0 to 1.
        reasons: The most rows for a reason, as ``{"wrong-type": 10, "ragged": 0}``.
        rows: What was set aside; without rows where nothing was.

    Raises:
        QuarantineError: There is more than is allowed.
        UsageError: A limit cannot be one.
    """
    import pyarrow.parquet as pq

    from treadle.ingest import read_examples, read_quarantine

    limits = {"max_rows": max_rows, "max_share": max_share, **(reasons or {})}
    for name, limit in limits.items():
        if limit is not None and (limit < 0 or (name == "max_share" and limit > 1)):
            raise UsageError(f"The limit {name} is {limit!r}.", hint="Rows are 0 or more, a share is from 0 to 1.")
    manifest = read_examples(examples.path).manifest
    table = read_quarantine(examples.path)
    aside, share = manifest.rows_quarantined, manifest.rows_quarantined / max(1, manifest.rows_read)
    problems = []
    if max_rows is not None and aside > max_rows:
        problems.append(f"{aside:,} rows were set aside, and {max_rows:,} may be")
    if max_share is not None and share > max_share:
        problems.append(f"{share:.2%} of {manifest.rows_read:,} rows were set aside, and {max_share:.2%} may be")
    for reason, most in (reasons or {}).items():
        if manifest.quarantine.get(reason, 0) > most:
            problems.append(f"{manifest.quarantine[reason]:,} rows were set aside as {reason}, and {most:,} may be")
    if problems:
        first = table.slice(0, 1).to_pylist()[0]
        raise QuarantineError(
            "; ".join(problems) + ".",
            where={name: first[name] for name in ("source", "row", "column", "reason")},
            hint=f"The first of them holds {first['text']!r}.",
        )
    counts = {"rows_read": manifest.rows_read, "set_aside": aside, "reasons": manifest.quarantine}
    pq.write_table(table, str(rows.path / "quarantine.parquet"), compression="zstd")
    (rows.path / "quarantine.json").write_bytes(canonical_json({"format": "treadle.quarantine/1", **counts}) + b"\n")
    rows.properties.update(counts)
