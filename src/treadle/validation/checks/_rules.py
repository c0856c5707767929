"""What the rules of a schema and of the caller find."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from treadle.schema import Rule, Schema
from treadle.statistics import Statistics
from treadle.validation._anomaly import DEFAULT_SEVERITY, Reason
from treadle.validation._finding import Finding, percent
from treadle.validation.rows import RowFindings, StatisticsCheck, installed_check, run_check, statistics_rule


def rule_findings(
    schema: Schema,
    statistics: Statistics,
    baseline: Statistics | None,
    rows: RowFindings | None,
    checks: Mapping[str, StatisticsCheck],
) -> Iterator[tuple[str, str, Finding]]:
    """(rule, severity word, finding) of every rule that does not hold or could not be asked."""
    default = schema.severity.get(Reason.RULE, DEFAULT_SEVERITY[Reason.RULE])
    unasked = schema.severity.get(Reason.NOT_MEASURED, DEFAULT_SEVERITY[Reason.NOT_MEASURED])
    for name, rule in schema.rules.items():
        if rule.severity == "ignore":
            continue
        if rule.rows is not None and rows is None:
            what = f"The rule {name!r} is over rows, and only statistics are at hand."
            yield name, unasked, Finding(Reason.NOT_MEASURED, what, {"rule": name})
        elif rule.rows is not None and rows is not None:
            yield from _over_rows(name, rule, rows)
        elif rule.check is not None:
            found = run_check(name, installed_check(name, rule.check), statistics)
            if found is not None:
                yield name, rule.severity, Finding(Reason.RULE, found, {"rule": name, "check": rule.check})
        else:
            holds = statistics_rule(name, rule, statistics, baseline)
            if holds is None:
                what = f"The rule {name!r} asks for something that was not measured."
                yield name, unasked, Finding(Reason.NOT_MEASURED, what, {"rule": name})
            elif not holds:
                yield name, rule.severity, Finding(Reason.RULE, _sentence(name, rule, "does not hold"), {"rule": name})
    for name, check in checks.items():
        found = run_check(name, check, statistics)
        if found is not None:
            yield name, default, Finding(Reason.RULE, found, {"rule": name})
    for (_, reason, rule_name), count in (rows.counts if rows is not None else {}).items():
        if reason is Reason.RULE and rule_name is not None and rule_name not in schema.rules:
            what = f"{count} rows fail the check {rule_name!r}."
            yield rule_name, default, Finding(Reason.RULE, what, {"rule": rule_name, "count": count})


def _over_rows(name: str, rule: Rule, rows: RowFindings) -> Iterator[tuple[str, str, Finding]]:
    count = rows.counts.get((None, Reason.RULE, name), 0)
    share = count / max(rows.num_rows, 1)
    if count and share > 1 - rule.min_share:
        words = _sentence(name, rule, f"is broken by {count} rows ({percent(share)})")
        yield name, rule.severity, Finding(Reason.RULE, words, {"rule": name, "count": count, "share": share})


def _sentence(name: str, rule: Rule, words: str) -> str:
    return f"The rule {name!r} {words}: {rule.description or rule.rows or rule.statistics}"
