"""What changed between two schemas, field by field, and whether it lets more data through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from treadle.schema._feature import Feature
from treadle.schema._schema import Schema


class Effect(StrEnum):
    """What a change does to the data that passes."""

    WIDER = "wider"
    """More passes."""
    NARROWER = "narrower"
    """Less passes."""
    OTHER = "other"
    """Both, or neither."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two schemas."""

    feature: str | None
    """The feature, or the path of a field inside one; ``None`` for the schema itself."""
    field: str
    """The field; ``feature`` if the whole feature came or went."""
    before: Any
    """What it was; ``None``: not set."""
    after: Any
    """What it is."""
    effect: Effect

    def to_json(self) -> dict[str, Any]:
        """The change as JSON-able fields."""
        sides = {"before": _plain(self.before), "after": _plain(self.after)}
        return {"feature": self.feature, "field": self.field, **sides, "effect": self.effect.value}

    def __str__(self) -> str:
        place = self.feature if self.feature is not None else "(schema)"
        if self.field == "feature":
            return f"{place}: {'added' if self.before is None else 'taken out'}"
        gone, new = _set_difference(self.before, self.after)
        if gone or new:
            parts = [f"+{item!r}" for item in new] + [f"-{item!r}" for item in gone]
            return f"{place}: {self.field} {', '.join(parts)}"
        return f"{place}: {self.field} {_shown(self.before)} -> {_shown(self.after)}"


# the larger the value, the less passes
_LEAST = {
    *("min_fraction", "min_count", "min", "min_length", "min_items", "min_unique"),
    *("min_class_share", "min_domain_mass", "min_words", "min_coverage", "min_word_length"),
}
# the larger the value, the more passes
_MOST = {
    *("max", "max_length", "max_items", "max_unique", "max_words"),
    *("l_infinity", "jensen_shannon", "missing", "psi", "kolmogorov_smirnov", "wasserstein", "cramers_v"),
}


def diff(before: Schema, after: Schema) -> list[Change]:
    r"""The differences of two schemas, in the order of their features; the order itself is no difference.

    Examples:
        >>> old = Schema.loads('[features.fare]\ntype = "float"\nmin = 0')
        >>> new = Schema.loads('[features.fare]\ntype = "float"\nmin = -1')
        >>> [str(change) for change in diff(old, new)]
        ['fare: min 0 -> -1']
    """
    changes = [
        Change(None, name, getattr(before, name), getattr(after, name), Effect.OTHER)
        for name in ("event_time", "key", "label", "entities", "severity", "environments", "rows", "rules")
        if getattr(before, name) != getattr(after, name)
    ]
    return [*changes, *_changes(before.features, after.features)]


def _changes(before: Mapping[str, Feature], after: Mapping[str, Feature]) -> Iterator[Change]:
    """The differences of features by path: those of columns, or of the fields of one struct."""
    for path in dict.fromkeys([*before, *after]):
        old, new = before.get(path), after.get(path)
        if old is None or new is None:
            # a column that is not known is reported, one that is known and required must be there
            effect = Effect.WIDER if old is None and new is not None and not new.required else Effect.OTHER
            yield Change(path, "feature", old and old.type, new and new.type, effect)
            continue
        for field in fields(Feature):
            one, two = getattr(old, field.name), getattr(new, field.name)
            if one != two and field.name != "fields":
                effect = _effect(field.name, one, two)
                if field.name in ("shape", "min_items", "max_items") and old.shape != new.shape:
                    effect = _items_effect(old.items, new.items)
                yield Change(path, field.name, one, two, effect)
        if old.fields and new.fields:
            yield from _changes(dict(old.inside(path)), dict(new.inside(path)))


def _effect(name: str, before: Any, after: Any) -> Effect:
    if name in _LEAST or name in _MOST:
        if before is None or after is None:
            return Effect.WIDER if after is None else Effect.NARROWER
        if isinstance(before, datetime) != isinstance(after, datetime):  # the type changed as well
            return Effect.OTHER
        return Effect.WIDER if (after < before) == (name in _LEAST) else Effect.NARROWER
    if name in ("required", "unique"):
        return Effect.WIDER if before else Effect.NARROWER
    if name in ("values", "pattern", "shape", "semantic", "format"):
        return _domain_effect(name, before, after)
    if name == "type" and (before, after) == ("int", "float"):
        return Effect.WIDER
    if name == "p_value":
        return Effect.WIDER if before is None or (after is not None and after < before) else Effect.NARROWER
    return Effect.OTHER


def _items_effect(before: tuple[int | None, int | None], after: tuple[int | None, int | None]) -> Effect:
    """What a change does that says the number of items in another way."""
    ends = [_effect(name, one, two) for name, one, two in zip(("min", "max"), before, after, strict=True) if one != two]
    return ends[0] if len(set(ends)) == 1 else Effect.OTHER


def _domain_effect(name: str, before: Any, after: Any) -> Effect:
    if before is None or after is None:
        return Effect.WIDER if after is None else Effect.NARROWER
    if name == "values":
        if set(before) == set(after):
            return Effect.OTHER
        if set(before) <= set(after):
            return Effect.WIDER
        if set(after) <= set(before):
            return Effect.NARROWER
    return Effect.OTHER


def _set_difference(before: Any, after: Any) -> tuple[list[Any], list[Any]]:
    if not isinstance(before, tuple) or not isinstance(after, tuple):
        return [], []
    return [item for item in before if item not in after], [item for item in after if item not in before]


def _shown(value: Any) -> str:
    if value is None:
        return "(not set)"
    return value.isoformat() if hasattr(value, "isoformat") else repr(value)


def _plain(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
