"""A schema as a Python class: annotations are types, :func:`field` adds constraints."""

from __future__ import annotations

import sys
import types
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Literal, Union, get_args, get_origin, get_type_hints

from treadle.errors import SchemaError
from treadle.schema._feature import Feature
from treadle.schema._rule import Rule
from treadle.schema._schema import Schema

_TYPES: dict[Any, str] = {
    int: "int",
    float: "float",
    str: "string",
    bool: "bool",
    bytes: "bytes",
    datetime: "timestamp",
}


class FieldOptions:
    """What :func:`field` was told."""

    __slots__ = ("constraints", "drift", "roles")

    def __init__(self, roles: Sequence[str], drift: dict[str, float], constraints: dict[str, Any]) -> None:
        self.roles, self.drift, self.constraints = roles, drift, constraints


def field(
    *,
    event_time: bool = False,
    key: bool = False,
    label: bool = False,
    entity: bool = False,
    drift: dict[str, float] | None = None,
    **constraints: Any,
) -> Any:
    """Constraints of a feature of a :class:`SchemaModel`.

    Args:
        event_time: The feature says when a row happened.
        key: The feature names a row.
        label: The feature is what is predicted.
        entity: The feature says whom or what a row is about.
        drift: Drift thresholds by name.
        constraints: Fields of :class:`Feature`.
    """
    roles = {"event_time": event_time, "key": key, "label": label, "entity": entity}
    return FieldOptions([name for name, is_so in roles.items() if is_so], dict(drift or {}), constraints)


class SchemaModel:
    """Derive from it and annotate: ``float`` must have a value in every row, ``float | None`` need not have one,
    ``list[float]`` is a list, ``Literal["a", "b"]`` a closed list of values, another model a struct with its features
    as fields. Subclasses add features.

    ``rules`` and ``severity`` as class variables are those of the schema.

    Examples:
        >>> class Rides(SchemaModel):
        ...     fare: float = field(min=0, unit="USD")
        ...     payment: Literal["card", "cash"] | None
        >>> Rides.to_schema().features["payment"].values
        ('card', 'cash')
    """

    rules: ClassVar[dict[str, Rule]] = {}
    severity: ClassVar[dict[str, str]] = {}
    _names: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        # annotations may be text, and may name what only the place of the class knows
        frame = sys._getframe(1)
        cls._names = {**cls._names, **frame.f_globals, **frame.f_locals}

    @classmethod
    def to_schema(cls) -> Schema:
        """The schema that the class says.

        Raises:
            SchemaError: An annotation is no type of a feature, or a constraint is impossible.
        """
        hints = get_type_hints(cls, localns=cls._names)
        features: dict[str, Feature] = {}
        roles: dict[str, list[str]] = {}
        for name, annotation in hints.items():
            if get_origin(annotation) is ClassVar:
                continue
            options = getattr(cls, name, None)
            if options is None:
                options = FieldOptions([], {}, {})
            if not isinstance(options, FieldOptions):
                raise SchemaError(
                    "A feature of a schema model has no default value.",
                    where={"feature": name},
                    hint="Write constraints as field(...).",
                )
            features[name] = _feature(name, annotation, options)
            for role in options.roles:
                roles.setdefault(role, []).append(name)
        for role, names in roles.items():
            if role != "entity" and len(names) > 1:
                raise SchemaError(f"A schema has one {role}, not {' and '.join(names)}.", where={"field": role})
        return Schema(
            features,
            **{role: names[0] for role, names in roles.items() if role != "entity"},  # type: ignore[arg-type]
            entities=tuple(roles.get("entity", ())),
            severity=dict(cls.severity),
            rules=dict(cls.rules),
        )


def _feature(name: str, annotation: Any, options: FieldOptions) -> Feature:
    declared: dict[str, Any] = {"min_fraction": 1.0}
    if get_origin(annotation) in (Union, types.UnionType) and type(None) in get_args(annotation):
        declared["min_fraction"] = 0.0
        rest = [part for part in get_args(annotation) if part is not type(None)]
        annotation = rest[0] if len(rest) == 1 else annotation
    if get_origin(annotation) in (list, tuple):
        declared["list"] = True
        annotation = get_args(annotation)[0]
    if get_origin(annotation) is Literal:
        declared["values"] = get_args(annotation)
        annotation = type(declared["values"][0])
    if isinstance(annotation, type) and issubclass(annotation, SchemaModel):
        declared["fields"] = _fields(annotation, name)
    elif annotation not in _TYPES:
        raise SchemaError(
            f"{annotation!r} is not a type of a feature.",
            where={"feature": name},
            hint="Use int, float, str, bool, bytes, datetime, Literal, a SchemaModel, a list of one, or one and None.",
        )
    declared["type"] = "struct" if "fields" in declared else _TYPES[annotation]
    for constraint in ("values", "not_in", "tags", "shape"):
        if constraint in options.constraints:
            options.constraints[constraint] = tuple(options.constraints[constraint])
    try:
        return Feature(**{"name": name, **declared, **options.drift, **options.constraints})
    except TypeError as error:
        raise SchemaError(f"Schema: {error}.".replace("Feature.__init__() ", ""), where={"feature": name}) from error


def _fields(model: type[SchemaModel], name: str) -> dict[str, Feature]:
    """The features of a model that stands inside another."""
    schema = model.to_schema()
    if schema.event_time or schema.key or schema.label or schema.entities or schema.rules or schema.severity:
        raise SchemaError(
            f"{model.__name__} has roles, rules or a policy, which only a whole schema has.",
            where={"feature": name},
            hint="Say them in the model around it; roles are those of columns.",
        )
    return dict(schema.features)
