"""One feature: what a column should be, checked when it is made."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

from treadle.errors import SchemaError

FeatureType = Literal["int", "float", "string", "bool", "bytes", "timestamp"]
Value = int | float | str | bool
Bound = int | float | datetime

TYPES: tuple[str, ...] = get_args(FeatureType)
SEVERITIES = ("error", "warning", "ignore")
# int64; an int feature holds nothing else
_INT_RANGE = (-(2**63), 2**63 - 1)


def is_reserved(name: str) -> bool:
    """Whether a column name belongs to Treadle (``__row_id__`` and its kind)."""
    return name.startswith("__") and name.endswith("__")


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """What one column should be. Every constraint is optional but the type.

    Raises:
        SchemaError: A constraint is impossible, or does not fit the type.
    """

    name: str
    """The column's name. Names with two underscores at both ends belong to Treadle."""
    type: FeatureType
    """One of ``int float string bool bytes timestamp``."""
    required: bool = True
    """Whether the column (in a request: the field) must be there. A null may still stand in it."""
    min_fraction: float = 0.0
    """The least share of rows that must have a value, 0 to 1."""
    values: tuple[Value, ...] | None = None
    """The domain, for ``int``, ``string`` and ``bool``."""
    min: Bound | None = None
    """The least value, for ``int``, ``float`` and ``timestamp`` (a naive datetime)."""
    max: Bound | None = None
    """The largest value."""
    min_domain_mass: float = 1.0
    """The least share of the values that must lie in the domain or range, 0 to 1."""
    not_in: tuple[str, ...] = ()
    """Environments that do not have this feature: a label is not in ``SERVING``."""
    l_infinity: float | None = None
    """Drift: the largest L-infinity distance, 0 to 1."""
    jensen_shannon: float | None = None
    """Drift: the largest Jensen-Shannon divergence (base 2), 0 to 1."""
    missing: float | None = None
    """Drift: the largest absolute difference of the shares of missing values, 0 to 1."""
    severity: Mapping[str, str] = field(default_factory=dict)
    """Policy: reason code of an anomaly -> ``error`` (stop), ``warning`` (go on and say so) or ``ignore``."""
    description: str = ""
    """What the column means, for people."""

    def __post_init__(self) -> None:
        if not self.name:
            raise SchemaError("A feature has no name.")
        if is_reserved(self.name):
            raise self._error("names with two underscores at both ends belong to Treadle", "name", "rename the column")
        if self.type not in TYPES:
            raise self._error(f"{self.type!r} is not a feature type", "type", f"use one of {', '.join(TYPES)}")
        self._check_shares()
        self._check_domain()
        self._check_range()
        self._check_drift()
        if not all(isinstance(name, str) and name for name in self.not_in):
            raise self._error("an environment is named by a word", "not_in")
        for code, severity in self.severity.items():
            if severity not in SEVERITIES:
                raise self._error(
                    f"{severity!r} is not a severity", f"severity.{code}", f"use one of {', '.join(SEVERITIES)}"
                )

    def _check_shares(self) -> None:
        for name in ("min_fraction", "min_domain_mass", "l_infinity", "jensen_shannon", "missing"):
            share = getattr(self, name)
            if share is None:
                continue
            if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
                raise self._error(f"{share!r} is not a number from 0 to 1", name)

    def _check_domain(self) -> None:
        if self.values is None:
            return
        if self.type not in ("int", "string", "bool"):
            raise self._error(f"a {self.type} feature has a range, not a list of values", "values")
        if not self.values:
            raise self._error("an empty list of values allows nothing", "values", "leave the field out")
        kind = {"int": int, "string": str, "bool": bool}[self.type]
        for value in self.values:
            if type(value) is not kind:
                raise self._error(f"{value!r} is not of type {self.type}", "values")
        if len(set(self.values)) != len(self.values):
            raise self._error("a value is listed twice", "values")
        if self.min is not None or self.max is not None:
            raise self._error("a feature has a list of values or a range, not both", "values")

    def _check_range(self) -> None:
        for name, bound in (("min", self.min), ("max", self.max)):
            if bound is None:
                continue
            if self.type == "timestamp":
                fits = isinstance(bound, datetime) and bound.tzinfo is None
            elif self.type == "int":
                fits = type(bound) is int and _INT_RANGE[0] <= bound <= _INT_RANGE[1]
            else:
                fits = self.type == "float" and type(bound) in (int, float) and math.isfinite(bound)  # type: ignore[arg-type]
            if not fits:
                raise self._error(f"{bound!r} is not a bound for a feature of type {self.type}", name)
        if self.min is not None and self.max is not None and self.min > self.max:  # type: ignore[operator]
            raise self._error(f"min {self.min} is above max {self.max}", "min")

    def _check_drift(self) -> None:
        # A threshold that cannot fire is worse than none.
        if self.l_infinity is not None and self.type in ("float", "bytes", "timestamp"):
            raise self._error(
                f"L-infinity compares categories, and a {self.type} feature has none",
                "drift.l_infinity",
                "use jensen_shannon" if self.type == "float" else "use missing",
            )
        if self.jensen_shannon is not None and self.type in ("bytes", "timestamp"):
            raise self._error(
                f"Jensen-Shannon is not defined for a {self.type} feature", "drift.jensen_shannon", "use missing"
            )

    def _error(self, what: str, name: str, hint: str | None = None) -> SchemaError:
        where = {"feature": self.name, "field": name}
        return SchemaError(f"Schema: {what}.", where=where, hint=hint and f"{hint[0].upper()}{hint[1:]}.")
