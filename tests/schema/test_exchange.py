from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from schema_strategies import schemas

from treadle.errors import SchemaError
from treadle.schema import Schema, from_json_schema, from_tfx, to_json_schema

TFX = """
# a comment
feature { name: "fare" type: FLOAT presence { min_fraction: 1.0 min_count: 1 } shape { dim { size: 1 } }
  float_domain { min: 0.0 max: 500 disallow_nan: true }
  drift_comparator { jensen_shannon_divergence { threshold: 0.01 } infinity_norm: { threshold: 0.1 } } }
feature { name: "company" type: BYTES domain: "company" value_count { min: 1 max: 1 }
  distribution_constraints { min_domain_mass: 0.9 } lifecycle_stage: BETA
  annotation { tag: "who" comment: 'The taxi\\'s ' "company" } }
feature < name: "flag" type: INT bool_domain {} not_in_environment: "SERVING" >
feature { name: "ids" type: INT value_count { min: 0 max: 5 } }
feature { name: "vector" type: FLOAT shape { dim { size: 2 } dim { size: 3 } } }
feature { name: "photo" type: BYTES image_domain { max_image_byte_size: 1000 } }
feature { name: "when" type: INT time_domain { integer_format: UNIX_SECONDS } }
feature { name: "nested" type: STRUCT }
feature { name: "orders" type: STRUCT value_count { min: 0 } presence { min_fraction: 1.0 }
  struct_domain { feature { name: "price" type: FLOAT float_domain { min: 0 } presence { min_fraction: 1 } }
    feature { name: "code" type: BYTES domain: "company"
      skew_comparator { infinity_norm { threshold: 0.2 } } drift_comparator {} not_in_environment: "SERVING" } } }
feature { name: "old" type: INT lifecycle_stage: DEPRECATED xyz: 1
  skew_comparator { infinity_norm { threshold: 0.2 } } drift_comparator { infinity_norm { threshold: 0.1 } } }
string_domain { name: "company" value: "Blue" value: "\\303\\251" }
weighted_feature { name: "w" feature { step: "ids" } weight_feature { step: "vector" } }
default_environment: ["TRAINING", "SERVING"]
dataset_constraints { min_examples_count: 10 num_examples_drift_comparator { min_fraction_threshold: 0.5 } }
"""


def test_a_schema_of_tfx_is_read() -> None:
    found = from_tfx(TFX)
    features = found.schema.features
    assert list(features) == ["fare", "company", "flag", "ids", "vector", "photo", "when", "orders", "old"]
    fare = features["fare"]
    assert (fare.type, fare.min, fare.max, fare.min_fraction, fare.min_count) == ("float", 0.0, 500, 1.0, None)
    assert (fare.jensen_shannon, fare.l_infinity, dict(fare.severity)) == (0.01, None, {"NOT_FINITE": "error"})
    company = features["company"]
    assert (company.values, company.min_domain_mass, company.lifecycle) == (("Blue", "é"), 0.9, "beta")
    assert (company.tags, company.description, company.required) == (("who",), "The taxi's company", False)
    assert (features["flag"].values, features["flag"].not_in) == ((0, 1), ("SERVING",))
    assert (features["ids"].list, features["ids"].items) == (True, (0, 5))
    assert (features["vector"].shape, features["vector"].items) == ((2, 3), (6, 6))
    assert (features["photo"].type, features["photo"].semantic, features["photo"].max_length) == (
        "bytes",
        "image",
        1000,
    )
    assert features["when"].format == "unix_seconds"
    orders = features["orders"]
    assert (orders.type, orders.list, orders.min_fraction, list(orders.fields)) == (
        "struct",
        True,
        1.0,
        ["price", "code"],
    )
    assert (orders.fields["price"].min, orders.fields["code"].values) == (0, ("Blue", "é"))
    assert (orders.fields["price"].not_in, orders.fields["code"].not_in) == ((), ("SERVING",))
    assert not features["old"].required
    assert found.schema.rules["w"].rows == 'coalesce(len("ids"), 0) = coalesce(len("vector"), 0)'
    assert (found.schema.rows.min, found.schema.rows.min_ratio) == (10, 0.5)
    notes = " ".join(found.notes)
    assert "nested: a struct of which no field is known" in notes
    assert (orders.fields["code"].l_infinity, features["old"].l_infinity) == (0.2, 0.1)
    assert notes.count("skew_comparator was left out") == notes.count("old: skew_comparator was left out") == 1
    assert "old: xyz has no counterpart" in notes
    assert "infinity_norm can never fire" in notes
    assert Schema.loads(found.schema.dumps()) == found.schema


def test_a_format_of_times_that_is_not_read_is_left_out_with_a_note() -> None:
    found = from_tfx('feature { name: "t" type: BYTES time_domain { string_format: "%F" } }')
    assert (found.schema.features["t"].semantic, found.schema.features["t"].format) == ("time", None)
    assert "the format of times '%F' was left out" in " ".join(found.notes)


def test_environments_of_tfx_are_turned_around() -> None:
    found = from_tfx(
        'feature { name: "a" type: INT } feature { name: "b" type: INT in_environment: "EVAL" }'
        'default_environment: "TRAINING"'
    ).schema.features
    assert (found["a"].not_in, found["b"].not_in) == (("EVAL",), ())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("feature { name: ", "is not a value"),
        ("feature { name: 'x' ", "not closed"),
        ("feature { name 'x' }", "without a colon"),
        ("feature }", "without a colon"),
        ("\n\n %", "'%' is not expected"),
        ("feature { 12: 3 }", "where a field's name should"),
        ("a: [1 2]", "without a comma"),
        ("a {" * 200, "too deep"),
        ('feature { name: "x" type: BYTES domain: "y" }', "a domain that is not there"),
        ('feature { name: "\\377" type: BYTES }', "not UTF-8"),
    ],
)
def test_what_is_no_text_format_is_refused(text: str, message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        from_tfx(text)


@given(schemas())
def test_our_schemas_come_back_from_json_schema_as_they_were(schema: Schema) -> None:
    document = json.loads(json.dumps(to_json_schema(schema)))
    assert from_json_schema(document).schema == schema


def test_a_json_schema_of_others() -> None:
    document: dict[str, Any] = {
        "type": "array",
        "items": {"$ref": "#/$defs/Ride"},
        "$defs": {
            "Ride": {
                "type": "object",
                "required": ["fare", "kind"],
                "properties": {
                    "fare": {"type": "number", "exclusiveMinimum": 0, "description": "Dollars"},
                    "kind": {"enum": ["a", "b", None]},
                    "tip": {"anyOf": [{"type": "number"}, {"type": "null"}]},
                    "people": {"type": ["integer", "null"], "exclusiveMaximum": 7, "multipleOf": 2},
                    "at": {"type": "string", "format": "date-time"},
                    "site": {"type": "string", "format": "uri", "maxLength": 9, "pattern": "^http"},
                    "mail": {"type": "string", "format": "email"},
                    "scores": {"type": "array", "items": {"type": "number"}, "maxItems": 3},
                    "who": {"type": "object"},
                    "home": {"type": ["object", "null"], "properties": {"city": {"type": "string"}, "x": {}}},
                    "orders": {"type": "array", "items": {"$ref": "#/$defs/Order"}},
                    "any": True,
                },
            },
            "Order": {"required": ["price"], "properties": {"price": {"type": "number", "minimum": 0}}},
        },
    }
    found = from_json_schema(document)
    features = found.schema.features
    assert (features["fare"].min, features["fare"].required, features["fare"].min_fraction) == (5e-324, True, 1.0)
    assert features["kind"].values == ("a", "b")
    assert (features["tip"].type, features["tip"].min_fraction, features["tip"].required) == ("float", 0.0, False)
    assert (features["people"].type, features["people"].max) == ("int", 6)
    assert (features["at"].type, features["site"].semantic, features["mail"].pii) == ("timestamp", "url", "email")
    assert (features["scores"].list, features["scores"].max_items) == (True, 3)
    home, orders = features["home"], features["orders"]
    assert (home.type, home.min_fraction, list(home.fields)) == ("struct", 0.0, ["city"])
    assert (orders.type, orders.list, orders.fields["price"].min, orders.fields["price"].required) == (
        "struct",
        True,
        0,
        True,
    )
    assert "who" not in features
    assert len(found.notes) == 4
    assert "home.x: no type is not a type of a feature and was left out." in found.notes


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"type": "object", "properties": {"a": {"$ref": "#/nowhere"}}},
        {"type": "object", "properties": {"a": {"$ref": "#/properties/a"}}},
        {"type": "object", "properties": {"a": {"$ref": "http://elsewhere"}}},
        {"type": "object", "properties": {"a": {"type": "object", "properties": {"b": {"$ref": "#/properties/a"}}}}},
        {"type": "object", "properties": {"a": {"x-treadle": {"type": "int", "colour": 1}}}},
    ],
)
def test_what_is_no_row_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(SchemaError):
        from_json_schema(document)


def test_the_taxi_schema_in_json_schema() -> None:
    schema = Schema.load(Path(__file__).parents[2] / "examples" / "taxi" / "schema.toml")
    properties = to_json_schema(schema)["properties"]
    assert properties["trip_distance"]["type"] == "number"
    assert properties["store_and_fwd_flag"]["enum"] == ["N", "Y", None]
