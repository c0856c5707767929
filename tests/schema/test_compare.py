from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from schema_strategies import schemas

from treadle.errors import SchemaError
from treadle.schema import Effect, Feature, Schema, diff, merge


def schema(**features: str) -> Schema:
    return Schema.loads("\n".join(f"[features.{name}]\n{text}" for name, text in features.items()))


@pytest.mark.parametrize(
    ("before", "after", "field", "effect"),
    [
        ('type="float"\nmin=0', 'type="float"\nmin=-1', "min", Effect.WIDER),
        ('type="float"\nmin=0', 'type="float"\nmin=1', "min", Effect.NARROWER),
        ('type="float"\nmax=0', 'type="float"', "max", Effect.WIDER),
        ('type="string"\nvalues=["a"]', 'type="string"\nvalues=["a","b"]', "values", Effect.WIDER),
        ('type="string"\nvalues=["a"]', 'type="string"\nvalues=["b"]', "values", Effect.OTHER),
        ('type="string"', 'type="string"\nvalues=["b"]', "values", Effect.NARROWER),
        ('type="int"', 'type="float"', "type", Effect.WIDER),
        ('type="int"', 'type="string"', "type", Effect.OTHER),
        ('type="int"', 'type="int"\nrequired=false', "required", Effect.WIDER),
        ('type="int"\ndescription="a"', 'type="int"', "description", Effect.OTHER),
        ('type="int"\nlist=true\nshape=[2]', 'type="int"\nlist=true', "shape", Effect.WIDER),
        ('type="int"\ndrift={psi=0.1}', 'type="int"\ndrift={psi=0.2}', "psi", Effect.WIDER),
    ],
)
def test_each_change_is_told_with_its_effect(before: str, after: str, field: str, effect: Effect) -> None:
    (change,) = diff(schema(x=before), schema(x=after))
    assert (change.feature, change.field, change.effect) == ("x", field, effect)


def test_a_shape_that_becomes_limits_is_wider_as_a_whole() -> None:
    changes = diff(
        schema(x='type="int"\nlist=true\nshape=[2]'), schema(x='type="int"\nlist=true\nmin_items=1\nmax_items=2')
    )
    assert {change.effect for change in changes} == {Effect.WIDER}


def test_features_that_came_and_went_and_sentences() -> None:
    changes = diff(schema(a='type="int"'), schema(b='type="int"\nrequired=false'))
    assert [(str(change), change.effect) for change in changes] == [
        ("a: taken out", Effect.OTHER),
        ("b: added", Effect.WIDER),
    ]
    (change,) = diff(schema(a='type="string"\nvalues=["x","y"]'), schema(a='type="string"\nvalues=["x","z"]'))
    assert str(change) == "a: values +'z', -'y'"
    assert change.to_json() == {
        "feature": "a",
        "field": "values",
        "before": ["x", "y"],
        "after": ["x", "z"],
        "effect": "other",
    }


@given(schemas(), schemas())
def test_a_schema_differs_from_itself_in_nothing_and_changes_are_json(one: Schema, two: Schema) -> None:
    import json

    assert diff(one, one) == []
    json.dumps([change.to_json() for change in diff(one, two)])
    assert bool(diff(one, two)) == (one != two)


def test_a_merge_lets_through_what_either_does() -> None:
    one = schema(
        a='type="int"\nmin=0\nmax=5\nmin_fraction=1.0',
        b='type="string"\nvalues=["x"]\nunit="m"',
        c='type="int"',
    )
    two = schema(a='type="float"\nmin=-1\nmax=3.5\nmin_fraction=0.5', b='type="string"\nvalues=["y"]')
    merged = merge(one, two)
    assert merged.features["a"] == Feature(name="a", type="float", min=-1, max=5, min_fraction=0.5)
    assert merged.features["b"].values == ("x", "y")
    assert merged.features["b"].unit == "m"
    assert not merged.features["c"].required


@pytest.mark.parametrize(
    "other", ['type="string"', 'type="float"\nunit="km"', 'type="float"\nlist=true', 'type="float"\npii="name"']
)
def test_what_cannot_be_one_is_refused(other: str) -> None:
    with pytest.raises(SchemaError):
        merge(schema(a='type="float"\nunit="m"\npii="email"'), schema(a=other))


@given(schemas())
def test_merging_with_itself_changes_no_constraint(one: Schema) -> None:
    allowed = {"severity", "environments", "min", "max"}
    assert {change.field for change in diff(one, merge(one, one))} <= allowed


@given(schemas(), schemas())
def test_a_merge_is_never_narrower(one: Schema, two: Schema) -> None:
    try:
        merged = merge(one, two)
    except SchemaError:
        return
    for side in (one, two):
        narrower = [c for c in diff(side, merged) if c.effect is Effect.NARROWER and c.field != "p_value"]
        assert narrower == []


def test_a_bound_whose_type_changed_is_another_bound() -> None:
    before = Schema({"x": Feature(name="x", type="int", min=1)})
    after = Schema({"x": Feature(name="x", type="timestamp", min=datetime(2024, 1, 1))})
    assert [(change.field, change.effect.value) for change in diff(before, after)] == [
        ("type", "other"),
        ("min", "other"),
    ]
