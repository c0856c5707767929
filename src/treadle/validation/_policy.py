"""What an anomaly does: the policy of the feature, of the environment, of the schema, or the default."""

from __future__ import annotations

import difflib

from treadle.errors import SchemaError
from treadle.schema import Schema
from treadle.validation._anomaly import DEFAULT_SEVERITY, ROW_REASONS, Reason, Severity


def severity_of(schema: Schema, name: str | None, reason: Reason, *, quarantine: bool) -> Severity | None:
    """How bad an anomaly is; ``None``: it is ignored.

    Args:
        schema: The schema as the environment sees it.
        name: The feature, or the path of a field inside one, if it is one's; of a field that the schema does not know,
            the struct it is in.
        reason: What is wrong.
        quarantine: Whether somebody sets rows aside; if not, what would be set aside stops.
    """
    chain = schema.chains.get(name, ()) if name is not None else ()
    if any(feature.lifecycle == "disabled" for feature in chain):
        return None
    word = schema.severity.get(reason, DEFAULT_SEVERITY[reason])
    for feature in chain:  # the innermost that says something has the last word
        word = feature.severity.get(reason, word)
    return to_severity(word, quarantine=quarantine, stops=all(feature.stops for feature in chain))


def to_severity(word: str, *, quarantine: bool, stops: bool = True) -> Severity | None:
    """The severity that a word of the policy comes to."""
    if word == "ignore":
        return None
    severity = Severity(word)
    if severity is Severity.QUARANTINE and not quarantine:
        severity = Severity.ERROR
    return severity if stops else Severity.WARNING


def check_policy(schema: Schema) -> None:
    """Every policy is about a reason that exists, and sets aside only what rows can be guilty of.

    Raises:
        SchemaError: It is not.
    """
    policies = [(None, schema.severity), *((None, policy) for policy in schema.environments.values())]
    policies += [(path, feature.severity) for path, feature in schema.paths.items()]  # type: ignore[misc]
    for name, policy in policies:
        for code, word in policy.items():
            if code not in Reason.__members__:
                close = difflib.get_close_matches(code, Reason.__members__, n=1)
                raise SchemaError(
                    f"Schema: {code!r} is not a reason of an anomaly.",
                    where={"feature": name, "field": "severity"},
                    hint=f"Did you mean {close[0]}?" if close else f"The reasons are {', '.join(Reason)}.",
                )
            if word == "quarantine" and Reason(code) not in ROW_REASONS:
                raise SchemaError(
                    f"Schema: {code} is not about single rows, so none can be set aside.",
                    where={"feature": name, "field": f"severity.{code}"},
                    hint="Use error, warning or ignore.",
                )
