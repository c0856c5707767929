"""validate: Statistics and a schema -> Anomalies; stops the run on errors."""

from __future__ import annotations

from treadle.artifact import Anomalies, File, Output, StatisticsArtifact, canonical_json
from treadle.errors import DataRefusedError
from treadle.pipeline import component


@component
def validate(
    statistics: StatisticsArtifact,
    *,
    schema: File,
    environment: str = "TRAINING",
    split: str = "train",
    stop: bool = True,
    anomalies: Output[Anomalies],
) -> None:
    """Hold the statistics against the schema.

    Args:
        statistics: What was measured.
        schema: The TOML schema.
        environment: Features that are not in this environment are not expected.
        split: The split to check.
        stop: Whether an anomaly of severity error fails the node, and with it the run. The policy of each anomaly
            is the schema's ``severity``.
        anomalies: What disagrees, warnings included.

    Raises:
        DataRefusedError: There are anomalies of severity error.
    """
    from treadle.schema import Schema
    from treadle.statistics import Statistics
    from treadle.validation import validate as check

    report = check(Statistics.load(statistics.path / f"{split}.json"), Schema.load(schema), environment=environment)
    (anomalies.path / "anomalies.json").write_bytes(canonical_json(report.to_json()))
    errors = [anomaly for anomaly in report.anomalies if anomaly.severity == "error"]
    anomalies.properties.update(errors=len(errors), warnings=len(report.anomalies) - len(errors))
    if errors and stop:
        lines = "".join(f"\n  {anomaly.feature}: {anomaly.message} [{anomaly.reason}]" for anomaly in errors)
        raise DataRefusedError(
            f"The data disagree with the schema in {len(errors)} places:{lines}",
            where={"split": split, "schema": schema},
            hint="Mend the data; or, if the world has changed, the schema, or its severity for this anomaly.",
        )
