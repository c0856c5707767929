"""Conditions beyond one feature: how many rows, and rules over rows or statistics."""

from __future__ import annotations

from dataclasses import dataclass

from treadle.errors import SchemaError


@dataclass(frozen=True, slots=True, kw_only=True)
class RowLimits:
    """How many rows a data set should have.

    Raises:
        SchemaError: A limit is impossible.
    """

    min: int | None = None
    """The least number of rows."""
    max: int | None = None
    """The largest number of rows."""
    min_ratio: float | None = None
    """The least number of rows, as a multiple of the baseline's."""
    max_ratio: float | None = None
    """The largest number of rows, as a multiple of the baseline's."""

    def __post_init__(self) -> None:
        for low, high, kinds in (("min", "max", (int,)), ("min_ratio", "max_ratio", (int, float))):
            limits = [getattr(self, low), getattr(self, high)]
            for name, limit in zip((low, high), limits, strict=True):
                if limit is not None and (type(limit) not in kinds or not 0 <= limit < float("inf")):
                    raise SchemaError(f"Schema: {limit!r} is not a number of rows.", where={"field": f"rows.{name}"})
            if None not in limits and limits[0] > limits[1]:
                raise SchemaError(f"Schema: {low} {limits[0]} is above {high} {limits[1]}.", where={"field": "rows"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A condition in SQL, over each row or over the statistics, or a check that an installed package offers.

    Raises:
        SchemaError: There is no condition, or two.

    Examples:
        >>> rule = Rule(rows="dropoff_datetime >= pickup_datetime")
        >>> rule = Rule(statistics="fare_amount.mean BETWEEN 5 AND 30")
    """

    rows: str | None = None
    """True of every good row: an SQL expression over the columns. A row where it is null is good."""
    statistics: str | None = None
    """True of good data: an SQL expression over ``num_rows``, each feature's statistics (``fare.mean``) and, with a
    baseline, ``base`` (``base.fare.mean``). Null counts as not measured."""
    check: str | None = None
    """The name of a function of the statistics in the entry point group ``treadle.checks``."""
    min_share: float = 1.0
    """The least share of rows for which ``rows`` must hold, 0 to 1."""
    not_in: tuple[str, ...] = ()
    """Environments in which the rule is not asked."""
    severity: str = "error"
    """What a broken rule does: ``error``, ``warning``, ``quarantine`` (rules over rows) or ``ignore``."""
    description: str = ""
    """What the rule means, for people."""

    def __post_init__(self) -> None:
        if [self.rows, self.statistics, self.check].count(None) != 2:
            raise SchemaError(
                "Schema: a rule has one condition, over rows or over statistics, or one check.", where={"field": "rows"}
            )
        if not (self.rows or self.statistics or self.check or "").strip():
            raise SchemaError("Schema: a rule without a condition says nothing.", where={"field": "rules"})
        if (
            isinstance(self.min_share, bool)
            or not isinstance(self.min_share, int | float)
            or not 0 <= self.min_share <= 1
        ):
            raise SchemaError(f"Schema: {self.min_share!r} is not a share.", where={"field": "min_share"})
        allowed = ("error", "warning", "ignore") if self.rows is None else ("error", "warning", "quarantine", "ignore")
        if self.severity not in allowed:
            raise SchemaError(
                f"Schema: {self.severity!r} is not what a rule can do.",
                where={"field": "severity"},
                hint=f"Use one of {', '.join(allowed)}.",
            )
