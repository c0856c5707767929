"""What the values of a request should be: a quick test of a whole column, and a count of what fails it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from treadle.schema import Feature
from treadle.validation.request._forms import forms_of


@dataclass(slots=True)
class Findings:
    """What was served although it is not what the schema describes."""

    per_row: list[int]
    """For each row, how many of its values are findings."""
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    """(feature, kind) -> values. Kinds are ``null``, ``out_of_domain``, ``out_of_range``, ``wrong_length``,
    ``no_match``, ``wrong_items`` (a list has too few or too many), ``word_count``, ``low_coverage``, ``short_words``
    (of the words of that value alone) and ``not_semantic``. A field in a struct has its path (``orders[].price``)."""

    def add(self, path: str, kind: str, row: int) -> None:
        """Count one value."""
        self.per_row[row] += 1
        self.counts[path, kind] = self.counts.get((path, kind), 0) + 1


class ValueRule:
    """What single values should be, or the items of lists."""

    __slots__ = ("domain", "forms", "items", "kind", "maximum", "minimum", "path")

    def __init__(self, path: str, feature: Feature) -> None:
        self.path = path
        self.domain = frozenset(feature.values) if feature.values is not None else None
        self.minimum, self.maximum = feature.min, feature.max
        self.kind = "out_of_domain" if self.domain is not None else "out_of_range"
        self.forms: tuple[Callable[[Any], str | None], ...] = forms_of(feature)
        self.items = feature.items if feature.list else None

    def holds_for(self, column: Sequence[Any]) -> bool:
        """Whether no value is a finding."""
        if self.items is not None:
            return all(self._fault(value) is None for value in column)
        if self.domain is not None:
            if not self.domain.issuperset(column):
                return False
        elif None in column or (
            column
            and (
                (self.minimum is not None and min(column) < self.minimum)
                or (self.maximum is not None and max(column) > self.maximum)
            )
        ):
            return False
        return not self.forms or all(form(value) is None for value in column for form in self.forms)

    def count(self, column: Sequence[Any], rows: Iterable[int], found: Findings) -> None:
        """Count the findings; each value belongs to a row."""
        for row, value in zip(rows, column, strict=True):
            kind = self._fault(value)
            if kind is not None:
                found.add(self.path, kind, row)

    def _fault(self, value: Any) -> str | None:
        """Why a value is a finding; of a list, why one of its items is."""
        if value is None:
            return "null"
        if self.items is None:
            return self._item_fault(value)
        if not _fits(len(value), self.items):
            return "wrong_items"
        return next((kind for item in value if item is not None and (kind := self._item_fault(item))), None)

    def _item_fault(self, value: Any) -> str | None:
        if self.domain is not None:
            if value not in self.domain:
                return self.kind
        elif (self.minimum is not None and value < self.minimum) or (self.maximum is not None and value > self.maximum):
            return self.kind
        return next((kind for form in self.forms if (kind := form(value))), None)


class StructRule:
    """What the fields of structs should be, or of structs in lists; a struct is a dictionary with all its fields."""

    __slots__ = ("fields", "items", "path")

    def __init__(self, path: str, feature: Feature) -> None:
        self.path = path
        self.items = feature.items if feature.list else None
        self.fields = [(inner.name, rule_of(deeper, inner)) for deeper, inner in feature.inside(path)]

    def holds_for(self, column: Sequence[Any]) -> bool:
        """Whether no value is a finding."""
        if None in column:
            return False
        structs = column
        if self.items is not None:
            if not all(_fits(len(value), self.items) for value in column):
                return False
            structs = [struct for value in column for struct in value if struct is not None]
        return all(rule.holds_for([struct[name] for struct in structs]) for name, rule in self.fields)

    def count(self, column: Sequence[Any], rows: Iterable[int], found: Findings) -> None:
        """Count the findings; each value belongs to a row."""
        structs, owners = [], []
        for row, value in zip(rows, column, strict=True):
            if value is None:
                found.add(self.path, "null", row)
                continue
            if self.items is not None and not _fits(len(value), self.items):
                found.add(self.path, "wrong_items", row)
            for struct in value if self.items is not None else (value,):
                if struct is not None:
                    structs.append(struct)
                    owners.append(row)
        for name, rule in self.fields:
            rule.count([struct[name] for struct in structs], owners, found)


def rule_of(path: str, feature: Feature) -> ValueRule | StructRule:
    """The rule for the values of a feature."""
    return StructRule(path, feature) if feature.type == "struct" else ValueRule(path, feature)


def _fits(count: int, limits: tuple[int | None, int | None]) -> bool:
    least, most = limits
    return (least is None or count >= least) and (most is None or count <= most)
