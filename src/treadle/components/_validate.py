"""validate: Statistics and a schema -> Anomalies; stops the run on errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from treadle.artifact import Anomalies, Examples, File, Output, StatisticsArtifact, canonical_json
from treadle.errors import DataRefusedError
from treadle.pipeline import component

if TYPE_CHECKING:
    from treadle.validation import AnomalyReport


@component
def validate(
    statistics: StatisticsArtifact,
    examples: Examples | None = None,
    baseline: StatisticsArtifact | None = None,
    *,
    schema: File,
    environment: str = "TRAINING",
    split: str = "train",
    stop: bool = True,
    lineage: dict[str, str] | None = None,
    anomalies: Output[Anomalies],
) -> None:
    """Hold the statistics against the schema.

    Args:
        statistics: What was measured.
        examples: The rows; with them rules over rows are asked, anomalies name example rows, and every wrong row is
            written to ``rows.parquet``.
        baseline: Statistics of before (``latest`` or ``importer`` finds them); with them the drift thresholds, the
            limits of growth and the label's shift are judged. An empty one is none.
        schema: The TOML schema.
        environment: Features that are not in this environment are not expected.
        split: The split to check.
        stop: Whether an anomaly of severity error fails the node, and with it the run. The policy of each anomaly is
            the schema's ``severity``; rows are set aside by ``quarantine``, before.
        lineage: Column -> upstream model it comes from, held against the schema's ``produced_by``; by default as the
            ingested files are marked.
        anomalies: What disagrees, warnings included.

    Raises:
        DataRefusedError: There are anomalies of severity error.
    """
    from treadle.ingest import read_examples
    from treadle.schema import Schema
    from treadle.statistics import Statistics
    from treadle.validation import check_rows
    from treadle.validation import validate as check

    described = Schema.load(schema)
    before = baseline.path / f"{split}.json" if baseline is not None else None
    marks = lineage
    if marks is None and examples is not None:
        marks = examples.properties.get("produced_by") or {}
    findings = None
    if examples is not None:
        findings = check_rows(read_examples(examples.path).batches(split), described, environment=environment)
    report = check(
        Statistics.load(statistics.path / f"{split}.json"),
        described,
        baseline=Statistics.load(before) if before is not None and before.exists() else None,
        environment=environment,
        rows=findings,
        lineage=marks,
    )
    (anomalies.path / "anomalies.json").write_bytes(canonical_json(report.to_json()))
    if findings is not None:
        import pyarrow.parquet as pq

        pq.write_table(findings.table, anomalies.path / "rows.parquet", compression="zstd")
    errors = len(report.errors)
    anomalies.properties.update(errors=errors, warnings=len(report.anomalies) - errors)
    if errors and stop:
        raise _refused(report, split, str(schema))


def _refused(report: AnomalyReport, split: str, schema: str) -> DataRefusedError:
    lines = "".join(f"\n  {anomaly.feature}: {anomaly.message} [{anomaly.reason}]" for anomaly in report.errors)
    return DataRefusedError(
        f"The data disagree with the schema in {len(report.errors)} places:{lines}",
        where={"split": split, "schema": schema},
        hint="Mend the data; or, if the world has changed, the schema, or its severity for this anomaly.",
    )
