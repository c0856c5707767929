"""Statistics against a schema: which anomalies there are, and how bad each is."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence

from treadle.errors import SchemaError
from treadle.schema import Feature, Schema
from treadle.statistics import Statistics
from treadle.validation._anomaly import DEFAULT_SEVERITY, Anomaly, AnomalyReport, Reason, Severity
from treadle.validation._checks import CHECKS, Finding, check_type, fits_type
from treadle.validation._drift import Distance, feature_drift


def validate(
    statistics: Statistics,
    schema: Schema,
    *,
    baseline: Statistics | None = None,
    environment: str | None = None,
    absent: Mapping[str, Sequence[object]] | None = None,
) -> AnomalyReport:
    """Judge a data set by its statistics.

    Args:
        statistics: What was measured.
        schema: What should be.
        baseline: Statistics of before; with them the drift thresholds of the schema are applied.
        environment: The environment the data comes from; features that are ``not_in`` it are not asked for.
        absent: Columns that are there in a part of the data only: name -> the files that lack it.

    Returns:
        The anomalies, those of the data set first, then in the order of the schema, new columns last.

    Raises:
        SchemaError: The schema sets the severity of a reason that does not exist.
    """
    _check_policy(schema)
    expected = schema.environment(environment).features
    anomalies: list[Anomaly] = []

    def report(name: str | None, findings: Iterator[Finding] | list[Finding]) -> None:
        for finding in findings:
            severity = _severity(schema, name, finding.reason)
            if severity is not None:
                anomalies.append(Anomaly(name, finding.reason, severity, finding.message, finding.details))

    if not statistics.num_rows:
        report(None, [Finding(Reason.NO_ROWS, "There are no rows.", {})])
    for name, feature in expected.items():
        report(name, _feature_findings(feature, statistics, (absent or {}).get(name, ())))
        if baseline is not None:
            report(name, _drift_findings(feature, feature_drift(name, baseline, statistics)))
    for name in statistics.features:
        if name not in schema.features:
            close = difflib.get_close_matches(name, [name for name in expected if name not in statistics.features], n=1)
            guess = f" Is it {close[0]!r}, renamed?" if close else ""
            report(name, [Finding(Reason.NEW_COLUMN, f"The schema does not know this column.{guess}", {})])
    return AnomalyReport(tuple(anomalies), statistics.num_rows)


def _feature_findings(feature: Feature, statistics: Statistics, absent: Sequence[object]) -> Iterator[Finding]:
    measured = statistics.features.get(feature.name)
    if measured is None:
        if feature.required:
            yield Finding(Reason.MISSING_COLUMN, "The column is not there.", {})
        return
    if absent and feature.required:
        files = [str(file) for file in absent]
        more = f" and {len(files) - 1} more" if len(files) > 1 else ""
        yield Finding(Reason.MISSING_COLUMN, f"The column is not there in {files[0]}{more}.", {"files": files})
    yield from check_type(feature, measured)
    if fits_type(feature, measured):
        for check in CHECKS:
            yield from check(feature, measured)


def _drift_findings(feature: Feature, distance: Distance) -> Iterator[Finding]:
    thresholds = (
        (Reason.DRIFT_L_INFINITY, "L-infinity distance", feature.l_infinity, distance.l_infinity),
        (Reason.DRIFT_JENSEN_SHANNON, "Jensen-Shannon divergence", feature.jensen_shannon, distance.jensen_shannon),
        (Reason.DRIFT_MISSING, "difference of the shares of missing values", feature.missing, distance.missing),
    )
    undefined = [words for _, words, threshold, found in thresholds if threshold is not None and found is None]
    if undefined:
        yield Finding(
            Reason.DRIFT_UNDEFINED,
            f"Not compared with the baseline by {' and '.join(undefined)}: {distance.note}.",
            {"note": distance.note},
        )
    for reason, words, threshold, found in thresholds:
        if threshold is not None and found is not None and found > threshold:
            details = {"distance": found, "threshold": threshold}
            worst = ""
            if reason is Reason.DRIFT_L_INFINITY and distance.value is not None:
                details["value"] = distance.value  # type: ignore[assignment]
                worst = f", most for {distance.value!r}"
            yield Finding(reason, f"The {words} is {found:.4g}, above {threshold:g}{worst}.", details)


def _severity(schema: Schema, name: str | None, reason: Reason) -> Severity | None:
    feature = schema.features.get(name) if name is not None else None
    word = schema.severity.get(reason, DEFAULT_SEVERITY[reason])
    if feature is not None:
        word = feature.severity.get(reason, word)
    return None if word == "ignore" else Severity(word)


def _check_policy(schema: Schema) -> None:
    policies = [(None, schema.severity), *((feature.name, feature.severity) for feature in schema.features.values())]
    for name, policy in policies:
        for code in policy:
            if code not in Reason.__members__:
                close = difflib.get_close_matches(code, Reason.__members__, n=1)
                raise SchemaError(
                    f"Schema: {code!r} is not a reason of an anomaly.",
                    where={"feature": name, "field": "severity"},
                    hint=f"Did you mean {close[0]}?" if close else f"The reasons are {', '.join(Reason)}.",
                )
