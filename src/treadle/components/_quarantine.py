"""quarantine: Examples and a schema -> the rows that may go on, and those that its policy sets aside."""

from __future__ import annotations

from treadle.artifact import Artifact, Examples, File, Output
from treadle.errors import QuarantineError, UsageError
from treadle.pipeline import component


@component
def quarantine(
    examples: Examples,
    *,
    schema: File,
    environment: str = "TRAINING",
    most: float = 0.1,
    kept: Output[Examples],
    aside: Output[Artifact],
) -> None:
    """Set aside the rows whose anomaly has the severity ``quarantine`` in the schema; the others go on as they were.

    Args:
        examples: The rows.
        schema: The TOML schema: what is wrong with a row, and for what it is set aside.
        environment: Whose policy counts, and which features are expected.
        most: The largest share of the rows, 0 to 1, that may be set aside; more fails the node.
        kept: The examples without them; the manifest counts the others as quarantined.
        aside: ``<split>.parquet``: the rows set aside, with ``__reasons__``; none for a split without any.

    Raises:
        QuarantineError: Too many rows would be set aside.
        UsageError: ``most`` is no share.
    """
    import pyarrow.parquet as pq

    from treadle.ingest import keep_rows, read_examples
    from treadle.schema import Schema
    from treadle.validation import check_rows, set_aside

    if not 0 <= most <= 1:
        raise UsageError(f"The share of rows that may be set aside is {most!r}, not a number from 0 to 1.")
    reader, described = read_examples(examples.path), Schema.load(schema)
    masks, reasons = {}, dict[str, int]()
    for split in reader.splits:
        findings = check_rows(reader.batches(split), described, environment=environment)
        parted = set_aside(reader.table(split), findings, described, environment=environment)
        masks[split] = parted.mask
        for reason, rows in parted.reasons.items():
            reasons[reason] = reasons.get(reason, 0) + rows
        if parted.aside.num_rows:
            pq.write_table(parted.aside, aside.path / f"{split}.parquet", compression="zstd")
    rows = sum(len(mask) for mask in masks.values())
    guilty = rows - sum(int(mask.sum()) for mask in masks.values())
    if guilty > most * rows:
        raise QuarantineError(
            f"{guilty:,} of {rows:,} rows would be set aside, more than {most:.2%}.",
            where={"schema": str(schema), "reasons": ", ".join(f"{name} {count:,}" for name, count in reasons.items())},
            hint="Mend the data; or, if the world has changed, the schema, or the share that may be set aside.",
        )
    manifest = keep_rows(examples.path, kept.path, masks, reasons)
    kept.properties.update({**examples.properties, "rows": rows - guilty, "splits": manifest.splits})
    kept.properties["quarantined"] = manifest.rows_quarantined
    aside.properties.update(rows=guilty, reasons=reasons)
