from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Literal

import pytest

from treadle.errors import SchemaError
from treadle.schema import Rule, SchemaModel, field


class Things(SchemaModel):
    id: str = field(key=True, unique=True, entity=True)
    at: datetime = field(event_time=True)
    rules: ClassVar[dict[str, Rule]] = {"r": Rule(rows="fare >= 0")}


class Rides(Things):
    fare: float = field(min=0, unit="USD", drift={"jensen_shannon": 0.01})
    payment: Literal["card", "cash"] | None
    vector: list[float] = field(shape=[3])
    tip: bool = field(label=True, not_in=["SERVING"])


def test_a_class_is_a_schema() -> None:
    schema = Rides.to_schema()
    assert list(schema.features) == ["id", "at", "fare", "payment", "vector", "tip"]
    assert (schema.key, schema.event_time, schema.label, schema.entities) == ("id", "at", "tip", ("id",))
    fare = schema.features["fare"]
    assert (fare.min, fare.unit, fare.jensen_shannon, fare.min_fraction) == (0, "USD", 0.01, 1.0)
    payment = schema.features["payment"]
    assert (payment.type, payment.values, payment.min_fraction) == ("string", ("card", "cash"), 0.0)
    assert (schema.features["vector"].list, schema.features["vector"].shape) == (True, (3,))
    assert schema.features["tip"].not_in == ("SERVING",)
    assert list(schema.rules) == ["r"]
    assert type(schema).loads(schema.dumps()) == schema
    assert Rides.to_schema() == schema


def test_what_is_no_schema_is_refused() -> None:
    class Complex(SchemaModel):
        x: complex

    class Default(SchemaModel):
        x: int = 3

    class Unknown(SchemaModel):
        x: int = field(colour=3)

    class TwoKeys(SchemaModel):
        x: int = field(key=True)
        y: int = field(key=True)

    class Several(SchemaModel):
        x: int | str | None

    class Impossible(SchemaModel):
        x: int = field(min=3, max=2)

    models: list[Any] = [Complex, Default, Unknown, TwoKeys, Several, Impossible]
    for model in models:
        with pytest.raises(SchemaError):
            model.to_schema()


def test_a_class_in_a_function_knows_the_types_around_it() -> None:
    Kind = Literal["a", "b"]

    class Local(SchemaModel):
        kind: Kind

    assert Local.to_schema().features["kind"].values == ("a", "b")
