"""Data against a schema: which anomalies there are, and how bad each is."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from treadle.schema import Feature, Schema
from treadle.statistics import FeatureStatistics, Statistics
from treadle.validation._anomaly import Anomaly, AnomalyReport, Reason, Severity
from treadle.validation._finding import Finding, percent
from treadle.validation._policy import check_policy, severity_of, to_severity
from treadle.validation._values import check_pattern
from treadle.validation.checks import (
    CHECKS,
    check_classes,
    check_rows_count,
    check_text,
    check_type,
    drift_findings,
    fields_of,
    fits_type,
    label_shift,
    rule_findings,
)
from treadle.validation.distances import feature_drift

if TYPE_CHECKING:
    from treadle.validation.rows import RowCheck, RowFindings, Rows, StatisticsCheck

_SHOWN = 5


def validate(
    statistics: Statistics,
    schema: Schema,
    *,
    baseline: Statistics | None = None,
    environment: str | None = None,
    absent: Mapping[str, Sequence[object]] | None = None,
    rows: Rows | RowFindings | None = None,
    lineage: Mapping[str, str] | None = None,
    checks: Mapping[str, StatisticsCheck] | None = None,
    row_checks: Mapping[str, RowCheck] | None = None,
    quarantine: bool = False,
) -> AnomalyReport:
    """Judge a data set.

    Args:
        statistics: What was measured.
        schema: What should be.
        baseline: Statistics of before; with them the drift thresholds of the schema are applied.
        environment: The environment the data comes from; features that are ``not_in`` it are not asked for.
        absent: Columns that are there in a part of the data only: name -> the files that lack it.
        rows: The rows themselves, or what :func:`check_rows` found of them. They answer what statistics cannot (items
            of lists, rules over rows) and give anomalies the ids of example rows.
        lineage: Column -> the upstream model that it comes from, to be held against ``produced_by``.
        checks: The caller's checks of the statistics, name -> function.
        row_checks: The caller's checks of rows, name -> function; used if ``rows`` are rows.
        quarantine: Whether the caller sets rows aside (:func:`set_aside`). If not, what would be set aside stops.

    Returns:
        The anomalies, those of the data set first, then in the order of the schema, new columns last. What is wrong
        with a field inside a struct is told under its path (``home.city``, ``orders[].price``).

    Raises:
        SchemaError: The schema sets the severity of a reason that does not exist, or a rule cannot be asked.
        UserCodeError: A check of the caller's raised.
    """
    check_policy(schema)
    for path, feature in schema.paths.items():
        if feature.pattern is not None:
            check_pattern(path, feature.pattern)
    judge = _Judge(schema, environment, statistics, _row_findings(rows, schema, environment, row_checks))
    judge.quarantine = quarantine
    judge.data_set(baseline, checks or {})
    for name, feature in judge.schema.features.items():
        if feature.lifecycle == "disabled":
            continue
        judge.column(feature, (absent or {}).get(name, ()))
        if lineage is not None and feature.produced_by:
            judge.report(name, _lineage(feature, lineage))
        if baseline is not None:
            judge.drift(name, feature, baseline)
    judge.unknown(schema.features, statistics.features)
    return AnomalyReport(tuple(judge.anomalies), statistics.num_rows)


class _Judge:
    def __init__(
        self, whole: Schema, environment: str | None, statistics: Statistics, rows: RowFindings | None
    ) -> None:
        self.whole, self.schema = whole, whole.environment(environment)
        self.statistics, self.rows = statistics, rows
        self.quarantine = False
        self.anomalies: list[Anomaly] = []

    def report(self, name: str | None, findings: Iterable[Finding], policy_of: str | None = None) -> None:
        """Anomalies of a feature; of one that the schema does not know, by the policy of the struct it is in."""
        for finding in findings:
            severity = severity_of(self.schema, policy_of or name, finding.reason, quarantine=self.quarantine)
            self.add(name, finding, severity)

    def add(self, name: str | None, finding: Finding, severity: Severity | None, rule: str | None = None) -> None:
        if severity is None:
            return
        details = finding.details
        examples = self.rows.examples(name, finding.reason, rule, _SHOWN) if self.rows is not None else []
        if examples:
            details = {**details, "row_ids": examples}
        self.anomalies.append(Anomaly(name, finding.reason, severity, finding.message, details))

    def data_set(self, baseline: Statistics | None, checks: Mapping[str, StatisticsCheck]) -> None:
        self.report(None, check_rows_count(self.statistics, self.schema, baseline))
        if not self.statistics.num_rows:
            return
        if not (
            self.schema.rules
            or checks
            or (self.rows and any(reason is Reason.RULE for _, reason, _ in self.rows.counts))
        ):
            return
        for rule, word, finding in rule_findings(self.schema, self.statistics, baseline, self.rows, checks):
            self.add(None, finding, to_severity(word, quarantine=self.quarantine), rule)

    def column(self, feature: Feature, absent: Sequence[object]) -> None:
        if absent and feature.required:
            files = [str(file) for file in absent]
            more = f" and {len(files) - 1} more" if len(files) > 1 else ""
            what = f"The column is not there in {files[0]}{more}."
            self.report(feature.name, [Finding(Reason.MISSING_COLUMN, what, {"files": files})])
        self.feature(feature.name, feature, self.statistics.features.get(feature.name))

    def feature(self, path: str, feature: Feature, measured: FeatureStatistics | None) -> None:
        """A column or a field, and what is inside it."""
        if feature.lifecycle == "disabled":
            return
        if measured is None:
            word = "column" if path in self.schema.features else "field"
            if feature.required:
                self.report(path, [Finding(Reason.MISSING_COLUMN, f"The {word} is not there.", {})])
            return
        self.report(path, check_type(feature, measured))
        if not fits_type(feature, measured):
            return
        found = [finding for check in CHECKS for finding in check(feature, measured)]
        found += check_text(feature, measured, self.statistics.measures.get(path, {}))
        found += check_classes(feature, measured, label=path == self.schema.label)
        if path == self.schema.key and not feature.unique:
            found += _key_repeats(measured.count, measured.unique if measured.exact else None)
        self.report(path, self._with_rows(path, feature, found))
        fields = fields_of(measured)
        if fields is not None:  # what was never there has no fields
            for deeper, field in feature.inside(path):
                self.feature(deeper, field, fields.get(field.name))
            known = self.whole.chains[path][-1].fields
            self.unknown(known, fields, path, f"{path}[]." if feature.list else f"{path}.")

    def drift(self, path: str, feature: Feature, baseline: Statistics) -> None:
        """How far a column or a field is from the baseline, and what is inside it."""
        if feature.lifecycle == "disabled":
            return
        distance = feature_drift(path, baseline, self.statistics)
        self.report(path, drift_findings(feature, distance))
        if path == self.schema.label:
            self.report(path, label_shift(feature, distance))
        for deeper, field in feature.inside(path):
            self.drift(deeper, field, baseline)

    def _with_rows(self, path: str, feature: Feature, found: list[Finding]) -> Iterator[Finding]:
        """What the statistics say, and what only rows can say: whether one of very many values occurs twice."""
        if self.rows is None or not (feature.unique or path == self.schema.key):
            yield from found
            return
        yield from (finding for finding in found if finding.reason is not Reason.NOT_MEASURED)
        count = self.rows.counts.get((path, Reason.NOT_UNIQUE, None), 0)
        if count and not any(finding.reason is Reason.NOT_UNIQUE for finding in found):
            share = count / max(self.rows.num_rows, 1)
            words = f"{count} rows have a value that occurred before ({percent(share)})."
            yield Finding(Reason.NOT_UNIQUE, words, {"count": count, "share": share})

    def unknown(
        self,
        known: Mapping[str, Feature],
        found: Mapping[str, FeatureStatistics],
        within: str | None = None,
        prefix: str = "",
    ) -> None:
        """Columns, or fields inside one, that no environment knows."""
        word = "field" if within else "column"
        missing = [name for name in known if name not in found]
        for name in found:
            if name not in known:
                close = difflib.get_close_matches(name, missing, n=1)
                guess = f" Is it {close[0]!r}, renamed?" if close else ""
                what = f"The schema does not know this {word}.{guess}"
                self.report(prefix + name, [Finding(Reason.NEW_COLUMN, what, {})], policy_of=within)


def _row_findings(
    rows: Rows | RowFindings | None,
    schema: Schema,
    environment: str | None,
    checks: Mapping[str, RowCheck] | None,
) -> RowFindings | None:
    if rows is None:
        return None
    from treadle.validation.rows import RowFindings, check_rows

    if isinstance(rows, RowFindings):
        return rows
    return check_rows(rows, schema, environment=environment, limit=_SHOWN, checks=checks)


def _lineage(feature: Feature, lineage: Mapping[str, str]) -> Iterator[Finding]:
    found = lineage.get(feature.name)
    if found is None:
        what = f"It is not known which model the column comes from; the schema says {feature.produced_by}."
        yield Finding(Reason.NOT_MEASURED, what, {"constraint": "produced_by"})
    elif found != feature.produced_by:
        details = {"declared": feature.produced_by, "found": found}
        yield Finding(Reason.UPSTREAM_CHANGED, f"The column comes from {found}, not {feature.produced_by}.", details)


def _key_repeats(count: int, unique: int | None) -> list[Finding]:
    if unique is None or unique >= count:
        return []
    what = f"{count - unique} of {count} keys occurred before; a key names one row."
    return [Finding(Reason.NOT_UNIQUE, what, {"repeated": count - unique})]
